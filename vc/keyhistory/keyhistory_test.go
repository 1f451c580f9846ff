package keyhistory_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/keyhistory"
)

var birth = time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)

func day(n int) time.Time { return birth.AddDate(0, 0, n) }

// newKey returns the key that a name always stands for.
func newKey(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", ed25519.SeedSize))[:ed25519.SeedSize]))
}

// A method says of a key in a document which it is, and what marks it has.
type method struct {
	name             string // the fragment, and of whose key
	key              string // if not that of name
	expires, revoked time.Time
	idle             bool // it is there, and has no role
}

func document(t testing.TB, id did.DID, methods ...method) *did.Document {
	t.Helper()
	d := &did.Document{Context: []string{"https://www.w3.org/ns/did/v1"}, ID: id}
	for _, m := range methods {
		key := m.name
		if m.key != "" {
			key = m.key
		}
		vm, err := did.NewVerificationMethod(id.URL(m.name), did.Multikey, id, newKey(key).Public())
		require.NoError(t, err)
		vm.Expires, vm.Revoked = m.expires, m.revoked
		d.VerificationMethod = append(d.VerificationMethod, vm)
		if !m.idle {
			d.AssertionMethod = append(d.AssertionMethod, did.MethodRef{ID: vm.ID})
		}
	}
	return d
}

// A version is what a document says from a day on. None says that the DID is retired.
type version struct {
	day     int
	methods []method
	moved   string // the host that it has moved to
}

// history is a did:webvh with these documents.
func history(t testing.TB, versions ...version) *webvh.Log {
	t.Helper()
	update := newKey("update")
	id, err := webvh.Draft("shop.example")
	require.NoError(t, err)
	portable := true
	log, err := webvh.Create(webvh.Change{Key: update, Time: day(versions[0].day), Document: document(t, id, versions[0].methods...), Portable: &portable})
	require.NoError(t, err)
	for _, v := range versions[1:] {
		c := webvh.Change{Key: update, Time: day(v.day)}
		switch {
		case v.moved != "":
			log, err = log.Move(c, v.moved)
		case v.methods == nil:
			log, err = log.Deactivate(c)
		default:
			c.Document = document(t, log.ID(), v.methods...)
			log, err = log.Update(c)
		}
		require.NoError(t, err)
	}
	return log
}

type claim struct{}

func (claim) CredentialType() string { return "MaintenanceCredential" }

// sign issues a credential with a key of id, as of a day.
func sign(t testing.TB, id did.DID, key string, n int) []byte {
	t.Helper()
	issuer := &vc.Issuer{ID: id, Key: newKey(key), Method: id.URL(key), Now: func() time.Time { return day(n) }}
	raw, err := issuer.Issue(&vc.Credential{Subject: id, Claim: claim{}})
	require.NoError(t, err)
	return raw
}

// long is a verifier who looks back after years.
func long(r did.Resolver) *vc.Verifier {
	return &vc.Verifier{Resolver: r, Now: func() time.Time { return day(3000) }}
}

