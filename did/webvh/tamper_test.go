package webvh_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/jcs"
)

// life returns a log with everything in it: pre-rotation, witnesses, a move, a service, and an end.
func life(t testing.TB) *webvh.Log {
	two, three, four := next(t, 2), next(t, 3), next(t, 4)
	w := witnesses(1, 5, 6)
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example:{SCID}", key(9)),
		Portable: new(true), NextKeyHashes: two, Witness: &w, Watchers: []string{"https://watcher.example/"}})
	require.NoError(t, err)
	log = testified(t, log, 5)
	log, err = log.Update(webvh.Change{Key: key(2), Time: day(2), NextKeyHashes: three, Document: withService(log, "https://log.example/")})
	require.NoError(t, err)
	log = testified(t, log, 6)
	log, err = log.Move(webvh.Change{Key: key(3), Time: day(3), NextKeyHashes: four}, "yard.example:cranes:7")
	require.NoError(t, err)
	log = testified(t, log, 5)
	log, err = log.Deactivate(webvh.Change{Key: key(4), Time: day(4)})
	require.NoError(t, err)
	log = testified(t, log, 6)
	require.NoError(t, log.Err())
	return log
}

func next(t testing.TB, n byte) []string {
	hash, err := webvh.KeyHash(key(n).Public())
	require.NoError(t, err)
	return []string{hash}
}

func testified(t testing.TB, log *webvh.Log, n byte) *webvh.Log {
	log, err := log.Witness(key(n), day(1))
	require.NoError(t, err)
	return log
}

// Whatever byte of a log is changed or removed, the entry that it was in is named; unless the entry
// still says the same, which only white space, escapes and the order of members allow.
func TestTampered(t *testing.T) {
	edits := map[string]func(log []byte, i int) []byte{
		"a bit changed": func(log []byte, i int) []byte {
			out := bytes.Clone(log)
			out[i] ^= 1
			return out
		},
		"another case": func(log []byte, i int) []byte {
			out := bytes.Clone(log)
			out[i] ^= 0x20
			return out
		},
		"removed": func(log []byte, i int) []byte { return slices.Delete(bytes.Clone(log), i, i+1) },
	}
	try := func(t *testing.T, stride int, id did.DID, log, witness []byte) {
		if testing.Short() {
			stride = 17
		}
		_, err := webvh.Verify(id, log, witness)
		require.NoError(t, err)
		accepted := 0
		for name, edit := range edits {
			entry := 1
			for i := range log {
				if i%stride == 0 {
					changed := edit(log, i)
					_, err := webvh.Verify(id, changed, witness)
					if err == nil {
						require.Equal(t, meaning(t, log), meaning(t, changed), "%s: byte %d", name, i)
						accepted++
						continue
					}
					bad, ok := errors.AsType[*webvh.LogError](err)
					require.True(t, ok, "%s: byte %d: %v", name, i, err)
					require.Equal(t, entry, bad.Entry, "%s: byte %d: %v", name, i, err)
				}
				if log[i] == '\n' {
					entry++
				}
			}
		}
		require.LessOrEqual(t, accepted, len(edits), "the last line feed may go, and nothing else")
	}
	t.Run("own", func(t *testing.T) {
		log := life(t)
		try(t, 1, log.ID(), log.Raw(), log.RawWitness())
	})
	for _, folder := range published(t) {
		t.Run(filepath.Base(filepath.Dir(folder))+"/"+filepath.Base(folder), func(t *testing.T) {
			id, log, witness := files(t, folder)
			try(t, 5, id, log, witness) // 26 logs of much the same text
		})
	}
}

// meaning returns what a log says, in one form.
func meaning(t testing.TB, log []byte) (lines []string) {
	for line := range bytes.SplitSeq(bytes.TrimSpace(log), []byte("\n")) {
		c, err := jcs.Canonical(line)
		require.NoError(t, err)
		lines = append(lines, string(c))
	}
	return lines
}

