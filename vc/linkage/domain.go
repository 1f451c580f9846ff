package linkage

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// A Checker checks links of DIDs with domains. It is safe for concurrent use.
type Checker struct {
	Resolver did.Resolver     // nil means did.Offline: no network
	Source   Source           // of what origins publish; needed by Domain, Domains and Fetch
	Status   vc.StatusChecker // nil: a credential with credentialStatus could not be checked
	Now      func() time.Time // nil means time.Now
}

// A Link is a domain and a DID that name each other.
type Link struct {
	DID        did.DID
	Origin     Origin
	Until      time.Time    // the domain's word is good until then
	Credential *vc.Verified // by which the domain says so
}

// Domain checks that id and origin are linked: the DID document claims the origin in a service of type
// LinkedDomains, and the origin publishes a domain linkage credential by the DID, which nobody without
// its keys can have signed. The keys are those of the present document.
//
// The error wraps [ErrOneSided] or [ErrUnlinked] if they are not, and [ErrConfiguration] if what the
// origin publishes is none: for these [did.IsAnswer] is true. Any other error says that it could not be
// checked.
func (c *Checker) Domain(ctx context.Context, id did.DID, origin Origin) (*Link, error) {
	published, err := c.Fetch(ctx, origin)
	if err != nil {
		return nil, err
	}
	return c.Verify(ctx, id, origin, published)
}

// A Result is what came of checking one origin: one of Link and Err is nil.
type Result struct {
	Origin Origin
	Link   *Link
	Err    error // as Domain returns it
}

// Domains checks every origin that id's document claims.
func (c *Checker) Domains(ctx context.Context, id did.DID) ([]Result, error) {
	origins, err := c.claimed(ctx, id)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(origins))
	for i, o := range origins {
		results[i].Origin = o
		results[i].Link, results[i].Err = c.Domain(ctx, id, o)
	}
	return results, nil
}

// Fetch returns what an origin publishes (DID Configuration, "DID Configuration Resource"). It asks the
// origin itself and nobody else: where its server sends the request on, only the Source knows.
func (c *Checker) Fetch(ctx context.Context, origin Origin) (*Configuration, error) {
	if c.Source == nil || origin.IsZero() {
		return nil, errors.New("linkage: a Checker needs a Source to fetch what an origin publishes, and an origin")
	}
	body, _, _, err := c.Source.Document(ctx, origin.URL(), "application/json")
	if err != nil {
		return nil, fmt.Errorf("linkage: %s: %w", origin, err)
	}
	published, err := ParseConfiguration(body)
	if err != nil {
		return nil, fmt.Errorf("linkage: %s: %w", origin, err)
	}
	return published, nil
}

// Verify is [Checker.Domain] for what an origin has published: published is the word of whoever handed
// it over that the origin did.
func (c *Checker) Verify(ctx context.Context, id did.DID, origin Origin, published *Configuration) (*Link, error) {
	if id.IsZero() || origin.IsZero() || published == nil {
		return nil, errors.New("linkage: verify: a DID, an origin and what it publishes are required")
	}
	origins, err := c.claimed(ctx, id)
	if err != nil {
		return nil, err
	}
	claims := slices.Contains(origins, origin)

	// One good credential is enough: the same link may be there in both formats.
	var link *Link
	var bad, open error
	for _, raw := range published.about(id) {
		v, err := c.credential(ctx, raw, id, origin)
		if err == nil {
			link = &Link{DID: id, Origin: origin, Until: v.Expires(), Credential: v}
			break
		}
		if _, no := errors.AsType[*vc.RejectError](err); no {
			bad = err
		} else {
			open = err
		}
	}
	switch {
	case link != nil && claims:
		return link, nil
	case link == nil && open != nil:
		return nil, open
	case link != nil:
		return nil, &OneSidedError{Claims: origin.String(), Silent: id.String()}
	case claims:
		return nil, &OneSidedError{Claims: id.String(), Silent: origin.String(), Detail: bad}
	case bad != nil:
		return nil, fmt.Errorf("%w: %s and %s: %w", ErrUnlinked, id, origin, bad)
	}
	return nil, fmt.Errorf("%w: %s and %s", ErrUnlinked, id, origin)
}

// claimed returns the origins that id's present document claims.
func (c *Checker) claimed(ctx context.Context, id did.DID) ([]Origin, error) {
	res, err := resolve(ctx, c.Resolver, id)
	if err != nil {
		return nil, err
	}
	if res.Document.ID != id {
		return nil, fmt.Errorf("linkage: %w: asked for %s, got the document of %s", did.ErrInvalidDocument, id, res.Document.ID)
	}
	return Claimed(res.Document)
}

// credential checks one domain linkage credential ("DID Configuration Resource Verification").
func (c *Checker) credential(ctx context.Context, raw []byte, id did.DID, origin Origin) (*vc.Verified, error) {
	contexts, err := contexts()
	if err != nil {
		return nil, err
	}
	verifier := &vc.Verifier{
		Resolver: present{c.Resolver}, Suites: rdfc.Suites(contexts), Formats: []vc.Format{jose.Format{}},
		Contexts: contexts, Status: c.Status, Now: c.Now, V1: true,
	}
	return verifier.Verify(ctx, raw, func(v *vc.Verified) error {
		var subject struct {
			Origin string `json:"origin"`
		}
		_, err := v.Member("credentialSubject", &subject)
		switch {
		case err != nil:
			return err
		case !slices.Contains(v.Types(), CredentialType):
			return fmt.Errorf("it is a %s, not a %s", v.Type(), CredentialType)
		case v.ID() != "":
			return errors.New("it has an id, and must not")
		case v.ValidFrom().IsZero() || v.ValidUntil().IsZero():
			return errors.New("it does not say from when until when it holds")
		case !slices.Equal(v.Subjects(), []did.DID{id}) || v.Issuer() != id:
			return fmt.Errorf("it is by %s about %v, and should be by and about %s", v.Issuer(), v.Subjects(), id)
		}
		// The example that the DIF publishes at its own origin has the host alone.
		of, err := ParseOrigin(subject.Origin)
		if err != nil {
			of, err = ParseOrigin("https://" + subject.Origin)
		}
		if err != nil {
			return err
		}
		if of != origin {
			return fmt.Errorf("it is for the origin %s, not %s", of, origin)
		}
		return nil
	})
}

// contexts returns the contexts of package rdfc, VCDM 1.1's among them, and ContextURL.
var contexts = sync.OnceValues(func() (*vc.Contexts, error) {
	return rdfc.Contexts().With(ContextURL, []byte(linkContext))
})

// present judges every key by the present document, as of now, whatever a proof says of its time.
type present struct{ next did.Resolver }

// Resolve implements [did.Resolver].
func (p present) Resolve(ctx context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
	next := p.next
	if next == nil {
		next = did.Offline{}
	}
	return next.Resolve(ctx, id, did.Version{})
}

// Key implements [did.KeyResolver].
func (p present) Key(ctx context.Context, url did.URL, use did.Relationship, _ did.Version) (crypto.PublicKey, error) {
	return did.Key(ctx, p.next, url, use, did.Version{})
}
