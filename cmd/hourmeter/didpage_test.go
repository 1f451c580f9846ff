package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The life of a did:webvh, as docs/IDENTIFIERS.md tells it, can be lived.
func TestPageOfIdentifiers(t *testing.T) {
	page, err := os.ReadFile("../../docs/IDENTIFIERS.md")
	require.NoError(t, err)
	_, life, _ := strings.Cut(string(page), "```sh\n")
	life, _, ok := strings.Cut(life, "```")
	require.True(t, ok)
	b := newBench(t)
	n := 0
	for line := range strings.Lines(life) {
		line, _, _ = strings.Cut(line, "  #")
		if args := strings.Fields(strings.ReplaceAll(line, "'", "")); len(args) > 0 {
			require.Equal(t, "hourmeter", args[0])
			b.ok(args[1:]...)
			n++
		}
	}
	require.Greater(t, n, 12)
	log := decode[DIDLog](t, b.run("", "did", "log", "drone-7", "--json"))
	require.Equal(t, "did:webvh:"+log.SCID+":buyer.example:drones:7", log.DID.String())
	require.True(t, log.Deactivated)
	require.Len(t, log.Entries, 6)
}
