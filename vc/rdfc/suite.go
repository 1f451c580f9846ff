package rdfc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// EdDSARDFC2022 is eddsa-rdfc-2022: Ed25519 over SHA-256 hashes of canonical RDF (vc-di-eddsa §3.2).
type EdDSARDFC2022 struct {
	Contexts *vc.Contexts // nil means Contexts()
}

// Name implements [vc.Suite].
func (EdDSARDFC2022) Name() string { return "eddsa-rdfc-2022" }

// Traits says that the suite signs RDF.
func (EdDSARDFC2022) Traits() vc.Traits { return vc.Traits{JSONLD: true} }

// Sign implements [vc.Suite].
func (s EdDSARDFC2022) Sign(key crypto.Signer, document, options []byte) (string, error) {
	return sign(s.Contexts, "eddsa-rdfc-2022", key, document, options)
}

// Verify implements [vc.Suite].
func (s EdDSARDFC2022) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	return verify(s.Contexts, "eddsa-rdfc-2022", public, document, options, proofValue)
}

// ECDSARDFC2019 is ecdsa-rdfc-2019: P-256 with SHA-256 or P-384 with SHA-384, which then is the hash of the
// canonicalization as well, over canonical RDF (vc-di-ecdsa §3.2).
//
// An ECDSA signature is malleable: (r, n-s) holds where (r, s) does, and both are taken, as the standard has it
// and as keys in hardware need. No digest of Hourmeter's covers a proofValue.
type ECDSARDFC2019 struct {
	Contexts *vc.Contexts // nil means Contexts()
}

// Name implements [vc.Suite].
func (ECDSARDFC2019) Name() string { return "ecdsa-rdfc-2019" }

// Traits says that the suite signs RDF.
func (ECDSARDFC2019) Traits() vc.Traits { return vc.Traits{JSONLD: true} }

// Sign implements [vc.Suite].
func (s ECDSARDFC2019) Sign(key crypto.Signer, document, options []byte) (string, error) {
	return sign(s.Contexts, "ecdsa-rdfc-2019", key, document, options)
}

// Verify implements [vc.Suite].
func (s ECDSARDFC2019) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	return verify(s.Contexts, "ecdsa-rdfc-2019", public, document, options, proofValue)
}

// Ed25519Signature2020 is the suite of that name that the W3C's Credentials Community Group wrote and that
// eddsa-rdfc-2022 has replaced: the same computation under a type of its own. It verifies, for credentials that
// were issued before, and does not sign.
type Ed25519Signature2020 struct {
	Contexts *vc.Contexts // nil means Contexts()
}

// Name implements [vc.Suite]: the type of such proofs.
func (Ed25519Signature2020) Name() string { return "Ed25519Signature2020" }

// Traits says that the suite signs RDF, and that its name is the proof's type.
func (Ed25519Signature2020) Traits() vc.Traits { return vc.Traits{JSONLD: true, OwnType: true} }

// Sign implements [vc.Suite] by refusing.
func (Ed25519Signature2020) Sign(crypto.Signer, []byte, []byte) (string, error) {
	return "", errors.New("is of the past and only verified here: sign with EdDSARDFC2022")
}

// Verify implements [vc.Suite].
func (s Ed25519Signature2020) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	return verify(s.Contexts, "Ed25519Signature2020", public, document, options, proofValue)
}

// Suites returns the suites of this package and of package vc, for [vc.Verifier].Suites, all of them with these
// contexts: nil means Contexts().
func Suites(contexts *vc.Contexts) []vc.Suite {
	return []vc.Suite{
		vc.EdDSAJCS2022{}, vc.ECDSAJCS2019{},
		EdDSARDFC2022{contexts}, ECDSARDFC2019{contexts}, ECDSASD2023{Contexts: contexts}, Ed25519Signature2020{contexts},
	}
}

func sign(contexts *vc.Contexts, suite string, key crypto.Signer, document, options []byte) (string, error) {
	hash, err := hashOf(suite, key.Public())
	if err != nil {
		return "", err
	}
	message, err := hashes(contexts, suite, hash, document, options)
	if err != nil {
		return "", err
	}
	return signature.SignBase58(key, message)
}

