package linkage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/linkage"
	"github.com/hourmeter/hourmeter/vc/record"
)

// known is a document that lists other names.
func known(id string, others ...string) *did.Document {
	return &did.Document{ID: did.MustParse(id), AlsoKnownAs: others}
}

func TestSame(t *testing.T) {
	a, b := "did:web:a.example", "did:web:b.example"
	x := "did:webvh:QmX:x.example"
	oneSided := func(claims, silent string) string { return claims + " claims to be linked to " + silent }
	with := func(d *did.Document, canonical string, equivalent ...string) *did.Resolution {
		r := &did.Resolution{Document: d}
		if canonical != "" {
			r.CanonicalID = did.MustParse(canonical)
		}
		for _, e := range equivalent {
			r.EquivalentID = append(r.EquivalentID, did.MustParse(e))
		}
		return r
	}
	for _, tt := range []struct {
		name   string
		a, b   *did.Resolution
		want   linkage.Bond
		reason error
		says   string
	}{
		{"each lists the other", with(known(a, "https://a.example/me", b), ""), with(known(b, a), ""), linkage.Mutual, nil, ""},
		{"of two methods", with(known(a, x), ""), with(known(x, a), ""), linkage.Mutual, nil, ""},
		{"only one does", with(known(a, b), ""), with(known(b), ""), "", linkage.ErrOneSided, oneSided(a, b)},
		{"only the other does", with(known(a), ""), with(known(b, a), ""), "", linkage.ErrOneSided, oneSided(b, a)},
		{"neither", with(known(a), ""), with(known(b), ""), "", linkage.ErrUnlinked, "neither side"},
		{"a name that begins like it", with(known(a, b+".evil.example"), ""), with(known(b, a+":x"), ""), "", linkage.ErrUnlinked, ""},
		{"a key of it is no name of it", with(known(a, b+"#k"), ""), with(known(b, a+"#k"), ""), "", linkage.ErrUnlinked, ""},
		{"its canonical id", with(known(a), b), with(known(b), ""), linkage.Method, nil, ""},
		{"an equivalent id", with(known(a), ""), with(known(b), "", a), linkage.Method, nil, ""},
		{"no method vouches for another's", with(known(a), x, x), with(known(x), a, a), "", linkage.ErrUnlinked, ""},
		{"another DID's document", with(known(x, a), ""), with(known(b), ""), "", did.ErrInvalidDocument, "got the document of"},
		{"a did:webvh of another log", with(known(x, a), ""), with(known(x), ""), "", did.ErrInvalidDocument, "got the document of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first, second := did.MustParse(a), tt.b.Document.ID
			w := world{first: tt.a, second: tt.b}
			for _, pair := range [][2]did.DID{{first, second}, {second, first}} {
				got, err := linkage.Same(t.Context(), w, pair[0], pair[1])
				require.ErrorIs(t, err, tt.reason)
				require.Equal(t, tt.want, got)
				if err != nil {
					require.ErrorContains(t, err, tt.says)
					require.True(t, did.IsAnswer(err))
				}
				if errors.Is(tt.reason, linkage.ErrOneSided) {
					require.ErrorAs(t, err, new(*linkage.OneSidedError))
				}
			}
		})
	}
	self, err := linkage.Same(t.Context(), nil, did.MustParse(a), did.MustParse(a))
	require.NoError(t, err)
	require.Equal(t, linkage.Identical, self)
	_, err = linkage.Same(t.Context(), nil, did.DID{}, did.MustParse(a))
	require.Error(t, err)
	_, err = linkage.Same(t.Context(), world{did.MustParse(b): nil}, did.MustParse(a), did.MustParse(b))
	require.Error(t, err)
	_, err = linkage.Same(t.Context(), world{did.MustParse(a): {Document: known(a)}, did.MustParse(b): nil}, did.MustParse(a), did.MustParse(b))
	require.ErrorContains(t, err, "network is down")
	require.False(t, did.IsAnswer(err))
}

// A did:webvh, the did:web beside it, and the name that it moves to.
func TestSameByWebVH(t *testing.T) {
	key := newKey("update")
	draft, err := webvh.Draft("shop.example")
	require.NoError(t, err)
	portable := true
	log, err := webvh.Create(webvh.Change{Key: key, Time: noon, Portable: &portable, Document: &did.Document{
		Context: []string{"https://www.w3.org/ns/did/v1"}, ID: draft, AlsoKnownAs: []string{"did:web:shop.example"},
	}})
	require.NoError(t, err)
	old := log.ID()
	text, err := log.ParallelDIDWeb()
	require.NoError(t, err)
	parallel, err := did.ParseDocument(text)
	require.NoError(t, err)
	r := resolver.Methods{"webvh": log, "web": documents(parallel)}
	bond, err := linkage.Same(t.Context(), r, old, parallel.ID)
	require.NoError(t, err)
	require.Equal(t, linkage.Mutual, bond)

	moved, err := log.Move(webvh.Change{Key: key, Time: noon.Add(time.Hour)}, "yard.example:cranes:7")
	require.NoError(t, err)
	require.NotEqual(t, old, moved.ID())
	for _, pair := range [][2]did.DID{{old, moved.ID()}, {moved.ID(), old}} {
		bond, err = linkage.Same(t.Context(), moved, pair[0], pair[1])
		require.NoError(t, err)
		require.Equal(t, linkage.Method, bond)
	}

	// Anybody can move to a name at a bank. The bank has to publish it.
	bank, err := log.Move(webvh.Change{Key: key, Time: noon.Add(time.Hour)}, "bank.example")
	require.NoError(t, err)
	res, err := bank.Resolve(t.Context(), old, did.Version{})
	require.NoError(t, err)
	require.Equal(t, bank.ID(), res.Document.ID)
	for _, pair := range [][2]did.DID{{old, bank.ID()}, {bank.ID(), old}} {
		_, err = linkage.Same(t.Context(), resolver.Methods{"webvh": hosted{old: bank}}, pair[0], pair[1])
		require.ErrorIs(t, err, did.ErrNotFound)
		bond, err = linkage.Same(t.Context(), resolver.Methods{"webvh": hosted{old: bank, bank.ID(): bank}}, pair[0], pair[1])
		require.NoError(t, err)
		require.Equal(t, linkage.Method, bond)
	}
}

