// Package linkage says which identifiers belong together: a DID and a domain, or the several DIDs of
// one machine.
//
//   - [Checker.Domain] checks that a domain and a DID each name the other, by the Well Known DID
//     Configuration of the DIF. [Issue] and [IssueJWT] sign the domain's side of it, a domain linkage
//     credential, and [Configuration] is the file that it goes into.
//   - [Same] checks that two DIDs each name the other by alsoKnownAs, or that their method vouches for
//     both. [Group] finds which of many DIDs are one machine's.
//
// The danger: a claim by one side is anybody's. Whoever writes a DID document may list your domain or
// your DID in it, and whoever has a domain may publish that your DID is theirs. So both sides have to
// say it, in what only they can sign or publish; a claim by one is a [OneSidedError], never a link.
//
// What holds today need not tomorrow: a link says who controls both now. It does not say who signed what
// before, nor that the two will agree.
package linkage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Limits on what is read.
const (
	MaxConfigurationBytes = 1 << 20 // a credential has 1.5 kB: one for each of 700 machines
	MaxLinked             = 1000    // credentials in a configuration
	MaxOrigins            = 32      // domains that one DID document claims: each may be asked
	MaxGroup              = 64      // DIDs that are compared at once: each costs a resolution
	maxPerDID             = 8       // credentials in a configuration about one DID: each costs a signature check
)

// Errors that are answers: they wrap errors for which [did.IsAnswer] is true.
var (
	// ErrOneSided says that one of two claims to belong to the other, and not the other way round.
	ErrOneSided = fmt.Errorf("%w: only one side says that they are linked", did.ErrNotFound)
	// ErrUnlinked says that neither of two names the other.
	ErrUnlinked = fmt.Errorf("%w: neither side says that they are linked", did.ErrNotFound)
	// ErrConfiguration says that a file is no DID configuration.
	ErrConfiguration = fmt.Errorf("%w: not a DID configuration", did.ErrInvalidDocument)
	// ErrOrigin says that a text is no origin of the web.
	ErrOrigin = errors.New("linkage: not an origin")
)

// A OneSidedError is a claim that the other side does not confirm. It wraps [ErrOneSided].
type OneSidedError struct {
	Claims string // who says that they are linked: a DID or an origin
	Silent string // who does not
	Detail error  // why what the other one has does not count; nil if it has nothing
}

// Error implements error.
func (e *OneSidedError) Error() string {
	if e.Detail != nil {
		return fmt.Sprintf("linkage: %s claims to be linked to %s, which does not confirm it: %v", e.Claims, e.Silent, e.Detail)
	}
	return fmt.Sprintf("linkage: %s claims to be linked to %s, which does not say so", e.Claims, e.Silent)
}

// Unwrap lets errors.Is and errors.As see ErrOneSided and the detail.
func (e *OneSidedError) Unwrap() []error {
	if e.Detail == nil {
		return []error{ErrOneSided}
	}
	return []error{ErrOneSided, e.Detail}
}

// A Source fetches documents by URL. It is that of packages vc/status, vc/schema and vc/bundle, so that
// one value serves all. Implementations are safe for concurrent use.
type Source interface {
	// Document returns what is published at url, of one of the media types in accept (RFC 9110 §12.5.1).
	Document(ctx context.Context, url, accept string) (body []byte, mediaType string, fetched time.Time, err error)
}

// resolve returns the present document of id.
func resolve(ctx context.Context, r did.Resolver, id did.DID) (*did.Resolution, error) {
	if r == nil {
		r = did.Offline{}
	}
	res, err := r.Resolve(ctx, id, did.Version{})
	if err == nil && (res == nil || res.Document == nil) {
		err = fmt.Errorf("the resolver of %s gave neither a document nor an error", id)
	}
	if err != nil {
		return nil, fmt.Errorf("linkage: %w", err)
	}
	return res, nil
}
