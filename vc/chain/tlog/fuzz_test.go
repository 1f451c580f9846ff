package tlog

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// seeds are what a small log says.
func seeds(f *testing.F) *world {
	w := newWorld(f, 2)
	fill(f, w.log, 2, 0, 3)
	w.publish()
	return w
}

// refusedOr checks that a parser's error is a refusal.
func refusedOr(t *testing.T, err error) bool {
	if err == nil {
		return true
	}
	_, ok := errors.AsType[*RejectError](err)
	require.True(t, ok, "%v", err)
	return false
}

func FuzzCheckpoint(f *testing.F) {
	w := seeds(f)
	f.Add(w.log.current.note)
	f.Add(w.log.current.text)
	f.Fuzz(func(t *testing.T, signed string) {
		if c, err := w.trust.Checkpoint([]byte(signed)); err == nil {
			require.Equal(t, w.log.current.text, c.text, "nobody else can sign")
		}
		if c, err := parseCheckpoint(signed); refusedOr(t, err) {
			again := formatCheckpoint(c.Origin, c.Size, c.Root)
			require.True(t, strings.HasPrefix(signed, again))
		}
	})
}

func FuzzReceipt(f *testing.F) {
	w := seeds(f)
	text, err := w.log.Receipt(f.Context(), 3)
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := w.trust.Receipt(text); err == nil {
			require.Equal(t, w.log.index.entries[r.Index], r.Entry)
		}
		if e, index, proof, signed, err := parseReceipt(text); refusedOr(t, err) {
			require.Equal(t, string(text), string(formatReceipt(e, index, proof, signed)))
		}
	})
}

func FuzzRecord(f *testing.F) {
	w := seeds(f)
	for _, m := range []int{0, 1, 7} {
		text, err := w.log.ReadFile(f.Context(), recordPath(6, entry(m, 0).Entry.Key))
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		places, head, err := parseRecord(text)
		if !refusedOr(t, err) {
			return
		}
		require.Equal(t, string(text), string(formatRecord(places, head)))
		signed, _, _ := strings.Cut(string(head), "\n\n")
		if h, err := parseHead(signed + "\n"); refusedOr(t, err) {
			again, err := signHead(*h, w.log.signer)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(string(again), signed+"\n\n"))
		}
	})
}

func FuzzRequest(f *testing.F) {
	w := seeds(f)
	f.Add([]byte(w.request(0)))
	f.Add([]byte(w.request(3)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, _, signed, err := parseRequest(body); refusedOr(t, err) {
			require.True(t, bytes.HasSuffix(body, append([]byte("\n\n"), signed...)))
		}
		if _, err := w.witnesses[0].Cosign(t.Context(), body); err != nil {
			if _, ok := errors.AsType[*ConflictError](err); !ok {
				refusedOr(t, err)
			}
		}
	})
}

func FuzzBundle(f *testing.F) {
	f.Add(appendBundled(appendBundled(nil, entry(0, 0).Entry), entry(0, 1).Entry))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		entries, err := parseBundle(bundle)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = appendBundled(again, e)
		}
		require.True(t, bytes.Equal(bundle, again))
	})
}

func FuzzPending(f *testing.F) {
	f.Add(formatPending(origin, 0, nil))
	f.Add(formatPending(origin, 7, []Entry{entry(0, 0).Entry, entry(0, 1).Entry}))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, entries, err := parsePending(origin, b)
		if err != nil {
			return
		}
		frames, _ := formatFrames(firstCheck(origin, first), entries)
		require.True(t, bytes.HasPrefix(b[framesAt:], frames))
	})
}

func FuzzEvidence(f *testing.F) {
	w := seeds(f)
	receipt, err := w.log.Receipt(f.Context(), 3)
	require.NoError(f, err)
	for _, e := range []evidence{
		{Fork: &forkEvidence{Checkpoints: [2]string{w.log.current.note, w.log.current.note}}},
		{Lie: &lieEvidence{Head: "x", Receipt: string(receipt)}},
		{Broken: &[2]string{string(receipt), string(receipt)}},
	} {
		text, err := json.Marshal(e)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := VerifyMisbehaviour(w.trust.Log, text)
		require.False(t, refusedOr(t, err), "an honest log is convicted by %s", text)
	})
}

func FuzzSeen(f *testing.F) {
	w := seeds(f)
	text, err := w.witnesses[0].disk.ReadFile(seenFile)
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if all, err := parseSeen(text); err == nil {
			for origin, c := range all {
				require.Equal(t, origin, c.Origin)
			}
		}
	})
}

func FuzzKey(f *testing.F) {
	w := seeds(f)
	f.Add(w.trust.Log)
	f.Add(w.trust.Witnesses[0])
	f.Fuzz(func(t *testing.T, vkey string) {
		for _, kind := range []byte{typeLog, typeWitness} {
			if k, err := parseKey(vkey, kind); err == nil {
				require.Equal(t, vkey, k.String())
			}
		}
	})
}