func verify(contexts *vc.Contexts, suite string, public crypto.PublicKey, document, options []byte, proofValue string) error {
	hash, err := hashOf(suite, public)
	if err != nil {
		return err
	}
	sig, err := signature.DecodeBase58(proofValue)
	if err != nil {
		return err
	}
	message, err := hashes(contexts, suite, hash, document, options)
	if err != nil {
		return err
	}
	return signature.Verify(public, message, sig)
}

// hashOf returns the hash function that a suite uses with a key, or why it does not take the key.
func hashOf(suite string, public crypto.PublicKey) (crypto.Hash, error) {
	if suite != "ecdsa-rdfc-2019" {
		if _, ok := public.(ed25519.PublicKey); !ok {
			return 0, fmt.Errorf("needs an Ed25519 key, got %T", public)
		}
		return crypto.SHA256, nil
	}
	k, ok := public.(*ecdsa.PublicKey)
	switch {
	case !ok:
		return 0, fmt.Errorf("needs a P-256 or P-384 key, got %T", public)
	case k.Curve == elliptic.P256():
		return crypto.SHA256, nil
	case k.Curve == elliptic.P384():
		return crypto.SHA384, nil
	}
	return 0, fmt.Errorf("needs a P-256 or P-384 key, got %s", k.Params().Name)
}

// hashes returns hash(canonical options) ‖ hash(canonical document) (vc-di-eddsa §3.2.4, vc-di-ecdsa §3.2.4).
func hashes(contexts *vc.Contexts, suite string, hash crypto.Hash, document, options []byte) ([]byte, error) {
	d, err := strictjson.Parse(document, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	o, err := strictjson.Parse(options, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	if options, err = configuration(suite, d.Root(), o.Root()); err != nil {
		return nil, err
	}
	first, err := Canonicalize(contexts, options, hash)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	second, err := Canonicalize(contexts, document, hash)
	if err != nil {
		return nil, err
	}
	if hash == crypto.SHA384 {
		a, b := sha512.Sum384(first), sha512.Sum384(second)
		return append(a[:], b[:]...), nil
	}
	a, b := sha256.Sum256(first), sha256.Sum256(second)
	return append(a[:], b[:]...), nil
}

// configuration returns a proof's options as they are signed, with the document's contexts (vc-di-eddsa §3.2.5).
func configuration(suite string, document, options strictjson.Value) ([]byte, error) {
	// The caller chose the suite; what is signed must say the same.
	member := "cryptosuite"
	if suite == "Ed25519Signature2020" {
		member = "type"
	}
	if said := options.Member(member).Text(); said != suite {
		return nil, fmt.Errorf("the proof's %s is %.80q, not %s", member, said, suite)
	}
	// The proof means what the document's contexts say. With others of its own it would be hashed as something that
	// nobody reads.
	theirs := jcs.Append(nil, document.Member("@context"))
	if own := options.Member("@context"); own.Exists() && string(jcs.Append(nil, own)) != string(theirs) {
		return nil, errors.New("@context of the proof is not the document's")
	}
	return jcs.Append(nil, options, jcs.Override{Name: "@context", Canonical: theirs}), nil
}

// Canonicalize returns the canonical N-Quads of a JSON-LD document: see [vc.Contexts.CanonicalNQuads]. Nil contexts
// are Contexts().
func Canonicalize(contexts *vc.Contexts, document []byte, hash crypto.Hash) ([]byte, error) {
	if contexts == nil {
		contexts = Contexts()
	}
	return contexts.CanonicalNQuads(document, hash)
}

// quads returns what a JSON-LD document says, statement by statement.
func quads(contexts *vc.Contexts, document []byte) ([]rdf.Quad, error) {
	if contexts == nil {
		contexts = Contexts()
	}
	text, err := contexts.NQuads(document)
	if err != nil {
		return nil, err
	}
	return rdf.Parse(text)
}