// What has become of key "a" that signed on day 10, by a log of did:webvh.
func TestWhatBecameOfAKey(t *testing.T) {
	a := method{name: "a"}
	b := method{name: "b"}
	revoked := func(n int) method { return method{name: "a", revoked: day(n)} }
	for _, tt := range []struct {
		name     string
		versions []version
		now      keyhistory.State
		since    time.Time
		refused  []string // by which judges
	}{
		{"nothing happened", []version{{0, []method{a}, ""}}, keyhistory.Current, time.Time{}, nil},
		{"another key came", []version{{0, []method{a}, ""}, {20, []method{a, b}, ""}}, keyhistory.Current, time.Time{}, nil},
		{"rotated", []version{{0, []method{a}, ""}, {20, []method{b}, ""}, {30, []method{{name: "c"}}, ""}}, keyhistory.Rotated, day(20), []string{"current"}},
		{"there, without the role", []version{{0, []method{a}, ""}, {20, []method{{name: "a", idle: true}, b}, ""}}, keyhistory.Rotated, day(20), []string{"current"}},
		{"its name is another key's", []version{{0, []method{a}, ""}, {20, []method{{name: "a", key: "b"}}, ""}}, keyhistory.Rotated, day(20), []string{"current"}},
		{"its name is another key's, which was stolen", []version{{0, []method{a}, ""}, {20, []method{{name: "a", key: "b", revoked: day(15)}}, ""}}, keyhistory.Rotated, day(20), []string{"current"}},
		{"given up and taken again", []version{{0, []method{a}, ""}, {20, []method{b}, ""}, {30, []method{a}, ""}}, keyhistory.Current, time.Time{}, nil},
		{"expired", []version{{0, []method{{name: "a", expires: day(50)}}, ""}}, keyhistory.Expired, day(50), []string{"current"}},
		{"to expire", []version{{0, []method{{name: "a", expires: day(4000)}}, ""}}, keyhistory.Current, time.Time{}, nil},
		{"revoked since", []version{{0, []method{a}, ""}, {40, []method{revoked(30), b}, ""}}, keyhistory.Revoked, day(30), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"revoked since before it signed", []version{{0, []method{a}, ""}, {40, []method{revoked(5), b}, ""}}, keyhistory.Revoked, day(5), []string{"signed", "revoked", "current", "logged on day 11", "logged on day 30"}},
		{"revoked, and left out later", []version{{0, []method{a}, ""}, {40, []method{revoked(30), b}, ""}, {50, []method{b}, ""}}, keyhistory.Revoked, day(30), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"revoked, and said to be good again", []version{{0, []method{a}, ""}, {40, []method{revoked(30), b}, ""}, {50, []method{a}, ""}}, keyhistory.Revoked, day(30), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"revoked twice", []version{{0, []method{a}, ""}, {40, []method{revoked(30), b}, ""}, {50, []method{revoked(12), b}, ""}}, keyhistory.Revoked, day(12), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"put aside under another name, and revoked", []version{{0, []method{a}, ""}, {40, []method{b, {name: "old", key: "a", revoked: day(30), idle: true}}, ""}}, keyhistory.Revoked, day(30), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"its name is another key's, and under another it is revoked", []version{{0, []method{a}, ""}, {40, []method{{name: "a", key: "b"}, {name: "old", key: "a", revoked: day(30), idle: true}}, ""}}, keyhistory.Revoked, day(30), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"another key that was put aside is revoked", []version{{0, []method{a}, ""}, {40, []method{a, {name: "old", key: "b", revoked: day(30), idle: true}}, ""}}, keyhistory.Current, time.Time{}, nil},
		{"to be revoked", []version{{0, []method{a}, ""}, {40, []method{revoked(4000)}, ""}}, keyhistory.Current, time.Time{}, nil},
		{"retired", []version{{0, []method{a}, ""}, {60, nil, ""}}, keyhistory.Deactivated, day(60), []string{"current"}},
		{"revoked, then retired", []version{{0, []method{a}, ""}, {40, []method{revoked(30)}, ""}, {60, nil, ""}}, keyhistory.Revoked, day(30), []string{"signed", "revoked", "current", "logged on day 30"}},
		{"moved", []version{{0, []method{a}, ""}, {40, nil, "yard.example"}}, keyhistory.Current, time.Time{}, nil},
		{"moved twice, then rotated", []version{{0, []method{a}, ""}, {40, nil, "yard.example"}, {50, nil, "port.example:cranes"}, {60, []method{b}, ""}}, keyhistory.Rotated, day(60), []string{"current"}},
		{"moved, then revoked", []version{{0, []method{a}, ""}, {40, nil, "yard.example"}, {60, []method{revoked(55)}, ""}}, keyhistory.Revoked, day(55), []string{"signed", "revoked", "current"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := history(t, tt.versions[0])
			raw := sign(t, first.ID(), "a", 10)
			verifier := long(history(t, tt.versions...))
			v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
			require.NoError(t, err, "it was valid when it was signed")
			uses, err := keyhistory.Of(t.Context(), verifier, v)
			require.NoError(t, err)
			require.Equal(t, []keyhistory.Use{{Signature: v.Signatures()[0], Known: true, Now: tt.now, Since: tt.since}}, uses)

			var refused []string
			for _, j := range []struct {
				name  string
				judge keyhistory.Judge
			}{
				{"signed", keyhistory.WhenSigned}, {"revoked", keyhistory.NotRevoked}, {"current", keyhistory.StillCurrent},
				{"logged on day 11", keyhistory.LoggedBy(day(11))}, {"logged on day 30", keyhistory.LoggedBy(day(30))},
			} {
				_, err := keyhistory.Verify(t.Context(), verifier, raw, vc.IssuedBy(first.ID()), j.judge)
				if err == nil {
					continue
				}
				require.ErrorIs(t, err, vc.ErrNotAccepted)
				require.ErrorAs(t, err, new(*vc.RejectError))
				refused = append(refused, j.name)
			}
			require.Equal(t, tt.refused, refused)
			require.Error(t, keyhistory.Check(v, []keyhistory.Use{{Now: keyhistory.Revoked, Since: day(30)}}, keyhistory.LoggedBy(time.Time{})), "nobody has seen it")
		})
	}
}

