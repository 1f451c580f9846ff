package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc/bundle"
)

// online returns where --online finds status lists and schemas.
func (n networkFlags) online(a *app) (bundle.Source, error) {
	client, err := n.client(a)
	if err != nil {
		return nil, err
	}
	return &resolver.Documents{Client: client}, nil
}

// offline resolves the methods that need no network.
func offline() lookup { return lookup{methods: resolver.Offline()} }

// resolver returns what resolves DIDs as the flags say.
func (r resolveFlags) resolver(a *app, n networkFlags) (l lookup, err error) {
	l = offline()
	l.online, l.flags = r.online, true
	client, err := n.client(a)
	if err != nil {
		return l, err
	}
	if r.universal != "" && !r.online {
		return l, errors.New("--resolver is asked over the network: pass --online as well")
	}
	if r.cache != "" && !r.online {
		return l, errors.New("--cache remembers what is looked up over the network: pass --online as well")
	}
	if r.online {
		var store resolver.Store
		if r.cache != "" {
			store = &resolver.Dir{Path: r.cache, Failed: func(err error) { fmt.Fprintf(a.stderr, "hourmeter: --cache: %v\n", err) }}
		}
		remember := func(next did.Resolver) did.Resolver {
			return afresh{&resolver.Cache{Next: next, MaxStale: r.stale, Store: store}, r.noCache}
		}
		l.methods["web"] = remember(resolver.Web{Client: client})
		l.webvh = &resolver.WebVH{Client: client, Store: store}
		l.methods[webvh.Method] = remember(l.webvh)
		if r.universal != "" {
			l.others = remember(resolver.Universal{Client: client, URL: r.universal})
		}
	}
	certified := didx509.Resolver{} // with no chain it says that one is needed
	for _, name := range r.chains {
		chain, err := a.x509Chain(name)
		if err != nil {
			return l, err
		}
		certified.Chains = append(certified.Chains, chain)
	}
	l.methods["x509"] = certified
	known := map[did.DID]did.DID{}
	for _, text := range r.longForms {
		long, err := did.Parse(text)
		if err != nil {
			return l, fmt.Errorf("--long-form: %w", err)
		}
		short, err := peer.Short(long)
		if err != nil {
			return l, fmt.Errorf("--long-form: %w", err)
		}
		known[short] = long
	}
	l.methods["peer"] = peer.Resolver{Known: known}
	if len(r.logs) > 0 {
		logs, err := a.localLogs(r.logs, l.methods[webvh.Method])
		if err != nil {
			return l, err
		}
		l.methods[webvh.Method] = logs
	}
	return l, nil
}

// afresh asks next whatever is remembered, if it is to.
type afresh struct {
	next  did.Resolver
	asked bool
}

// Resolve implements [did.Resolver].
func (r afresh) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if r.asked {
		ctx = withoutCache(ctx)
	}
	return r.next.Resolve(ctx, id, v)
}

// Log implements [bundle.LogSource].
func (l lookup) Log(ctx context.Context, id did.DID) (*webvh.Log, error) {
	if local, ok := l.methods[webvh.Method].(localLogs); ok {
		if log := local.of(ctx, id); log.Log != nil {
			return log.Log, log.Err()
		}
	}
	if l.webvh == nil {
		return nil, l.unknown(id)
	}
	log, err := l.webvh.Log(ctx, id)
	return log, l.advise(err)
}

// A lookup resolves the methods that a command may use, and says of others what to do.
type lookup struct {
	methods resolver.Methods
	others  did.Resolver // nil if there is none
	online  bool
	flags   bool // whether the command has those of resolveFlags and networkFlags

	webvh *resolver.WebVH // that methods has; nil if offline
}

// Resolve implements [did.Resolver].
func (l lookup) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	switch {
	case l.methods[id.Method()] != nil:
		res, err := l.methods.Resolve(ctx, id, v)
		return res, l.advise(err)
	case l.others != nil:
		res, err := l.others.Resolve(ctx, id, v)
		return res, l.advise(err)
	}
	return nil, l.unknown(id)
}

// Key implements [did.KeyResolver].
func (l lookup) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	switch {
	case l.methods[url.DID.Method()] != nil:
		key, err := l.methods.Key(ctx, url, use, v)
		return key, l.advise(err)
	case l.others != nil:
		key, err := did.Key(ctx, l.others, url, use, v)
		return key, l.advise(err)
	}
	return nil, l.unknown(url.DID)
}

// advise says which flag helps, where one does.
func (l lookup) advise(err error) error {
	if err == nil || !l.flags {
		return err
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(err, didx509.ErrChainNeeded):
		return fmt.Errorf("%w: pass it with --x509-chain", err)
	case errors.Is(err, peer.ErrLongFormUnknown):
		return fmt.Errorf("%w: pass it with --long-form", err)
	case errors.Is(err, resolver.ErrAddress):
		return fmt.Errorf("%w: if it is a network of yours, pass --allow-address", err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: if it is one of yours, pass --ca", err)
	}
	return err
}

func (l lookup) unknown(id did.DID) error {
	switch method := id.Method(); {
	case !l.online && (method == "web" || method == "webvh"):
		return fmt.Errorf("%w: did:%s does not work offline: pass --online to look it up over the network", did.ErrMethodNotSupported, method)
	case !l.online:
		return fmt.Errorf("%w: did:%s does not work offline: pass --online, and --resolver with a Universal Resolver that knows it", did.ErrMethodNotSupported, method)
	default:
		return fmt.Errorf("%w: did:%s: pass --resolver with a Universal Resolver that knows it", did.ErrMethodNotSupported, method)
	}
}

// withoutCache has resolvers ask anew.
func withoutCache(ctx context.Context) context.Context { return resolver.NoCache(ctx) }
