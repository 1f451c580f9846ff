package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The result of DID Resolution says what went well, and what did not.
func TestResolveMetadata(t *testing.T) {
	b := newBench(t)
	id := b.did("drone")
	r := b.run("", "did", "resolve", id, "--metadata")
	require.Equal(t, exitOK, r.code, r.stderr)
	good := decode[Resolved](t, r)
	require.JSONEq(t, b.ok("did", "resolve", id), string(good.Document))
	require.Equal(t, "application/did", good.Resolution.ContentType)
	require.Nil(t, good.Resolution.Error)
	require.JSONEq(t, b.ok("did", "resolve", id), b.ok("did", "resolve", id, "--version-time", "2026-01-01", "--json"))
	require.JSONEq(t, b.ok("did", "resolve", id), b.ok("did", "resolve", id+"?versionTime=2026-01-01T00:00:00Z"))

	for _, tt := range []struct {
		id, typ string
		code    int
	}{
		{"did:key:z1", "INVALID_DID", exitInvalid},
		{"did:", "INVALID_DID", exitInvalid},
		{"did:web:shop.example", "METHOD_NOT_SUPPORTED", exitUnchecked},
		{id + "?versionId=1", "NOT_FOUND", exitInvalid},
	} {
		r := b.run("", "did", "resolve", tt.id, "--metadata")
		require.Equal(t, tt.code, r.code, tt.id)
		bad := decode[Resolved](t, r)
		require.Equal(t, "null", string(bad.Document), tt.id)
		require.Equal(t, "https://www.w3.org/ns/did#"+tt.typ, bad.Resolution.Error.Type, tt.id)
		require.Contains(t, r.stderr, bad.Resolution.Error.Detail, tt.id)
	}
}
