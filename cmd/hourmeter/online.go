package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"

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
func offline() lookup {
	l := lookup{methods: resolver.Offline()}
	l.methods["peer"] = peer.Resolver{}
	return l
}

// resolver returns what resolves DIDs as the flags say.
func (r resolveFlags) resolver(a *app, n networkFlags) (did.Resolver, error) {
	l := offline()
	l.online = r.online
	client, err := n.client(a)
	if err != nil {
		return nil, err
	}
	if r.universal != "" && !r.online {
		return nil, errors.New("--resolver is asked over the network: pass --online as well")
	}
	if r.online {
		l.methods["web"] = resolver.Web{Client: client}
		if r.universal != "" {
			l.others = resolver.Universal{Client: client, URL: r.universal}
		}
	}
	x509 := didx509.Resolver{}
	for _, name := range r.chains {
		chain, err := a.x509Chain(name)
		if err != nil {
			return nil, err
		}
		x509.Chains = append(x509.Chains, chain)
	}
	l.methods["x509"] = x509
	if len(r.logs) > 0 {
		logs, err := a.localLogs(r.logs, l.methods[webvh.Method])
		if err != nil {
			return nil, err
		}
		l.methods[webvh.Method] = logs
	}
	return l, nil
}

// fetchLog reads the log of a did:webvh, and the proofs of its witnesses, from where it is published.
func (r resolveFlags) fetchLog(ctx context.Context, a *app, n networkFlags, id did.DID) (text, witness []byte, err error) {
	if !r.online {
		return nil, nil, offline().unknown(id)
	}
	client, err := n.client(a)
	if err != nil {
		return nil, nil, err
	}
	url, err := webvh.LogURL(id)
	if err != nil {
		return nil, nil, err
	}
	if text, err = client.Get(ctx, url, webvh.MaxLogBytes); err != nil {
		return nil, nil, err
	}
	if url, err = webvh.WitnessURL(id); err != nil {
		return nil, nil, err
	}
	if witness, err = client.Get(ctx, url, webvh.MaxWitnessBytes); errors.Is(err, fs.ErrNotExist) {
		return text, nil, nil
	}
	return text, witness, err
}

// A lookup resolves the methods that a command may use, and says of others what to do.
type lookup struct {
	methods resolver.Methods
	others  did.Resolver // nil if there is none
	online  bool
}

// Resolve implements [did.Resolver].
func (l lookup) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	switch {
	case l.methods[id.Method()] != nil:
		return l.methods.Resolve(ctx, id, v)
	case l.others != nil:
		return l.others.Resolve(ctx, id, v)
	}
	return nil, l.unknown(id)
}

// Key implements [did.KeyResolver].
func (l lookup) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	switch {
	case l.methods[url.DID.Method()] != nil:
		return l.methods.Key(ctx, url, use, v)
	case l.others != nil:
		return did.Key(ctx, l.others, url, use, v)
	}
	return nil, l.unknown(url.DID)
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
