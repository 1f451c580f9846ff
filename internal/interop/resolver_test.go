package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
)

// resolution is what their client makes of an answer of ours.
type resolution struct {
	Status                int
	Type                  string
	DIDDocument           json.RawMessage
	DIDResolutionMetadata struct{ Error struct{ Type string } }
	DIDDocumentMetadata   struct {
		VersionID   string
		Deactivated bool
	}
}

// handler serves what r resolves on loopback, and returns the endpoint.
func handler(t *testing.T, r did.Resolver) string {
	mux := http.NewServeMux()
	mux.Handle("/1.0/identifiers/", http.StripPrefix("/1.0/identifiers/", &resolver.Handler{Resolver: r}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/1.0/identifiers/"
}

// What our handler serves their client reads: documents alone and results, versions, errors.
func TestHandlerAnswersOthers(t *testing.T) {
	p := start(t, "resolver")
	w, h := &ours{}, &story{t: t}
	w.create(h)
	w.update(h, changes{service: true})
	alive := w.log
	w.deactivate(h)
	endpoint := handler(t, resolver.Methods{"key": did.Offline{}, "jwk": did.Offline{}, "webvh": alive})
	ask := func(t *testing.T, endpoint, id, accept string) (r resolution) {
		request := object{"endpoint": endpoint, "did": id}
		if accept != "" {
			request["accept"] = accept
		}
		p.on(t).ask("resolve", request, &r)
		return r
	}

	for _, kind := range []string{"Ed25519", "P-256", "P-384", "secp256k1"} {
		id, key := newKey(t, kind)
		jwk, err := did.NewJWK(key.Public())
		require.NoError(t, err)
		for _, id := range []did.DID{id, jwk} {
			res, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
			require.NoError(t, err)
			want, err := res.Document.MarshalJSON()
			require.NoError(t, err)
			for accept, kind := range map[string]string{"": "application/did-resolution", "application/did": "application/did", "application/did+ld+json": "application/did+ld+json"} {
				r := ask(t, endpoint, id.String(), accept)
				require.Equal(t, 200, r.Status)
				require.Equal(t, kind, r.Type)
				require.JSONEq(t, string(want), string(r.DIDDocument))
			}
		}
	}

	id := alive.ID().String()
	for n := range 2 {
		res, err := alive.Resolve(t.Context(), alive.ID(), did.Version{Number: n + 1})
		require.NoError(t, err)
		for _, query := range []string{"versionId=" + res.VersionID, fmt.Sprint("versionNumber=", n+1),
			"versionTime=" + alive.Entry(n+1).Time.Format(time.RFC3339)} {
			r := ask(t, endpoint, id+"?"+query, "")
			require.Equal(t, 200, r.Status, query)
			require.Equal(t, res.VersionID, r.DIDDocumentMetadata.VersionID)
			require.JSONEq(t, res.Document.Raw, string(r.DIDDocument))
		}
	}

	for _, tt := range []struct {
		name, id string
		status   int
		typ      string
	}{
		{"no such version", id + "?versionNumber=9", 404, "NOT_FOUND"},
		{"a version of what has none", "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp?versionId=1", 404, "NOT_FOUND"},
		{"no such method", "did:unknown:1", 501, "METHOD_NOT_SUPPORTED"},
		{"no such key", "did:key:z6Mk0", 400, "INVALID_DID"},
		{"bad options", id + "?versionTime=yesterday", 400, "INVALID_OPTIONS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(t, endpoint, tt.id, "")
			require.Equal(t, tt.status, r.Status)
			require.Equal(t, "https://www.w3.org/ns/did#"+tt.typ, r.DIDResolutionMetadata.Error.Type)
			require.Equal(t, "null", string(r.DIDDocument))
		})
	}
	r := ask(t, handler(t, w.log), id, "")
	require.Equal(t, 410, r.Status)
	require.True(t, r.DIDDocumentMetadata.Deactivated)
	require.Equal(t, "null", string(r.DIDDocument))
}

// theirServer starts their server, and returns a client that believes it to be each of the hosts.
func theirServer(t *testing.T, p *peer, hosts ...string) (client *resolver.Client, port int) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: hosts, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	var made struct{ Port int }
	p.ask("serve", object{"cert": text("CERTIFICATE", der), "key": text("PRIVATE KEY", private)}, &made)

	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	client = &resolver.Client{Roots: x509.NewCertPool(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}}
	client.Roots.AddCert(cert)
	t.Cleanup(client.CloseIdle)
	return client, made.Port
}

