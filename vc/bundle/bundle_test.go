package bundle_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
	"github.com/hourmeter/hourmeter/vc/record"
)

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// web resolves one did:web as a server would have it today.
type web struct{ document string }

func (w web) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if !v.IsZero() {
		return nil, did.ErrVersionUnknown
	}
	doc, err := did.ParseDocument([]byte(w.document))
	if err != nil {
		return nil, err
	}
	return &did.Resolution{Document: doc}, nil
}

// source has documents as servers would have them today.
type source map[string]string

func (s source) Document(_ context.Context, url, _ string) ([]byte, string, time.Time, error) {
	text, ok := s[url]
	if !ok {
		return nil, "", time.Time{}, fs.ErrNotExist
	}
	return []byte(text), "application/vc", noon, nil
}

const (
	terms    = "https://shop.example/terms/v1"
	termsDoc = `{"@context":{"colour":"https://shop.example/terms#colour"}}`
)

// packed returns a bundle with a credential by did:web:shop.example, which lists a
// context of the shop's own, and the shop's DID document.
func packed(t testing.TB) (*bundle.Bundle, did.DID) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	shop := did.MustParse("did:web:shop.example")
	method, err := did.NewVerificationMethod(shop.URL("key-1"), did.Multikey, shop, key.Public())
	require.NoError(t, err)
	doc := &did.Document{ID: shop, VerificationMethod: []did.VerificationMethod{method}, AssertionMethod: []did.MethodRef{{ID: method.ID}}}
	text, err := doc.MarshalJSON()
	require.NoError(t, err)

	contexts, err := new(vc.Contexts).With(terms, []byte(termsDoc))
	require.NoError(t, err)
	issuer := &vc.Issuer{ID: shop, Key: key, Method: method.ID, Contexts: contexts, Now: now}
	incident := record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 200, Detected: noon}}
	raw, err := issuer.Issue(&vc.Credential{Context: []string{terms}, Subject: shop, Claim: incident, Members: map[string]any{"colour": "red"}})
	require.NoError(t, err)

	recorder := &bundle.Recorder{Resolver: web{string(text)}, Source: source{"https://list.example/1": "a list"}, Now: now}
	verifier := &vc.Verifier{Resolver: recorder, Contexts: contexts, CurrentKeys: true, Now: now}
	_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	for range 2 { // once is enough
		_, _, _, err = recorder.Document(t.Context(), "https://list.example/1", "")
		require.NoError(t, err)
	}
	b := &bundle.Bundle{Credentials: [][]byte{raw}}
	recorder.Pack(b, contexts, terms, vc.ContextCredentials)
	return b, shop
}

func TestBundleGoesThroughAFile(t *testing.T) {
	b, shop := packed(t)
	b.Credentials = append(b.Credentials, []byte{0xd2, 0x84, 0xff}) // COSE is no text
	text, err := b.Encode()
	require.NoError(t, err)
	again, err := bundle.Parse(text)
	require.NoError(t, err)
	require.Equal(t, b, again)
	require.Len(t, again.Resolutions, 1)
	require.Equal(t, shop, again.Resolutions[0].DID)
	require.Equal(t, noon, again.Created)
	require.Len(t, again.Documents, 2, "the list and the shop's context, and none that everybody has")
}

// Nothing in a bundle counts because it is in it.
func TestOnlyPinsAreBelieved(t *testing.T) {
	b, shop := packed(t)
	digest := map[string]vc.Digest{shop.String(): bundle.Digest(b.Resolutions[0].Document), terms: bundle.Digest([]byte(termsDoc))}
	verify := func(pins bundle.Pins) (*bundle.Opened, error) {
		o := b.Open(pins)
		contexts, err := o.Contexts(nil)
		if err != nil {
			return o, err
		}
		verifier := &vc.Verifier{Resolver: o, Contexts: contexts, CurrentKeys: true, Now: now}
		_, err = verifier.Verify(t.Context(), b.Credentials[0], vc.IssuedBy(shop))
		return o, err
	}
	o, err := verify(digest)
	require.NoError(t, err)
	for _, p := range o.Parts(noon.Add(time.Hour)) {
		require.EqualValues(t, 3600, p.AgeSeconds, p.Name)
		if p.Name == "https://list.example/1" {
			require.Equal(t, bundle.Signed, p.Basis)
			require.False(t, p.Used)
			continue
		}
		require.Equal(t, bundle.Pinned, p.Basis, p.Name)
		require.True(t, p.Used, p.Name)
		require.Empty(t, p.Problem)
	}

	// Without a pin there is no verdict on the credential; the context it lacks is unknown.
	_, err = verify(bundle.Pins{terms: digest[terms]})
	_, refused := errors.AsType[*vc.RejectError](err)
	require.False(t, refused)
	require.ErrorContains(t, err, "pin its digest")
	_, err = verify(bundle.Pins{shop.String(): digest[shop.String()]})
	require.ErrorIs(t, err, vc.ErrContext)

	// Somebody swaps what a pin is of.
	b.Resolutions[0].Document = []byte(strings.Replace(string(b.Resolutions[0].Document), "key-1", "key-2", 1))
	o, err = verify(digest)
	require.ErrorContains(t, err, "is pinned")
	require.Equal(t, "another digest is pinned", o.Parts(noon)[0].Problem)
	b, _ = packed(t)
	b.Documents[1].Body = []byte(`{}`)
	_, err = verify(digest)
	require.ErrorContains(t, err, "is pinned")
}

