package webvh_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// witnesses returns a declaration of keys as witnesses.
func witnesses(threshold int, keys ...byte) webvh.Witness {
	w := webvh.Witness{Threshold: threshold}
	for _, n := range keys {
		w.Witnesses = append(w.Witnesses, did.MustParse("did:key:"+text(n)))
	}
	return w
}

// approved returns the log with the approval of keys.
func approved(t testing.TB, log *webvh.Log, keys ...byte) *webvh.Log {
	for _, n := range keys {
		var err error
		log, err = log.Witness(key(n), log.Entry(1).Time)
		require.NoError(t, err)
	}
	return log
}

// unapproved returns a log of entries that have these witnesses, declared in each where it is not nil, and
// none of which anybody has approved of.
func unapproved(t testing.TB, declared ...*webvh.Witness) *webvh.Log {
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9)), Witness: declared[0]})
	require.NoError(t, err)
	for i, w := range declared[1:] {
		log, err = log.Update(webvh.Change{Key: key(1), Time: day(2 + i), Witness: w})
		require.NoError(t, err)
	}
	return log
}

// testimony returns a witness file with a proof by each key of the entry of that number, from 1.
func testimony(t testing.TB, log *webvh.Log, by map[int][]byte) []byte {
	var b []string
	for _, line := range strings.Split(strings.TrimSpace(string(log.Raw())), "\n") {
		var e struct{ VersionID string }
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		var n int
		_, err := fmt.Sscanf(e.VersionID, "%d-", &n)
		require.NoError(t, err)
		var proofs []string
		for _, k := range by[n] {
			proofs = append(proofs, forged{key: key(k)}.proof(t, canonical(t, `{"versionId":"`+e.VersionID+`"}`)))
		}
		if proofs != nil {
			b = append(b, fmt.Sprintf(`{"versionId":%q,"proof":[%s]}`, e.VersionID, strings.Join(proofs, ",")))
		}
	}
	return []byte("[" + strings.Join(b, ",") + "]")
}

// Which entries have to be approved of, by whom, and what counts.
func TestWitnesses(t *testing.T) {
	a, b, none := witnesses(2, 5, 6, 7), witnesses(1, 8), webvh.Witness{}
	fewer := witnesses(1, 5, 6, 7)
	for _, tt := range []struct {
		name     string
		declared []*webvh.Witness
		by       map[int][]byte
		valid    int // entries
	}{
		{"nobody", []*webvh.Witness{&a}, map[int][]byte{}, 0},
		{"one of two", []*webvh.Witness{&a}, map[int][]byte{1: {5}}, 0},
		{"two", []*webvh.Witness{&a}, map[int][]byte{1: {5, 7}}, 1},
		{"all three", []*webvh.Witness{&a}, map[int][]byte{1: {5, 6, 7}}, 1},
		{"one, twice", []*webvh.Witness{&a}, map[int][]byte{1: {5, 5}}, 0},
		{"one, of two entries", []*webvh.Witness{&a, nil}, map[int][]byte{1: {5}, 2: {5}}, 0},
		{"somebody else", []*webvh.Witness{&a}, map[int][]byte{1: {5, 8}}, 0},
		{"only the first", []*webvh.Witness{&a, nil, nil}, map[int][]byte{1: {5, 6}}, 1},
		{"only the second", []*webvh.Witness{&a, nil, nil}, map[int][]byte{2: {5, 6}}, 2},
		{"the last counts for all", []*webvh.Witness{&a, nil, nil}, map[int][]byte{3: {5, 6}}, 3},
		{"one of them later", []*webvh.Witness{&a, nil, nil}, map[int][]byte{2: {5}, 3: {6}}, 2},
		{"those who are replaced approve", []*webvh.Witness{&a, &b}, map[int][]byte{2: {5, 6}}, 2},
		{"those who replace do not", []*webvh.Witness{&a, &b}, map[int][]byte{1: {5, 6}, 2: {8}}, 1},
		{"the new ones for the entry after", []*webvh.Witness{&a, &b, nil}, map[int][]byte{2: {5, 6}, 3: {8}}, 3},
		{"the old ones no longer", []*webvh.Witness{&a, &b, nil}, map[int][]byte{3: {5, 6}}, 2},
		{"who has none takes them at once", []*webvh.Witness{nil, &b}, map[int][]byte{}, 1},
		{"who has none takes them at once, and they approve", []*webvh.Witness{nil, &b}, map[int][]byte{2: {8}}, 2},
		{"fewer of the same are enough from now on", []*webvh.Witness{&a, &fewer, nil}, map[int][]byte{2: {5, 6}, 3: {7}}, 3},
		{"fewer of the same, without their consent", []*webvh.Witness{&a, &fewer}, map[int][]byte{1: {5, 6}, 2: {7}}, 1},
		{"sending them away needs them", []*webvh.Witness{&b, &none}, map[int][]byte{1: {8}}, 1},
		{"sent away with their consent", []*webvh.Witness{&b, &none}, map[int][]byte{2: {8}}, 2},
		{"after that nobody is asked", []*webvh.Witness{&b, &none, nil, nil}, map[int][]byte{2: {8}}, 4},
		{"nobody, then others", []*webvh.Witness{&b, &none, nil, &a}, map[int][]byte{2: {8}, 4: {5, 6}}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := unapproved(t, tt.declared...)
			file := testimony(t, log, tt.by)
			got, err := webvh.Verify(log.ID(), log.Raw(), file)
			require.Equal(t, tt.valid, got.Len())
			if tt.valid == len(tt.declared) {
				require.NoError(t, err)
				return
			}
			bad, ok := errors.AsType[*webvh.LogError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, webvh.RuleWitness, bad.Rule)
			require.Equal(t, tt.valid+1, bad.Entry)
			require.ErrorContains(t, err, "witnesses approved of it, and")
			_, err = got.Resolve(t.Context(), got.ID(), did.Version{})
			require.Equal(t, error(bad), err)
			_, err = got.Resolve(t.Context(), got.ID(), did.Version{Number: tt.valid + 1})
			require.Equal(t, error(bad), err)
			if tt.valid > 0 {
				_, err = got.Resolve(t.Context(), got.ID(), did.Version{Number: tt.valid})
				require.NoError(t, err)
			}
		})
	}
}

