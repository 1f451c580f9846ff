package did

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Relationship is what a key may be used for (DID Core 1.1 §5.3).
type Relationship string

// The verification relationships.
const (
	AssertionMethod      Relationship = "assertionMethod"      // issue credentials
	Authentication       Relationship = "authentication"       // answer challenges
	KeyAgreement         Relationship = "keyAgreement"         // receive encrypted messages
	CapabilityInvocation Relationship = "capabilityInvocation" // use a capability
	CapabilityDelegation Relationship = "capabilityDelegation" // pass a capability on
)

// A Version picks one of the documents a DID has had. The zero Version is the latest.
// At most one field is set.
type Version struct {
	Time   time.Time // the document in force at this moment
	ID     string    // the one with this versionId, a name the method gives
	Number int       // the one with this versionNumber, from 1: a parameter of did:webvh
}

// IsZero reports whether v picks the latest document.
func (v Version) IsZero() bool { return v.Time.IsZero() && v.ID == "" && v.Number == 0 }

// Named reports whether v picks a document by its versionId or versionNumber. A method
// whose documents have no such names answers with [ErrNotFound].
func (v Version) Named() bool { return v.ID != "" || v.Number != 0 }

// Validate reports whether at most one field is set, and to what can be asked for. The
// error wraps [ErrInvalidOptions].
func (v Version) Validate() error {
	set := 0
	for _, is := range [...]bool{!v.Time.IsZero(), v.ID != "", v.Number != 0} {
		if is {
			set++
		}
	}
	if set > 1 || v.Number < 0 {
		return fmt.Errorf("%w: want one of versionId, versionTime and versionNumber, which counts from 1", ErrInvalidOptions)
	}
	return nil
}

// A Resolution is a document and what its method knows about it (DID Resolution §4.3,
// "DID Document Metadata"). Times are zero, and texts empty, where the method keeps none.
type Resolution struct {
	Document *Document // never nil

	Created    time.Time // when the identifier was made
	Updated    time.Time // since when Document is in force, if it is not the first
	NextUpdate time.Time // until when; zero for the latest

	VersionID     string // the method's name for this version
	NextVersionID string // and for the next; empty for the latest

	// Deactivated says that the identifier was retired after Document was in force.
	// Asking for a time after that gets ErrDeactivated, not a Resolution.
	Deactivated bool

	CanonicalID  DID   // the form of the identifier the method prefers; zero for Document.ID itself
	EquivalentID []DID // other forms of the identifier, vouched for by the method

	// Extra is what the method says beside this, by names of its own, such as did:webvh's
	// scid and portable.
	Extra []Member

	// Retrieved is when whoever keeps the document was last asked: the answer is as old.
	// Zero if nobody had to be asked.
	Retrieved time.Time
	// Stale says that the answer is older than it may be, and is given since there was no
	// newer one and the caller allows that. It may have changed since Retrieved.
	Stale bool
	// TTL is for how long after Retrieved the controller allows it to be remembered; zero
	// if the controller does not say.
	TTL time.Duration
}

// Describes reports whether Document is one of id: it has that id, or another of which the method vouches,
// by CanonicalID or EquivalentID, that it is the same (DID Resolution 1.0 §4.3). A did:webvh that moved had
// another name in its documents of before, and its method gives them as they were; what a document says by
// itself, in alsoKnownAs for one, does not count.
//
// The danger: a key in it is one of Document.ID, and of no other name. [Key] asks for more than this.
func (r *Resolution) Describes(id DID) bool {
	if r.Document.ID == id {
		return true
	}
	return r.Document.ID.Method() == id.Method() && !id.IsZero() && (r.CanonicalID == id || slices.Contains(r.EquivalentID, id))
}

// A Resolver looks up documents. Implementations are safe for concurrent use.
type Resolver interface {
	// Resolve returns the document of id at version v. The caller does not change it.
	//
	// An error for which IsAnswer is true is the answer: asking again will not help.
	// Any other error says that there was no answer: the network was down, ctx ended,
	// or (ErrVersionUnknown) the method keeps no history that reaches v.
	Resolve(ctx context.Context, id DID, v Version) (*Resolution, error)
}

// A KeyResolver is a Resolver with a faster way to a key than through a document.
// Resolvers that wrap others pass it on, so that did:key stays fast behind them.
type KeyResolver interface {
	Resolver
	// Key answers as the function Key does with this resolver.
	Key(ctx context.Context, url URL, use Relationship, v Version) (crypto.PublicKey, error)
}

