package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// An identity is who signs: a key, and the DID it signs for.
type identity struct {
	key, as, method string
}

func (i *identity) flags(flags *pflag.FlagSet) {
	flags.StringVar(&i.key, "key", "", "name of the key that signs")
	flags.StringVar(&i.as, "as", "", "DID to sign as (default the did:key of the key)")
	flags.StringVar(&i.method, "method", "", "DID URL of the key in that DID's document; needed unless it is a did:key, did:jwk or did:x509")
}

// signer opens the key and says who it signs for.
func (a *app) signer(ctx context.Context, i identity) (key crypto.Signer, id did.DID, method did.URL, err error) {
	if i.key == "" {
		return nil, id, method, fmt.Errorf("--key is required: name the key that signs; make one with hourmeter key create NAME")
	}
	if i.as != "" {
		if id, err = did.Parse(i.as); err != nil {
			return nil, id, method, fmt.Errorf("--as: %w", err)
		}
	}
	if i.method != "" {
		if method, err = did.ParseURL(i.method); err != nil {
			return nil, id, method, fmt.Errorf("--method: %w", err)
		}
	}
	if method.IsZero() && id.Method() == "x509" {
		method = id.URL("0") // the one method that such a document has
	}
	if i.as != "" && method.IsZero() && id.KeyURL().IsZero() {
		return nil, id, method, fmt.Errorf("--method is required: by which name does the document of %s have the key %q? It is a DID URL such as %s", id, i.key, id.URL("key-1"))
	}
	dir, err := a.dir()
	if err != nil {
		return nil, id, method, err
	}
	if key, err = dir.Open(ctx, i.key); errors.Is(err, fs.ErrNotExist) {
		return nil, id, method, fmt.Errorf("there is no key %q: hourmeter key list names those there are, hourmeter key create makes one (%w)", i.key, err)
	} else if err != nil {
		return nil, id, method, err
	}
	if id.IsZero() {
		id, err = did.NewKey(key.Public())
	}
	return key, id, method, err
}

func (a *app) issuer(ctx context.Context, i identity) (*vc.Issuer, error) {
	key, id, method, err := a.signer(ctx, i)
	if err != nil {
		return nil, err
	}
	return &vc.Issuer{ID: id, Key: key, Method: method}, nil
}

func (a *app) holder(ctx context.Context, i identity) (*vc.Holder, error) {
	key, id, method, err := a.signer(ctx, i)
	if err != nil {
		return nil, err
	}
	return &vc.Holder{ID: id, Key: key, Method: method}, nil
}

// supply is a passphrase that is known already.
func supply(passphrase []byte) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return passphrase, nil }
}