// present answers with one document, whatever was before it.
type present struct {
	doc *did.Document
	err error
}

func (p present) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	switch {
	case p.err != nil:
		return nil, p.err
	case !v.IsZero():
		return nil, did.ErrVersionUnknown
	}
	return &did.Resolution{Document: p.doc}, nil
}

// Of a did:web there is no more than what it says today.
func TestMethodsWithoutHistory(t *testing.T) {
	id := did.MustParse("did:web:shop.example")
	raw := sign(t, id, "a", 10)
	for _, tt := range []struct {
		name    string
		doc     *did.Document
		current error // with vc.Verifier.CurrentKeys
		marks   error // with Marks
		now     keyhistory.State
		logged  bool // it stands if it was seen on day 11
	}{
		{"current", document(t, id, method{name: "a"}), nil, nil, keyhistory.Current, true},
		{"revoked since", document(t, id, method{name: "a", revoked: day(30)}), vc.ErrProof, nil, keyhistory.Revoked, true},
		{"revoked since before it signed", document(t, id, method{name: "a", revoked: day(5)}), vc.ErrProof, vc.ErrProof, "", false},
		{"expired since", document(t, id, method{name: "a", expires: day(30)}), vc.ErrProof, nil, keyhistory.Expired, true},
		{"gone", document(t, id, method{name: "b"}), vc.ErrProof, vc.ErrProof, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := present{doc: tt.doc}
			_, err := long(r).Verify(t.Context(), raw, vc.AnyIssuer)
			require.ErrorIs(t, err, did.ErrVersionUnknown, "unless it is asked for")
			require.False(t, errors.As(err, new(*vc.RejectError)))

			verifier := long(r)
			verifier.CurrentKeys = true
			_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
			require.ErrorIs(t, err, tt.current)

			verifier = long(keyhistory.Marks{Next: r})
			v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
			require.ErrorIs(t, err, tt.marks)
			if err != nil {
				return
			}
			uses, err := keyhistory.Of(t.Context(), verifier, v)
			require.NoError(t, err)
			require.Equal(t, tt.now, uses[0].Now)
			require.False(t, uses[0].Known, "by a document of today")
			require.ErrorContains(t, keyhistory.Check(v, uses, keyhistory.WhenSigned), "nobody can say")
			require.Equal(t, tt.logged, keyhistory.Check(v, uses, keyhistory.LoggedBy(day(11))) == nil)
		})
	}
}

func TestCouldNotFindOut(t *testing.T) {
	log := history(t, version{0, []method{{name: "a"}}, ""}, version{20, []method{{name: "b"}}, ""})
	raw := sign(t, history(t, version{0, []method{{name: "a"}}, ""}).ID(), "a", 10)
	v, err := long(log).Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	down := errors.New("network is down")
	other := document(t, did.MustParse("did:web:lying.example"), method{name: "a"})
	for _, tt := range []struct {
		name string
		r    did.Resolver
		says string
	}{
		{"down", present{err: down}, "network is down"},
		{"another DID's document", present{doc: other}, "the document of did:web:lying.example"},
		{"neither document nor error", silent{}, "neither a document nor an error"},
		{"no resolver", nil, "did:webvh"},
		{"down after the first", after{log, down}, "network is down"},
		{"replaced before it is in force", still{log}, "before it is in force"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keyhistory.Of(t.Context(), long(tt.r), v)
			require.ErrorContains(t, err, tt.says)
			require.False(t, errors.As(err, new(*vc.RejectError)), "it is no verdict")
		})
	}
	_, err = keyhistory.Verify(t.Context(), long(log), raw, vc.AnyIssuer, nil)
	require.ErrorContains(t, err, "judge is nil")
	_, err = keyhistory.Verify(t.Context(), long(after{log, down}), raw, vc.AnyIssuer, keyhistory.WhenSigned)
	require.ErrorIs(t, err, down)
	_, err = keyhistory.Verify(t.Context(), long(log), raw[1:], vc.AnyIssuer, keyhistory.WhenSigned)
	require.ErrorAs(t, err, new(*vc.RejectError))
}

