package webvh_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// Whatever the text, what is accepted resolves, and knowing a log before changes no answer.
func FuzzVerify(f *testing.F) {
	log := life(f)
	f.Add(log.Raw(), log.RawWitness())
	f.Add([]byte(log.Entry(1).Raw+"\n"+log.Entry(2).Raw), testimony(f, log, map[int][]byte{2: {5}}))
	f.Add([]byte(second().add(f, first().add(f, ""))), []byte(nil))
	f.Add([]byte("{}\n{}"), []byte("[]"))
	now := func() time.Time { return day(20) }
	f.Fuzz(func(t *testing.T, raw, witness []byte) {
		id, err := webvh.Subject(raw)
		if err != nil {
			return
		}
		got, err := webvh.Verifier{Now: now}.Verify(id, raw, witness)
		again, err2 := webvh.Verifier{Now: now, Known: log}.Verify(id, raw, witness)
		require.Equal(t, err, err2)
		require.Equal(t, got == nil, again == nil)
		if got == nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, got.Extends(again))
		require.NoError(t, again.Extends(got))
		require.Equal(t, err, got.Err())
		for e := range got.Entries() {
			res, err := got.Resolve(t.Context(), e.ID, did.Version{ID: e.VersionID})
			require.NoError(t, err)
			require.Equal(t, e.ID, res.Document.ID)
		}
		if err == nil {
			_, err = webvh.Verifier{Now: now}.Verify(got.ID(), got.Raw(), got.RawWitness())
			require.NoError(t, err)
		}
	})
}

// Whatever a witness file has in it, proofs that hold can be taken from it, and are enough or not.
func FuzzWitnessFile(f *testing.F) {
	w := witnesses(2, 5, 6, 7)
	log := unapproved(f, &w, nil, nil)
	f.Add(testimony(f, log, map[int][]byte{1: {5}, 2: {6, 7}, 3: {5, 6, 7}}))
	f.Add([]byte(`[{"versionId":"1-Qm","proof":[{}]},{"versionId":"2-Qm"}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := webvh.Verify(log.ID(), log.Raw(), file)
		added, err2 := log.AddProofs(file)
		if got.Len() > 0 {
			require.NoError(t, err2)
		}
		if err2 == nil {
			require.Equal(t, got.Len(), added.Len())
			require.Equal(t, err == nil, added.Err() == nil)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"example.com", "example.com%3A3000:dids:issuer", "127%2E0%2E0%2E1", "a.example:%2e%2e", "例.jp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		id, err := did.Parse("did:webvh:" + scid + ":" + location)
		if err != nil {
			return
		}
		text, err := webvh.LogURL(id)
		_, err2 := webvh.WebDID(id)
		require.Equal(t, err == nil, err2 == nil)
		if err != nil {
			require.ErrorIs(t, err, did.ErrInvalidDID)
			return
		}
		u, err := url.Parse(text)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery+u.Fragment)
		require.True(t, strings.HasSuffix(u.Path, "/did.jsonl") && strings.Contains(u.Host, "."), text)
		require.Equal(t, u.Path, u.JoinPath().Path, "a path that leads elsewhere")
	})
}