func TestWhatIsNotInABundleIsNoVerdict(t *testing.T) {
	b, shop := packed(t)
	o := b.Open(nil)
	_, err := o.Resolve(t.Context(), did.MustParse("did:web:other.example"), did.Version{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.False(t, did.IsAnswer(err))
	_, err = o.Resolve(t.Context(), shop, did.Version{Time: noon})
	require.ErrorIs(t, err, did.ErrVersionUnknown)
	_, _, _, err = o.Document(t.Context(), "https://list.example/2", "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, fetched, err := o.Document(t.Context(), "https://list.example/1", "")
	require.NoError(t, err)
	require.Zero(t, fetched, "when it was fetched is a stranger's word")
	_, _, fetched, err = b.Open(bundle.Pins{"https://list.example/1": bundle.Digest([]byte("a list"))}).Document(t.Context(), "https://list.example/1", "")
	require.NoError(t, err)
	require.Zero(t, fetched, "nor does a pin say")
	_, _, fetched, err = b.Open(bundle.Pins{"https://list.example/1": bundle.Digest([]byte("a list"))}).Document(t.Context(), "https://list.example/1", "application/schema+json")
	require.NoError(t, err)
	require.Equal(t, noon, fetched, "a pinned schema is the reader's")

	b.Documents[0].Fetched = noon.AddDate(1, 0, 0)
	require.Contains(t, b.Open(nil).Parts(noon)[1].Problem, "yet to come")
	_, _, _, err = new(bundle.Recorder).Document(t.Context(), "https://list.example/1", "")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestParseRefuses(t *testing.T) {
	b, _ := packed(t)
	good, err := b.Encode()
	require.NoError(t, err)
	for _, tt := range []struct {
		name, text string
		want       error
		says       string
	}{
		{"nothing", ``, vc.ErrMalformed, ""},
		{"another version", strings.Replace(string(good), `"hourmeterBundle": 1`, `"hourmeterBundle": 2`, 1), vc.ErrMalformed, "version 1 is read here"},
		{"an unknown member", strings.Replace(string(good), `"created"`, `"trust": true, "created"`, 1), vc.ErrMalformed, "trust"},
		{"a log of a did:web", strings.Replace(string(good), `"resolutions"`, `"didLogs": [{"did": "did:web:x.example", "fetched": "2026-11-22T12:00:00Z", "log": "{}"}], "resolutions"`, 1), vc.ErrMalformed, "did:webvh"},
		{"a log without entries", strings.Replace(string(good), `"resolutions"`, `"didLogs": [{"did": "did:webvh:x", "fetched": "2026-11-22T12:00:00Z", "log": ""}], "resolutions"`, 1), vc.ErrMalformed, "want a log"},
		{"a case variant", strings.Replace(string(good), `"created"`, `"Created"`, 1), vc.ErrMalformed, "Created"},
		{"a member twice", strings.Replace(string(good), `"created"`, `"created": "2026-11-22T12:00:00Z", "created"`, 1), vc.ErrMalformed, "created"},
		{"cut off", string(good[:len(good)/2]), vc.ErrMalformed, ""},
		{"something behind it", string(good) + "{}", vc.ErrMalformed, ""},
		{"a presentation without a challenge", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","presentation":{"text":"{}"}}`, vc.ErrMalformed, "belong together"},
		{"a challenge without a presentation", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","challenge":{"nonce":"n","domain":"d"}}`, vc.ErrMalformed, "belong together"},
		{"empty content", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","credentials":[{}]}`, vc.ErrMalformed, "credential 0"},
		{"content twice", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","credentials":[{"text":"a","base64":"YQ=="}]}`, vc.ErrMalformed, "credential 0"},
		{"bad base64", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","credentials":[{"base64":"YR=="}]}`, vc.ErrMalformed, "credential 0"},
		{"a document of nothing", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","documents":[{"url":"","fetched":"2026-11-22T12:00:00Z","text":"a"}]}`, vc.ErrMalformed, "document 0"},
		{"a resolution of nobody", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","resolutions":[{"did":"","fetched":"2026-11-22T12:00:00Z","text":"a"}]}`, vc.ErrMalformed, "resolution 0"},
		{"deep nesting", `{"hourmeterBundle":1,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, vc.ErrMalformed, ""},
		{"too many parts", `{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","credentials":[` + strings.Repeat(`{"text":"a"},`, bundle.MaxParts) + `{"text":"a"}]}`, vc.ErrLimit, ""},
		{"too large", strings.Repeat(" ", bundle.MaxBytes+1), vc.ErrLimit, ""},
	} {
		_, err := bundle.Parse([]byte(tt.text))
		require.ErrorIs(t, err, tt.want, tt.name)
		require.ErrorContains(t, err, tt.says, tt.name)
		_, refused := errors.AsType[*vc.RejectError](err)
		require.True(t, refused, tt.name)
	}
	b.Credentials = append(b.Credentials, nil)
	_, err = b.Encode()
	require.ErrorContains(t, err, "credential 1")
}

func FuzzParse(f *testing.F) {
	b, _ := packed(f)
	good, err := b.Encode()
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"hourmeterBundle":1,"created":"2026-11-22T12:00:00Z","credentials":[{"base64":"YQ=="}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := bundle.Parse(text)
		if err != nil {
			return
		}
		b.Open(nil).Parts(noon)
		again, err := b.Encode()
		if err != nil {
			return // a time beyond year 9999
		}
		same, err := bundle.Parse(again)
		require.NoError(t, err)
		require.Equal(t, len(b.Credentials)+len(b.Documents)+len(b.Resolutions), len(same.Credentials)+len(same.Documents)+len(same.Resolutions))
	})
}