// hosted are the logs that hosts have of the names that are theirs.
type hosted map[did.DID]*webvh.Log

func (h hosted) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if log, ok := h[id]; ok {
		return log.Resolve(ctx, id, v)
	}
	return nil, did.ErrNotFound
}

// The long form of a did:peer 4, and the short one for those who have seen it.
func TestSameByPeer(t *testing.T) {
	long, err := peer.New4([]peer.Key{{Use: did.AssertionMethod, Public: newKey("drone").Public()}})
	require.NoError(t, err)
	short, err := peer.Short(long)
	require.NoError(t, err)
	for name, pair := range map[string][2]did.DID{"long": {long, short}, "short": {short, long}} {
		bond, err := linkage.Same(t.Context(), peer.Resolver{Known: map[did.DID]did.DID{short: long}}, pair[0], pair[1])
		require.NoError(t, err, name)
		require.Equal(t, linkage.Method, bond)
	}
	_, err = linkage.Same(t.Context(), peer.Resolver{}, long, short)
	require.NoError(t, err, "the long form says what its short one is")
}

// statement is what an entry rotate of a record says, signed by all of signers.
func statement(t testing.TB, about did.DID, key did.URL, signers ...*vc.Issuer) *vc.Verified {
	t.Helper()
	raw, err := signers[0].Issue(&vc.Credential{Subject: about, Claim: record.Commissioning{
		Model: "LX-4", Serial: "7", KeyBinding: &record.KeyBinding{VerificationMethod: key, Protection: record.TPM2},
	}})
	require.NoError(t, err)
	for _, s := range signers[1:] {
		raw, err = s.AddProof(raw)
		require.NoError(t, err)
	}
	v, err := (&vc.Verifier{Now: clock}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	return v
}

func selfCertified(t testing.TB, name string) *vc.Issuer {
	t.Helper()
	id, err := did.NewKey(newKey(name).Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: newKey(name), Now: clock}
}

// The document of a did:key lists nobody: it names its other DID by its signature.
func TestSameByStatement(t *testing.T) {
	factory, thief := selfCertified(t, "factory"), selfCertified(t, "thief")
	operation := "did:web:drone.example"
	listed := documents(known(operation, factory.ID.String()))
	key := did.MustParse(operation).URL("k")
	for _, tt := range []struct {
		name      string
		w         world
		statement *vc.Verified
		reason    error
		claims    string
	}{
		{"signed, and listed", listed, statement(t, factory.ID, key, factory), nil, ""},
		{"signed by another as well", listed, statement(t, factory.ID, key, thief, factory), nil, ""},
		{"signed, and not listed", documents(known(operation)), statement(t, factory.ID, key, factory), linkage.ErrOneSided, factory.ID.String()},
		{"listed, and signed by another", listed, statement(t, factory.ID, key, thief), linkage.ErrOneSided, operation},
		{"listed, and of another DID", listed, statement(t, factory.ID, did.MustParse("did:web:other.example").URL("k"), factory), linkage.ErrOneSided, operation},
		{"listed, and about another", listed, statement(t, thief.ID, key, factory), linkage.ErrOneSided, operation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bond, err := linkage.Same(t.Context(), tt.w, factory.ID, did.MustParse(operation), tt.statement)
			require.ErrorIs(t, err, tt.reason)
			if tt.reason == nil {
				require.Equal(t, linkage.Mutual, bond)
				return
			}
			side, ok := errors.AsType[*linkage.OneSidedError](err)
			require.True(t, ok)
			require.Equal(t, tt.claims, side.Claims)
		})
	}
}

func TestGroup(t *testing.T) {
	name := func(n int) string { return fmt.Sprintf("did:web:d%d.example", n) }
	id := func(n int) did.DID { return did.MustParse(name(n)) }
	w := documents(
		known(name(0), name(2)), // 0 and 2, and by 2 also 4
		known(name(1), name(0)), // says that it is 0, and nobody else does
		known(name(2), name(0), name(4)),
		known(name(3)),
		known(name(4), name(2)),
		known(name(5), name(6)), known(name(6), name(5)),
	)
	w[id(7)] = nil // cannot be asked
	ids := []did.DID{id(0), id(1), id(4), id(3), id(2), id(5), id(7), id(6), id(0)}
	g, err := linkage.Group(t.Context(), w, ids)
	require.NoError(t, err)
	require.Equal(t, [][]did.DID{{id(0), id(4), id(2)}, {id(1)}, {id(3)}, {id(5), id(6)}}, g.Same)
	require.Equal(t, []*linkage.OneSidedError{{Claims: name(1), Silent: name(0)}}, g.OneSided)
	require.Len(t, g.Failed, 1)
	require.ErrorContains(t, g.Failed[id(7)], "network is down")

	many := make([]did.DID, linkage.MaxGroup+1)
	_, err = linkage.Group(t.Context(), w, many)
	require.ErrorContains(t, err, "at most")
}