// What their resolver answers is what Universal makes of it: documents, and each error, over TLS.
func TestUniversalAsksOthers(t *testing.T) {
	client, port := theirServer(t, start(t, "resolver"), "resolver.example")
	endpoint := fmt.Sprintf("https://resolver.example:%d/1.0/identifiers/", port)
	u := resolver.Universal{Client: client, URL: endpoint}
	key, signer := newKey(t, "Ed25519")
	key2, _ := newKey(t, "P-256")
	parse := did.MustParse

	for _, key := range []did.DID{key, key2} {
		id := parse("did:example:now:" + key.Identifier())
		res, err := u.Resolve(t.Context(), id, did.Version{})
		require.NoError(t, err)
		require.Equal(t, id, res.Document.ID)
		got, err := res.Document.Key(res.Document.AssertionMethod[0].ID, did.AssertionMethod)
		require.NoError(t, err)
		if key.Identifier()[:4] == "z6Mk" {
			require.Equal(t, signer.Public(), got)
		}
	}
	for _, tt := range []struct {
		name string
		id   did.DID
		v    did.Version
		want error
	}{
		{"not found", parse("did:example:none"), did.Version{}, did.ErrNotFound},
		{"deactivated", parse("did:example:gone"), did.Version{}, did.ErrDeactivated},
		{"another's document", parse("did:example:swapped:" + key.Identifier()), did.Version{}, did.ErrInvalidDocument},
		{"no such method", parse("did:unknown:1"), did.Version{}, did.ErrMethodNotSupported},
		{"what is verified here is not asked for", key, did.Version{}, did.ErrMethodNotSupported},
		{"a version, of which it knows nothing", parse("did:example:now:" + key.Identifier()), did.Version{ID: "1"}, did.ErrVersionUnknown},
		{"a time, of which it knows nothing", parse("did:example:now:" + key.Identifier()), did.Version{Time: time.Now().Add(-time.Hour)}, did.ErrVersionUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := u.Resolve(t.Context(), tt.id, tt.v)
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, tt.want != did.ErrVersionUnknown, did.IsAnswer(err))
		})
	}
	_, err := u.Resolve(t.Context(), parse("did:example:down"), did.Version{})
	retry, ok := errors.AsType[*resolver.RetryError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 500, retry.Status)
	require.False(t, did.IsAnswer(err))

	u.URL = fmt.Sprintf("https://elsewhere.example:%d/1.0/identifiers/", port) // a host that the certificate does not name
	_, err = u.Resolve(t.Context(), parse("did:example:none"), did.Version{})
	require.ErrorContains(t, err, "certificate")
	require.False(t, did.IsAnswer(err))
}

// A log by didwebvh-ts on a host of node: found where the DID says, verified, remembered, and passed on by our
// handler to their client.
func TestWebVHHostedByOthers(t *testing.T) {
	server := start(t, "resolver")
	client, port := theirServer(t, server, "fleet.example")
	w := &theirs{p: start(t, "webvh"), address: fmt.Sprintf("fleet.example:%d", port)}
	h := &story{t: t, commits: true, witnesses: 1}
	publish := func(path string) {
		server.ask("publish", object{"texts": object{path + "did.jsonl": h.log, path + "did-witness.json": h.witness}}, new(object))
	}
	w.create(h)
	publish("/.well-known/")
	r := &resolver.WebVH{Client: client}
	first, err := r.Resolve(t.Context(), h.did, did.Version{})
	require.NoError(t, err)

	w.update(h, changes{commit: true, service: true})
	publish("/.well-known/")
	res, err := r.Resolve(t.Context(), h.did, did.Version{})
	require.NoError(t, err)
	require.Equal(t, first.VersionID, res.VersionID, "it is remembered")
	res, err = r.Resolve(resolver.NoCache(t.Context()), h.did, did.Version{})
	require.NoError(t, err)
	require.Equal(t, h.entries()[1], res.VersionID)
	var read resolution
	server.ask("resolve", object{"endpoint": handler(t, r), "did": h.did.String() + "?versionNumber=1"}, &read)
	require.Equal(t, first.VersionID, read.DIDDocumentMetadata.VersionID)
	require.JSONEq(t, first.Document.Raw, string(read.DIDDocument))

	whole := h.log // whoever runs the host withholds the last entry
	h.log = whole[:strings.Index(whole, "\n")+1]
	publish("/.well-known/")
	_, err = r.Resolve(resolver.NoCache(t.Context()), h.did, did.Version{})
	fork, ok := errors.AsType[*webvh.ForkError](err)
	require.True(t, ok, "%v", err)
	require.Empty(t, fork.Newer)
	h.log = whole

	publish("/elsewhere/")
	_, err = (&resolver.WebVH{Client: client}).Resolve(t.Context(), h.did, did.Version{})
	require.ErrorIs(t, err, did.ErrNotFound)

	w.deactivate(h)
	publish("/.well-known/")
	_, err = r.Resolve(resolver.NoCache(t.Context()), h.did, did.Version{})
	require.ErrorIs(t, err, did.ErrDeactivated)
	server.ask("resolve", object{"endpoint": handler(t, r), "did": h.did.String()}, &read)
	require.Equal(t, 410, read.Status)
}