// What a witness file may not be, and what it may have in it that does not count.
func TestWitnessFile(t *testing.T) {
	w := witnesses(1, 5)
	log := unapproved(t, &w)
	good := string(testimony(t, log, map[int][]byte{1: {5}}))
	elsewhere := unapproved(t, &w, nil)
	for _, tt := range []struct{ name, file, msg string }{
		{"as it should be", good, ""},
		{"with another log's beside", strings.TrimSuffix(good, "]") + "," + string(testimony(t, elsewhere, map[int][]byte{2: {5}}))[1:], ""},
		{"with an entry to come", strings.TrimSuffix(good, "]") + `,{"versionId":"2-QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N","proof":[]}]`, ""},
		{"with an entry that nobody approved of", strings.TrimSuffix(good, "]") + `,{"versionId":"9-Qm"}]`, ""},
		{"with an entry without a number", strings.TrimSuffix(good, "]") + `,{"versionId":"Qm","proof":[]},{"versionId":"0-Qm","proof":[]}]`, ""},
		{"with a proof beside that is none", strings.Replace(good, `"proof":[`, `"proof":[7,`, 1), ""},
		{"none", "", "there is no did-witness.json"},
		{"an empty list", "[]", "0 of 1 witnesses"},
		{"no JSON", "[", "the text ends"},
		{"no list", `{}`, "is no list"},
		{"a list of something else", `[7]`, "does not consist of a versionId"},
		{"a proof that is no list", `[{"versionId":"1-Qm","proof":{}}]`, "does not consist of a versionId"},
		{"a third member", strings.Replace(good, `"proof"`, `"note":"","proof"`, 1), "does not consist of a versionId"},
		{"a member that is no proof", `[{"versionId":"1-Qm","prove":[]}]`, "does not consist of a versionId"},
		{"too long", good + strings.Repeat(" ", webvh.MaxWitnessBytes), "at most 1048576 are read"},
		{"of another log only *", string(testimony(t, elsewhere, map[int][]byte{2: {5}})), "0 of 1 witnesses"},
		{"changed", strings.Replace(good, `"proofValue":"z`, `"proofValue":"z2`, 1), "does not match"},
		{"another suite", strings.Replace(good, `eddsa-jcs-2022`, `eddsa-rdfc-2022`, 1), "0 of 1 witnesses"},
		{"another purpose", strings.Replace(good, `assertionMethod`, `authentication`, 1), "0 of 1 witnesses"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file []byte
			if tt.file != "" {
				file = []byte(tt.file)
			}
			_, err := webvh.Verify(log.ID(), log.Raw(), file)
			if tt.msg == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, did.ErrInvalidDocument)
			require.ErrorContains(t, err, tt.msg)
			require.Equal(t, tt.file == "", errors.Is(err, webvh.ErrNoWitness))
		})
	}

	// null was an early way to send them away.
	one, two, three := first(), second(), second()
	one.params = params(`"witness":{"threshold":1,"witnesses":[{"id":"did:key:` + text(5) + `"}]}`)
	two.params = `{"witness":null}`
	away := three.add(t, two.add(t, one.add(t, "")))
	id, err := webvh.Subject([]byte(away))
	require.NoError(t, err)
	whole, _ := webvh.Verify(id, []byte(away), nil)
	whole, err = webvh.Verify(id, []byte(away), testimony(t, whole, map[int][]byte{2: {5}}))
	require.NoError(t, err)
	require.Empty(t, whole.Parameters().Witness)

	// As many as there may be, and not one more.
	keys := make([]byte, webvh.MaxListed)
	for i := range keys {
		keys[i] = byte(i)
	}
	most := witnesses(1, keys...)
	crowd := unapproved(t, &most)
	_, err = webvh.Verify(crowd.ID(), crowd.Raw(), testimony(t, crowd, map[int][]byte{1: {9}}))
	require.NoError(t, err)

	// Who has no witnesses needs no file, and one that cannot be read is not looked at.
	alone := unapproved(t, nil)
	_, err = webvh.Verify(alone.ID(), alone.Raw(), []byte("["))
	require.NoError(t, err)
}