// after answers for day 10 only.
type after struct {
	did.Resolver
	err error
}

func (a after) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if !v.Time.Equal(day(10)) {
		return nil, a.err
	}
	return a.Resolver.Resolve(ctx, id, v)
}

// still says of every document that the first replaces it.
type still struct{ did.Resolver }

func (s still) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	res, err := s.Resolver.Resolve(ctx, id, v)
	if err == nil {
		res.NextUpdate = day(20)
	}
	return res, err
}

// silent says nothing.
type silent struct{}

func (silent) Resolve(context.Context, did.DID, did.Version) (*did.Resolution, error) {
	return nil, nil
}

// nobody must not be asked.
type nobody struct{}

func (nobody) Resolve(context.Context, did.DID, did.Version) (*did.Resolution, error) {
	return nil, errors.New("nobody had to be asked")
}

// The key of a did:key is the identifier: it is current for ever, and nobody is asked.
func TestSelfCertifyingKeysCostNothing(t *testing.T) {
	key := newKey("a")
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	issuer := &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return day(10) }}
	raw, err := issuer.Issue(&vc.Credential{Subject: id, Claim: claim{}})
	require.NoError(t, err)
	v, err := keyhistory.Verify(t.Context(), long(nil), raw, vc.AnyIssuer, keyhistory.StillCurrent)
	require.NoError(t, err)
	uses, err := keyhistory.Of(t.Context(), long(nobody{}), v)
	require.NoError(t, err)
	require.True(t, uses[0].Known)
	require.Equal(t, keyhistory.Current, uses[0].Now)
}

// A proof need not say when it was made: then the present document is all there is.
func TestAProofWithoutATime(t *testing.T) {
	log := history(t, version{0, []method{{name: "a"}}, ""}, version{40, []method{{name: "a", revoked: day(5000)}}, ""})
	uses, err := keyhistory.Of(t.Context(), long(log), undated(t, long(log), sign(t, log.ID(), "a", 10)))
	require.NoError(t, err)
	require.Equal(t, keyhistory.Current, uses[0].Now)
	require.False(t, uses[0].Known)
}

// undated signs again without "created".
func undated(t testing.TB, verifier *vc.Verifier, raw []byte) *vc.Verified {
	t.Helper()
	text := string(raw)
	i := strings.Index(text, `,"proof":`)
	require.Positive(t, i)
	unsecured := text[:i] + "}"
	v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	issuer := &vc.Issuer{ID: v.Issuer(), Key: newKey("a"), Method: v.Issuer().URL("a"), Suite: timeless{vc.EdDSAJCS2022{}}, Now: func() time.Time { return day(10) }}
	signed, err := issuer.AddProof([]byte(unsecured))
	require.NoError(t, err)
	signed = []byte(strings.Replace(string(signed), `"created":"`+day(10).Format(time.RFC3339)+`",`, "", 1))
	v, err = verifier.Verify(t.Context(), signed, vc.AnyIssuer)
	require.NoError(t, err)
	require.Zero(t, v.Signatures()[0].Created)
	return v
}

// timeless signs a proof's options without their time.
type timeless struct{ vc.Suite }

func (s timeless) Sign(key crypto.Signer, document, options []byte) (string, error) {
	return s.Suite.Sign(key, document, []byte(strings.Replace(string(options), `"created":"`+day(10).Format(time.RFC3339)+`",`, "", 1)))
}