// Key resolves url.DID with r (nil means [Offline]) at version v and returns the key
// that url names, if the document gives it use: see [Document.Key] for what is checked.
//
// The key is an [ed25519.PublicKey], an [*ecdsa.PublicKey] on P-256, P-384, P-521 or
// secp256k1, an [*rsa.PublicKey] of 2048 to 8192 bits, an [MLDSA44PublicKey], or, for
// KeyAgreement, also an [*ecdh.PublicKey] on X25519.
//
// v is the caller's to say, since it decides which key counts: a versionId,
// versionTime or versionNumber inside url is not obeyed but refused.
func Key(ctx context.Context, r Resolver, url URL, use Relationship, v Version) (crypto.PublicKey, error) {
	if r == nil {
		r = Offline{}
	}
	if k, ok := r.(KeyResolver); ok {
		return k.Key(ctx, url, use, v)
	}
	res, err := r.Resolve(ctx, url.DID, v)
	if err != nil {
		return nil, err
	}
	if res == nil || res.Document == nil {
		return nil, fmt.Errorf("did: the resolver of %s gave neither a document nor an error", url.DID)
	}
	// A resolver that answers with another document, by mistake or by malice, must not
	// get to say which key speaks for url.DID.
	if res.Document.ID != url.DID {
		return nil, fmt.Errorf("%w: asked for %s, got the document of %s", ErrInvalidDocument, url.DID, res.Document.ID)
	}
	at := v.Time
	if at.IsZero() {
		at = time.Now()
	}
	return res.Document.KeyAt(url, use, at)
}

// Errors that are answers: see [IsAnswer].
var (
	// ErrInvalidDID says that text is not a DID, or not one its method can have made.
	ErrInvalidDID = errors.New("did: invalid DID")
	// ErrInvalidURL says that text starts with a DID but is not a DID URL.
	ErrInvalidURL = errors.New("did: invalid DID URL")
	// ErrInvalidOptions says that what was asked for contradicts itself.
	ErrInvalidOptions = errors.New("did: invalid options")
	// ErrInvalidDocument says that the method has a document, and it must not be used.
	ErrInvalidDocument = errors.New("did: invalid document")
	// ErrNotFound says that the method has no such identifier or version, or that the
	// document has no such key.
	ErrNotFound = errors.New("did: not found")
	// ErrDeactivated says that the controller has retired the identifier.
	ErrDeactivated = errors.New("did: deactivated")
	// ErrMethodNotSupported says that no resolver was given for the method.
	ErrMethodNotSupported = errors.New("did: method not supported")
	// ErrFeatureNotSupported says that what was asked for is not done here, though a
	// standard describes it.
	ErrFeatureNotSupported = errors.New("did: feature not supported")
	// ErrRepresentationNotSupported says that there is nothing of the media type asked for.
	ErrRepresentationNotSupported = errors.New("did: representation not supported")
	// ErrKeyNotAuthorized says that the document does not give a key that role.
	ErrKeyNotAuthorized = errors.New("did: key not authorized for this relationship")
	// ErrKeyNotSupported says that the document has such a key, and it is of a type this
	// package does not read.
	ErrKeyNotSupported = errors.New("did: type of key not supported")
	// ErrInvalidKey says that the document has such a key, and it is malformed.
	ErrInvalidKey = errors.New("did: invalid public key")
)

// ErrVersionUnknown says that the method cannot tell what the document was at that time.
// It is not an answer: whoever keeps the history could tell.
var ErrVersionUnknown = errors.New("did: the document at that time is not known")

// answers pairs each error that is an answer with its name in DID Resolution §11 or
// Controlled Identifiers 1.0 §3.5. DID Resolution has no name for a retired identifier.
var answers = [...]struct {
	err error
	typ string
}{
	{ErrInvalidDID, "https://www.w3.org/ns/did#INVALID_DID"},
	{ErrInvalidURL, "https://www.w3.org/ns/did#INVALID_DID_URL"},
	{ErrInvalidOptions, "https://www.w3.org/ns/did#INVALID_OPTIONS"},
	{ErrInvalidDocument, "https://www.w3.org/ns/did#INVALID_DID_DOCUMENT"},
	{ErrNotFound, "https://www.w3.org/ns/did#NOT_FOUND"},
	{ErrDeactivated, "https://www.w3.org/ns/did#NOT_FOUND"},
	{ErrMethodNotSupported, "https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED"},
	{ErrFeatureNotSupported, "https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"},
	{ErrRepresentationNotSupported, "https://www.w3.org/ns/did#REPRESENTATION_NOT_SUPPORTED"},
	{ErrKeyNotAuthorized, "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"},
	{ErrKeyNotSupported, "https://w3id.org/security#INVALID_VERIFICATION_METHOD"},
	{ErrInvalidKey, "https://w3id.org/security#INVALID_VERIFICATION_METHOD"},
}

// IsAnswer reports whether err, from a Resolver or from [Key], is a definite no: refuse.
// For any other error the question is still open: try again later.
func IsAnswer(err error) bool {
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return true
		}
	}
	return false
}

// ErrorType returns the URL by which DID Resolution (§11) or Controlled Identifiers 1.0 (§3.5)
// names err: the "type" of an RFC 9457 problem. Any error it does not know is INTERNAL_ERROR.
func ErrorType(err error) string {
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return a.typ
		}
	}
	if errors.Is(err, ErrVersionUnknown) {
		return "https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"
	}
	return "https://www.w3.org/ns/did#INTERNAL_ERROR"
}
