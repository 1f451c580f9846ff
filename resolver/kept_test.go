package resolver

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
)

const keptDocument = "{ \"id\": \"did:example:a\",\n\t\"verificationMethod\": [{\"id\": \"#k\", \"type\": \"Multikey\", \"controller\": \"did:example:a\"," +
	`"publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}], "authentication": ["#k"]}`

// keptAnswer returns a question, and an answer to it in which every field is set.
func keptAnswer(t testing.TB) (question, *did.Resolution) {
	doc, err := did.ParseDocument([]byte(keptDocument))
	require.NoError(t, err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	return question{doc.ID, did.Version{ID: "1-\n\"\u00e9"}}, &did.Resolution{
		Document: doc, Created: at, Updated: at.Add(1), NextUpdate: at.Add(2), VersionID: "1-\n\"\u00e9", NextVersionID: "2",
		Deactivated: true, CanonicalID: did.MustParse("did:example:b"), EquivalentID: []did.DID{did.MustParse("did:example:c"), doc.ID},
		Extra:     []did.Member{{Name: "portable", Value: " true "}, {Name: "witness", Value: `{"threshold": 2}`}},
		Retrieved: at.Add(3), TTL: time.Minute + 1,
	}
}

// A field that a did.Resolution gets one day is kept too, or this fails.
func TestEveryFieldIsKept(t *testing.T) {
	q, res := keptAnswer(t)
	v := reflect.ValueOf(*res)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		require.Equal(t, name == "Stale", v.Field(i).IsZero(), name)
	}
	text, ok := encodeAnswer(q, res)
	require.True(t, ok)
	again, ok := decodeAnswer(q, text, res.Retrieved)
	require.True(t, ok)
	require.Equal(t, res, again)
	require.Equal(t, keptDocument, again.Document.Raw)

	_, found := reflect.TypeFor[did.Version]().FieldByName("Number")
	require.True(t, found)
	require.Equal(t, 3, reflect.TypeFor[did.Version]().NumField(), "storeKey and keptHeader name each")
}

func TestAnAnswerIsReadForItsQuestionOnly(t *testing.T) {
	q, res := keptAnswer(t)
	text, ok := encodeAnswer(q, res)
	require.True(t, ok)
	read := func(q question, text string) bool {
		_, ok := decodeAnswer(q, []byte(text), res.Retrieved)
		return ok
	}
	head, doc, _ := strings.Cut(string(text), "\n")
	for _, tc := range []struct {
		name string
		q    question
		text string
	}{
		{"another DID", question{did.MustParse("did:example:b"), q.v}, string(text)},
		{"another version", question{q.id, did.Version{ID: "2"}}, string(text)},
		{"the latest", question{q.id, did.Version{}}, string(text)},
		{"nothing", q, ""},
		{"cut off in the header", q, head[:len(head)-1]},
		{"no document", q, head + "\n"},
		{"cut off", q, string(text[:len(text)-1])},
		{"more after it", q, string(text) + " "},
		{"a member twice", q, strings.Replace(head, "{", `{"did":"did:example:a",`, 1) + "\n" + doc},
		{"a member in capitals", q, strings.Replace(head, `"metadata"`, `"Metadata"`, 1) + "\n" + doc},
		{"a member of a later version", q, strings.Replace(head, "{", `{"signed":true,`, 1) + "\n" + doc},
		{"metadata that is no JSON", q, strings.Replace(head, " true ", " tru ", 1) + "\n" + doc},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NotEqual(t, head+"\n"+doc+q.id.String()+q.v.ID, tc.text+tc.q.id.String()+tc.q.v.ID, "something differs")
			require.False(t, read(tc.q, tc.text))
		})
	}
	require.True(t, read(q, string(text)))
}

// No two questions are kept under one key, whatever a versionId holds.
func TestQuestionsHaveKeysOfTheirOwn(t *testing.T) {
	question := rapid.Custom(func(t *rapid.T) question {
		return question{
			did.MustParse("did:example:" + rapid.SampledFrom([]string{"a", "a1", "1"}).Draw(t, "id")),
			rapid.SampledFrom([]did.Version{{}, {ID: "1"}, {ID: "0 1"}, {ID: " 1"}, {Number: 1}, {Number: 11}, {ID: "2026-01-02T03:04:05Z"},
				{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, {Time: time.Date(2026, 1, 2, 3, 4, 5, 1, time.UTC)}}).Draw(t, "v"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := question.Draw(t, "a"), question.Draw(t, "b")
		if (a == b) != (storeKey(a) == storeKey(b)) {
			t.Fatalf("%v and %v: %q", a, b, storeKey(a))
		}
	})
}

// Whatever lies on a disk is refused, or is what would be written again.
func FuzzKeptAnswer(f *testing.F) {
	q, res := keptAnswer(f)
	text, _ := encodeAnswer(q, res)
	f.Add(text)
	f.Add([]byte(`{"did":"did:example:a","versionId":"1-\n\"é","metadata":{}}` + "\n" + keptDocument))
	f.Add([]byte("{}\n{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := decodeAnswer(q, text, res.Retrieved)
		if !ok {
			return
		}
		if got.Document == nil || got.Stale || !got.Retrieved.Equal(res.Retrieved) {
			t.Fatalf("%q: %+v", text, got)
		}
		again, ok := encodeAnswer(q, got)
		if !ok {
			return // a time in another zone, an empty list: it may be read, and is not written so
		}
		if second, ok := decodeAnswer(q, again, res.Retrieved); !ok || second.Document.Raw != got.Document.Raw {
			t.Fatalf("%q, then %q", text, again)
		}
	})
}

// A file is taken for what was put under the key, whole, or for nothing.
func FuzzKept(f *testing.F) {
	at := time.Unix(1, 2).UTC()
	f.Add("key", []byte("data"), encodeKept("key", []byte("data"), at))
	f.Add("", []byte{}, []byte(keptMagic))
	f.Fuzz(func(t *testing.T, key string, data, file []byte) {
		text := encodeKept(key, data, at)
		if got, when, ok := decodeKept(key, text); !ok || !bytes.Equal(got, data) || !when.Equal(at) {
			t.Fatalf("%q: %q %s %t", key, got, when, ok)
		}
		if _, _, ok := decodeKept(key+"x", text); ok {
			t.Fatal("taken under another name")
		}
		if got, when, ok := decodeKept(key, file); ok && !bytes.Equal(encodeKept(key, got, when), file) {
			t.Fatalf("%q was taken for %q", file, got)
		}
	})
}
