package webvh_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// Any history that can be written verifies, step by step and as a whole; every version resolves to what
// was written, for ever; and every beginning of it is a history, which it continues.
func TestHistories(t *testing.T) {
	type version struct {
		id       did.DID
		state    string
		keys     []string
		versions did.Version
	}
	rapid.Check(t, func(t *rapid.T) {
		signer, coming := byte(1), byte(0) // the key that signs, and one that is committed to; 0 if none is
		newKey := byte(10)
		var wit []byte
		at := day(1)

		create := webvh.Change{Key: key(signer), Time: at, Document: draftFor("fleet.example:m:{SCID}"), Portable: new(true)}
		if rapid.Bool().Draw(t, "pre-rotation from the start") {
			coming = newKey
			create.NextKeyHashes = hashes(coming)
			newKey++
		}
		log, err := webvh.Create(create)
		require.NoError(t, err)
		var was []version
		logs := []*webvh.Log{log}
		note := func() {
			e := log.Entry(log.Len())
			was = append(was, version{e.ID, e.State, e.Parameters.UpdateKeys, did.Version{}})
		}
		note()
		for i := range rapid.IntRange(0, 8).Draw(t, "entries") {
			at = at.Add(time.Duration(rapid.IntRange(1, 1<<30).Draw(t, "milliseconds")) * time.Millisecond)
			c := webvh.Change{Time: at}
			committed := coming
			if committed != 0 { // with pre-rotation in force, the key that was committed to signs
				signer = committed
				c.NextKeyHashes = []string{}
				if coming = 0; rapid.Bool().Draw(t, "go on with pre-rotation") {
					coming = newKey
					newKey++
					c.NextKeyHashes = hashes(coming)
				}
			} else if rapid.IntRange(0, 3).Draw(t, "begin pre-rotation") == 0 {
				coming = newKey
				newKey++
				c.NextKeyHashes = hashes(coming)
			}
			c.Key = key(signer)
			approve := wit
			switch op := rapid.SampledFrom([]string{"update", "rotate", "move", "witness", "watch"}).Draw(t, "op"); op {
			case "update":
				c.Document = withService(log, fmt.Sprint("https://log.example/", i))
				log, err = log.Update(c)
			case "rotate":
				if committed == 0 { // else the committed key comes into force by itself
					log, err = log.Rotate(c, key(newKey).Public())
					signer = newKey
					newKey++
				} else {
					log, err = log.Rotate(c, key(committed).Public())
				}
			case "move":
				log, err = log.Move(c, fmt.Sprintf("yard%d.example:m", rapid.IntRange(0, 2).Draw(t, "yard")))
			case "witness":
				approve = wit
				if wit = wit[:0:0]; rapid.Bool().Draw(t, "witnessed") {
					wit = []byte{5, 6, 7}[:rapid.IntRange(1, 3).Draw(t, "witnesses")]
				}
				w := webvh.Witness{}
				if len(wit) > 0 {
					w = witnesses(len(wit), wit...)
				}
				if len(approve) == 0 {
					approve = wit
				}
				log, err = log.SetWitnesses(c, w)
			case "watch":
				c.Watchers = []string{"https://watcher.example/"}
				c.TTL = new(time.Minute)
				log, err = log.Update(c)
			}
			require.NoError(t, err)
			for _, n := range approve {
				require.ErrorIs(t, log.Err(), did.ErrInvalidDocument, "too few have approved yet")
				log, err = log.Witness(key(n), at)
				require.NoError(t, err)
			}
			require.NoError(t, log.Err())
			require.NoError(t, log.Extends(logs[len(logs)-1]))
			logs = append(logs, log)
			note()
		}

		now := webvh.Verifier{Now: func() time.Time { return at }}
		whole, err := now.Verify(log.ID(), log.Raw(), log.RawWitness())
		require.NoError(t, err)
		for i, v := range was {
			e := whole.Entry(i + 1)
			require.Equal(t, v.state, e.State)
			require.Equal(t, v.keys, e.Parameters.UpdateKeys)
			for _, version := range []did.Version{{ID: e.VersionID}, {Number: i + 1}, {Time: e.Time}} {
				res, err := whole.Resolve(t.Context(), whole.ID(), version)
				require.NoError(t, err)
				require.Equal(t, v.id, res.Document.ID)
				require.Equal(t, e.VersionID, res.VersionID)
				require.Equal(t, i+1 < len(was), !res.NextUpdate.IsZero())
				for _, name := range []string{"#files", "#whois"} {
					require.True(t, slices.ContainsFunc(res.Document.Service, func(s did.Service) bool { return s.ID.String() == v.id.String()+name }))
				}
			}
		}
		lines := bytes.SplitAfter(log.Raw(), []byte("\n"))
		for n := 1; n <= len(was); n++ {
			// The proofs as they were published with that entry are not those of now.
			prefix, err := now.Verify(logs[n-1].ID(), bytes.Join(lines[:n], nil), logs[n-1].RawWitness())
			require.NoError(t, err)
			require.NoError(t, whole.Extends(prefix))
			known := now
			known.Known = prefix
			again, err := known.Verify(log.ID(), log.Raw(), log.RawWitness())
			require.NoError(t, err)
			require.NoError(t, again.Extends(whole))
			require.Equal(t, strings.Count(string(log.Raw()), "\n"), again.Len())
		}
	})
}

func hashes(n byte) []string {
	h, err := webvh.KeyHash(key(n).Public())
	if err != nil {
		panic(err)
	}
	return []string{h}
}

// draftFor is draft for who has no testing.TB.
func draftFor(location string) *did.Document {
	id, err := webvh.Draft(location)
	if err != nil {
		panic(err)
	}
	m, err := did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, key(9).Public())
	if err != nil {
		panic(err)
	}
	return &did.Document{ID: id, VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
}
