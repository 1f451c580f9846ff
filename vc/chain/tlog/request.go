package tlog

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxRequest bounds the body of an add-checkpoint request, in bytes: a note, 63
// hashes and room.
const MaxRequest = maxReceipt

// formatRequest writes the body of an add-checkpoint request for the tree of g (C2SP tlog-witness).
func formatRequest(g *grove, old int64, signed []byte) ([]byte, error) {
	b := fmt.Appendf(nil, "old %d\n", old)
	if old > 0 && old < g.tree.N {
		proof, err := tlog.ProveTree(g.tree.N, old, g)
		if err != nil {
			return nil, err
		}
		for _, h := range proof {
			b = fmt.Appendf(b, "%s\n", h)
		}
	}
	return append(append(b, '\n'), signed...), nil
}

// parseRequest reads the body of an add-checkpoint request. Nothing of it is checked yet.
func parseRequest(body []byte) (old int64, proof []tlog.Hash, signed []byte, err error) {
	bad := func(format string, args ...any) (int64, []tlog.Hash, []byte, error) {
		return 0, nil, nil, reject(ErrMalformed, "", "add-checkpoint request: "+format, args...)
	}
	if len(body) > MaxRequest {
		return bad("it has %d bytes, at most %d are read", len(body), MaxRequest)
	}
	head, note, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	number, isOld := strings.CutPrefix(lines[0], "old ")
	if !ok || !isOld {
		return bad("want the word old and a size, a proof, an empty line and a checkpoint")
	}
	if old, err = parseSize(number); err != nil {
		return bad("old size: %w", err)
	}
	if proof, err = parseProof(lines[1:]); err != nil {
		return bad("%w", err)
	}
	return old, proof, []byte(note), nil
}