// Lines left out, repeated and exchanged: the first that is not in its place is named.
func TestLines(t *testing.T) {
	log := life(t)
	lines := bytes.SplitAfter(log.Raw(), []byte("\n"))
	lines = lines[:len(lines)-1]
	refused := func(entry int, lines [][]byte) {
		t.Helper()
		_, err := webvh.Verify(log.ID(), bytes.Join(lines, nil), log.RawWitness())
		bad, ok := errors.AsType[*webvh.LogError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, entry, bad.Entry, err)
	}
	for i := range lines {
		if i < len(lines)-1 {
			refused(i+1, slices.Delete(slices.Clone(lines), i, i+1))
		}
		refused(i+2, slices.Insert(slices.Clone(lines), i, lines[i]))
		for j := i + 1; j < len(lines); j++ {
			swapped := slices.Clone(lines)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			refused(i+1, swapped)
		}
	}
	refused(0, nil)

	// Without its last entries a log is what it was before them, as long as somebody keeps the proofs
	// of its witnesses. Only who has seen more can tell.
	for n := 1; n < len(lines); n++ {
		prefix := bytes.Join(lines[:n], nil)
		v := webvh.Verifier{Known: log}
		old, err := v.Verify(did.MustParse(log.Entry(1).ID.String()), prefix, testimony(t, log, map[int][]byte{1: {5}, 2: {6}, 3: {5}, 4: {6}}))
		require.NoError(t, err)
		require.Equal(t, n, old.Len())
		fork, ok := errors.AsType[*webvh.ForkError](old.Extends(log))
		require.True(t, ok)
		require.Equal(t, n+1, fork.Number)
		require.Equal(t, log.Entry(n+1).Raw, fork.Older)
		require.Empty(t, fork.Newer)
		require.ErrorContains(t, fork, "was rolled back")
		require.NoError(t, log.Extends(old))
	}
}

// Two histories of one DID: each is valid, and together they are evidence.
func TestFork(t *testing.T) {
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	one, err := log.Update(webvh.Change{Key: key(1), Time: day(2), Watchers: []string{"https://one.example/"}})
	require.NoError(t, err)
	two, err := log.Update(webvh.Change{Key: key(1), Time: day(2), Watchers: []string{"https://two.example/"}})
	require.NoError(t, err)
	two, err = two.Update(webvh.Change{Key: key(1), Time: day(3)})
	require.NoError(t, err)
	require.NoError(t, one.Extends(log))
	require.NoError(t, two.Extends(log))

	fork, ok := errors.AsType[*webvh.ForkError](two.Extends(one))
	require.True(t, ok)
	require.Equal(t, &webvh.ForkError{ID: log.ID(), Number: 2, Older: one.Entry(2).Raw, Newer: two.Entry(2).Raw}, fork)
	require.ErrorIs(t, fork, did.ErrInvalidDocument)
	require.ErrorContains(t, fork, "was rewritten: entry 2")

	other, err := webvh.Create(webvh.Change{Key: key(2), Time: day(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	require.ErrorContains(t, other.Extends(log), "cannot continue")

	// A log that is known saves no check of what it does not have.
	got, err := webvh.Verifier{Known: one}.Verify(two.ID(), two.Raw(), nil)
	require.NoError(t, err)
	require.NoError(t, got.Extends(two))
	for _, known := range []*webvh.Log{one, other, log} {
		_, err = webvh.Verifier{Known: known}.Verify(two.ID(), bytes.Replace(two.Raw(), []byte("two."), []byte("too."), 1), nil)
		bad, ok := errors.AsType[*webvh.LogError](err)
		require.True(t, ok)
		require.Equal(t, 2, bad.Entry)
	}
	_, err = webvh.Verify(other.ID(), two.Raw(), nil)
	require.ErrorContains(t, err, "id: this is the log of")

	// Nor of an entry of which one byte is another, wherever that is, or that has more behind it.
	whole := bytes.TrimSuffix(one.Raw(), []byte("\n"))
	for _, spoiled := range [][]byte{append([]byte("x"), whole[1:]...), append(bytes.Clone(whole), 'x'), append(whole[:len(whole)-1:len(whole)-1], 'x')} {
		_, err = webvh.Verifier{Known: one}.Verify(one.ID(), spoiled, nil)
		require.ErrorContains(t, err, "json: is not strict JSON")
	}
}

// Clocks differ: by a minute, if nothing else is said.
func TestSkew(t *testing.T) {
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	for _, tt := range []struct {
		skew, behind time.Duration
		ok           bool
	}{
		{0, time.Minute, true},
		{0, time.Minute + 1, false},
		{time.Hour, time.Hour, true},
		{time.Hour, time.Hour + 1, false},
	} {
		v := webvh.Verifier{Skew: tt.skew, Now: func() time.Time { return day(1).Add(-tt.behind) }}
		_, err := v.Verify(log.ID(), log.Raw(), nil)
		require.Equal(t, tt.ok, err == nil, "%v: %v", tt, err)
	}
}

// Who lets go of all keys has none to come back with, whether the DID is retired or not.
func TestNoKeys(t *testing.T) {
	let := second()
	let.params = `{"updateKeys":[]}`
	log := let.add(t, first().add(t, ""))
	id, err := webvh.Subject([]byte(log))
	require.NoError(t, err)
	_, err = webvh.Verify(id, []byte(log), nil)
	require.NoError(t, err)
	for _, params := range []string{`{}`, `{"updateKeys":["` + text(1) + `"]}`} {
		back := second()
		back.params = params
		_, err = webvh.Verify(id, []byte(back.add(t, log)), nil)
		require.ErrorContains(t, err, "is not one of the update keys in force")
	}
}