// A record with a shop that has a did:webvh, whose key was stolen: what its log held before stands.
func TestCompromisedKeysOfARecord(t *testing.T) {
	shop := history(t, version{0, []method{{name: "a"}}, ""})
	maker := issuer(t, "maker")
	machine := issuer(t, "machine")
	var head chain.Head
	var entries []*vc.Verified
	add := func(n int, e chain.Entry, by *vc.Issuer) {
		c := &vc.Credential{Subject: machine.ID, Claim: claim{}, ValidFrom: day(n)}
		require.NoError(t, head.Append(c, e))
		raw, err := by.Issue(c)
		require.NoError(t, err)
		v, err := long(resolver.Methods{"key": did.Offline{}, "webvh": shop}).Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		require.NoError(t, head.Advance(v))
		entries = append(entries, v)
	}
	signer := func(n int) *vc.Issuer {
		return &vc.Issuer{ID: shop.ID(), Key: newKey("a"), Method: shop.ID().URL("a"), Now: func() time.Time { return day(n) }}
	}
	add(1, chain.Entry{Kind: chain.Commission}, maker)
	add(10, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, signer(10)) // logged in time
	add(20, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, signer(20)) // logged after the theft
	add(25, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, maker)
	h, err := chain.New(machine.ID, entries...)
	require.NoError(t, err)
	h, err = h.Seen(log{11: entries[1], 40: entries[3]})
	require.NoError(t, err)

	void := func(r did.Resolver) (list []int64) {
		keys, err := keyhistory.Compromised(t.Context(), long(r), h)
		require.NoError(t, err)
		told, err := h.Told(keys...)
		require.NoError(t, err)
		for _, it := range told.Entries() {
			if it.Void != nil {
				list = append(list, it.Link.Sequence)
			}
		}
		return list
	}
	a, b := version{0, []method{{name: "a"}}, ""}, method{name: "b"}
	revoked := version{50, []method{{name: "a", revoked: day(30)}, b}, ""}
	require.Empty(t, void(shop))
	require.Empty(t, void(history(t, a, version{50, []method{b}, ""})), "rotated in the ordinary course")
	require.Equal(t, []int64{2}, void(history(t, a, revoked)))
	require.Equal(t, []int64{2}, void(history(t, a, revoked, version{60, []method{b}, ""})), "a mark that was left out later")
	require.Equal(t, []int64{2}, void(history(t, a, revoked, version{60, nil, ""})), "of an identifier that was retired")
	require.Equal(t, []int64{2}, void(history(t, a, version{50, []method{b, {name: "old", key: "a", revoked: day(30), idle: true}}, ""})), "put aside under another name")
	require.Empty(t, void(history(t, a, version{50, []method{{name: "a", revoked: day(4000)}}, ""})), "not yet")

	keys, err := keyhistory.Compromised(t.Context(), long(present{err: errors.New("network is down")}), h)
	require.ErrorContains(t, err, "network is down")
	require.Empty(t, keys)
}

// log is a transparency log that held entries on a day.
type log map[int]*vc.Verified

func (l log) Record(vc.Digest) (*chain.Logged, error) {
	logged := &chain.Logged{Origin: "log.example", Checkpoint: vc.Digest{1}, Time: day(3000), Fresh: true}
	for n, v := range l {
		var link chain.Link
		if _, err := v.Member("record", &link); err != nil {
			return nil, err
		}
		logged.Entries = append(logged.Entries, chain.LoggedEntry{Sequence: link.Sequence, Digest: v.Digest(), Time: day(n)})
	}
	slices.SortFunc(logged.Entries, func(a, b chain.LoggedEntry) int { return int(a.Sequence - b.Sequence) })
	return logged, nil
}

func issuer(t testing.TB, name string) *vc.Issuer {
	id, err := did.NewKey(newKey(name).Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: newKey(name), Now: func() time.Time { return day(1) }}
}

// Benchmarks of Of beside the verification that it follows.
func BenchmarkOf(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		versions := []version{{0, []method{{name: "a"}}, ""}}
		for i := range n - 1 {
			versions = append(versions, version{20 + i, []method{{name: "b"}}, ""})
		}
		log := history(b, versions...)
		verifier := long(log)
		v, err := verifier.Verify(b.Context(), sign(b, log.ID(), "a", 10), vc.AnyIssuer)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("webvh of %d versions", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := keyhistory.Of(b.Context(), verifier, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	raw, err := issuer(b, "a").Issue(&vc.Credential{Subject: issuer(b, "a").ID, Claim: claim{}})
	require.NoError(b, err)
	v, err := long(nil).Verify(b.Context(), raw, vc.AnyIssuer)
	require.NoError(b, err)
	b.Run("did:key", func(b *testing.B) {
		for b.Loop() {
			if _, err := keyhistory.Of(b.Context(), long(nil), v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
