package bundle_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A host has one log of a did:webvh, as it sent it at noon.
type host struct{ log *webvh.Log }

func (h host) Log(_ context.Context, id did.DID) (*webvh.Log, error) { return h.log, nil }

func (h host) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	res, err := h.log.Resolve(ctx, id, v)
	if err == nil {
		res.Retrieved = noon
	}
	return res, err
}

// shopLog returns the log of a shop that was made a year before noon, and the key that signs for it.
func shopLog(t *testing.T) (*webvh.Log, ed25519.PrivateKey) {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	id, err := webvh.Draft("shop.example")
	require.NoError(t, err)
	m, err := did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, key.Public())
	require.NoError(t, err)
	doc := &did.Document{ID: id, VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
	l, err := webvh.Create(webvh.Change{Key: key, Time: noon.AddDate(-1, 0, 0), Document: doc})
	require.NoError(t, err)
	return l, key
}

// A log in a bundle counts without a pin, for what is in it: up to when it was fetched, and not if
// anything in it was changed.
func TestDIDLogsCountByTheirSignatures(t *testing.T) {
	l, key := shopLog(t)
	shop := l.ID()
	issuer := &vc.Issuer{ID: shop, Key: key, Method: shop.URL("key-1"), Now: func() time.Time { return noon.AddDate(0, -1, 0) }}
	incident := record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 200, Detected: noon.AddDate(0, -2, 0)}}
	raw, err := issuer.Issue(&vc.Credential{Subject: shop, Claim: incident})
	require.NoError(t, err)

	recorder := &bundle.Recorder{Logs: host{l}, Now: now}
	_, err = (&vc.Verifier{Resolver: recorder, Now: now}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	_, err = recorder.Resolve(t.Context(), did.MustParse(shop.String()+":elsewhere"), did.Version{})
	require.ErrorIs(t, err, did.ErrNotFound)
	b := &bundle.Bundle{Credentials: [][]byte{raw}}
	recorder.Pack(b, nil)
	require.Equal(t, []bundle.DIDLog{{DID: shop, Log: l.Raw(), Fetched: noon}}, b.DIDLogs)
	require.Empty(t, b.Resolutions)

	file, err := b.Encode()
	require.NoError(t, err)
	b, err = bundle.Parse(file)
	require.NoError(t, err)
	verify := func(o *bundle.Opened) error {
		_, err := (&vc.Verifier{Resolver: o, Now: now}).Verify(t.Context(), b.Credentials[0], vc.IssuedBy(shop))
		return err
	}
	o := b.Open(nil)
	require.NoError(t, verify(o))
	require.Equal(t, []bundle.Part{{Kind: "didLog", Name: shop.String(), Digest: bundle.Digest(l.Raw()), Fetched: noon, AgeSeconds: 3600, Basis: bundle.Signed, Used: true}},
		o.Parts(noon.Add(time.Hour)))
	require.NoError(t, verify(b.Open(bundle.Pins{shop.String(): bundle.Digest(l.Raw())})))
	require.ErrorContains(t, verify(b.Open(bundle.Pins{shop.String(): bundle.Digest(nil)})), "is pinned")

	res, err := o.Resolve(t.Context(), shop, did.Version{Number: 1})
	require.NoError(t, err)
	require.Equal(t, noon, res.Retrieved)
	_, err = o.Resolve(t.Context(), shop, did.Version{Time: noon.Add(2 * time.Minute)})
	require.ErrorContains(t, err, "only its host knows what came after")
	require.False(t, did.IsAnswer(err) || errors.Is(err, did.ErrVersionUnknown), "no reason to judge by another version")

	for _, v := range []did.Version{{Number: 2}, {ID: "2-QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"}} {
		_, err = o.Resolve(t.Context(), shop, v)
		require.ErrorContains(t, err, "only its host knows whether there is one")
		require.False(t, did.IsAnswer(err), "who packed it may have left it off")
	}

	b.DIDLogs[0].Log = []byte(strings.Replace(string(l.Raw()), "key-1", "key-2", 1))
	o = b.Open(nil)
	err = verify(o)
	_, refused := errors.AsType[*vc.RejectError](err)
	require.Error(t, err)
	require.False(t, refused, "a stranger's bundle is no evidence against the shop")
	part := o.Parts(noon)[0]
	require.Equal(t, bundle.Nobody, part.Basis)
	require.Contains(t, part.Problem, "entry 1")
}