// Witnesses approve one after the other, each at its own place, and the file stays short.
func TestWitnessing(t *testing.T) {
	w := witnesses(2, 5, 6, 7)
	log := unapproved(t, &w)
	require.Zero(t, log.Len())
	require.ErrorIs(t, log.Err(), webvh.ErrNoWitness)
	require.Equal(t, "fleet.example", strings.SplitN(log.ID().String(), ":", 4)[3])
	_, err := log.Witness(key(1), day(1))
	require.ErrorContains(t, err, "is not a witness of entry 1")
	_, err = log.Witness(nil, day(1))
	require.ErrorContains(t, err, "which key is to sign?")
	_, err = log.AddProofs([]byte(`{}`))
	require.ErrorContains(t, err, "the witness file: is no list")
	_, err = log.AddProofs(make([]byte, webvh.MaxWitnessBytes+1))
	require.ErrorContains(t, err, "at most 1048576 are read")
	_, err = log.AddProofs([]byte(`[]`))
	require.ErrorContains(t, err, "no proof that is about this log")

	// Each gets the log, and sends back a file with its proof.
	for i, k := range []byte{5, 6} {
		theirs, err := webvh.Verify(log.ID(), log.Raw(), log.RawWitness())
		require.Error(t, err)
		pending := slices.Collect(theirs.Pending())
		require.Len(t, pending, 1, "what the witness is to look at")
		require.Equal(t, strings.TrimSpace(string(log.Raw())), pending[0].Raw)
		theirs, err = theirs.Witness(key(k), day(1))
		require.NoError(t, err)
		log, err = log.AddProofs(theirs.RawWitness())
		require.NoError(t, err)
		require.Equal(t, i == 1, log.Err() == nil)
	}
	require.Equal(t, 1, log.Len())
	require.Empty(t, slices.Collect(log.Pending()))
	for n := 2; n < 9; n++ {
		before := log
		log, err = log.Update(webvh.Change{Key: key(1), Time: day(n)})
		require.NoError(t, err)
		require.Equal(t, n-1, log.Len())
		require.Error(t, log.Err())
		log = approved(t, log, byte(5+n%3), byte(5+(n+1)%3))
		require.NoError(t, log.Err())

		// Witnesses are published first. In between, the log is still the one before.
		_, err = webvh.Verify(before.ID(), before.Raw(), log.RawWitness())
		require.NoError(t, err)
		_, err = webvh.Verify(log.ID(), log.Raw(), log.RawWitness())
		require.NoError(t, err)
		require.LessOrEqual(t, strings.Count(string(log.RawWitness()), "proofValue"), 6)
	}

	// What breaks the rules is neither witnessed nor published.
	broken, err := webvh.Verify(log.ID(), append(log.Raw(), "{}\n"...), log.RawWitness())
	require.Error(t, err)
	_, err = broken.Witness(key(5), time.Time{})
	require.ErrorContains(t, err, "cannot be witnessed")
	require.Equal(t, string(log.Raw()), string(broken.Raw()))
}
