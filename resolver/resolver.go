// Package resolver opens the connections that others need: it looks up DID documents, reads what
// credentials name by URL, and reaches logs and witnesses. Nothing else in this module makes a
// request.
//
// Resolvers are plain values that wrap one another, and each is a [did.Resolver]. [All] is every
// method that this module knows, [Offline] those that ask nobody; or write down what you want:
//
//	client := new(resolver.Client)
//	defer client.CloseIdle()
//	r := &resolver.Cache{
//		Next: resolver.Methods{
//			"key":   did.Offline{},
//			"web":   resolver.Web{Client: client},
//			"webvh": &resolver.WebVH{Client: client},
//			"ion":   resolver.Universal{Client: client, URL: "https://resolver.example/1.0/identifiers/"},
//		},
//		TTL: time.Hour,
//	}
//
// [Methods] chooses by method, [Static] answers from memory, and [Cache] remembers, in a [Dir]
// also from one run to the next. [Web] and [WebVH] ask the host that a DID names, and nobody
// else; [Universal] asks another resolver.
//
// A [Client] makes requests over HTTPS, to public servers only, and reads no more than asked for.
// Beside these resolvers, [Documents] reads status lists and schemas through one, a [Log] reads a
// transparency log and adds entries to it, and a [Witness] is asked for its cosignature. An error
// of a request is a [*RefuseError] or a [*RetryError]. That of a resolver is an answer about the
// DID only if [did.IsAnswer] says so: a refusal may as well be about who asked, or for what
// address.
//
// A [Handler] is the other end: a conforming resolver over HTTPS, of the answers of any resolver.
//
// The danger: what a resolver says, a verifier believes. A did:web is whoever has the name of its
// host today. A log of did:webvh shows that nothing in it was changed, and a WebVH that nothing it
// has seen was taken back. A Universal shows nothing: it believes who is asked. Give a verifier
// only the methods whose word you take, and know how old an answer may be: see [Static] and
// [Cache]. And who is asked learns that somebody looks.
package resolver

import (
	"context"
	"crypto"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/did"
)

// Methods sends each DID to the resolver of its method. The keys are method names, such
// as "key". The zero Methods supports none.
type Methods map[string]did.Resolver

// Resolve implements [did.Resolver].
func (m Methods) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	r, err := m.of(id)
	if err != nil {
		return nil, err
	}
	return r.Resolve(ctx, id, v)
}

// Key implements [did.KeyResolver].
func (m Methods) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	r, err := m.of(url.DID)
	if err != nil {
		return nil, err
	}
	return did.Key(ctx, r, url, use, v)
}

func (m Methods) of(id did.DID) (did.Resolver, error) {
	if r := m[id.Method()]; r != nil {
		return r, nil
	}
	known := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
	return nil, fmt.Errorf("%w: did:%s is not among: %s", did.ErrMethodNotSupported, id.Method(), known)
}
