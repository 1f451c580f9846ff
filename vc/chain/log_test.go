package chain_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A view is a log that says one thing of every record.
type view struct {
	logged *chain.Logged
	err    error
}

func (v view) Record(vc.Digest) (*chain.Logged, error) { return v.logged, v.err }

// holding is a log that held each of entries an hour after its validFrom.
func holding(entries ...*vc.Verified) *chain.Logged {
	l := &chain.Logged{Origin: "log.example", Checkpoint: vc.Digest{7}, Time: days(2000), Fresh: true}
	for _, v := range entries {
		var link chain.Link
		if _, err := v.Member("record", &link); err != nil {
			panic(err)
		}
		l.Entries = append(l.Entries, chain.LoggedEntry{Sequence: link.Sequence, Digest: v.Digest(), Time: v.ValidFrom().Add(time.Hour)})
	}
	return l
}

func seen(t testing.TB, h *chain.History, logged *chain.Logged) *chain.History {
	t.Helper()
	h, err := h.Seen(view{logged: logged})
	require.NoError(t, err)
	return h
}

func TestLogRaisesTheClass(t *testing.T) {
	l := year(t)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	gappy, err := chain.NewDisclosed(machine.ID, without(l.entries, 1)...)
	require.NoError(t, err)
	longer := year(t)
	longer.add(61, good, shop)
	longer.add(62, bad, shop)
	stale := holding(l.entries...)
	stale.Fresh = false
	another := holding(append(slices.Clone(l.entries[:9]), entry(t, l.heads[8], 61, bad, shop))...)
	sparse := holding(l.entries[9])
	down := errors.New("log is down")
	for _, tt := range []struct {
		name string
		h    *chain.History
		log  view
		want chain.Completeness
		says string
	}{
		{"fresh", h, view{holding(l.entries...), nil}, chain.C4, ""},
		{"stale", h, view{stale, nil}, chain.C3, ""},
		{"behind: complete as far as the log goes", h, view{holding(l.entries[:9]...), nil}, chain.C4, ""},
		{"it names only the newest", h, view{sparse, nil}, chain.C4, ""},
		{"it does not know the record", h, view{&chain.Logged{}, nil}, chain.C2, ""},
		{"gaps stay gaps", gappy, view{holding(l.entries...), nil}, chain.C1, ""},
		{"tail withheld", h, view{holding(longer.entries...), nil}, 0, "entries 10 to 11"},
		{"tail withheld, and gaps disclosed", gappy, view{holding(longer.entries...), nil}, chain.C1, ""},
		{"another entry there", h, view{another, nil}, 0, "the log log.example holds"},
		{"another entry there, and gaps disclosed", gappy, view{another, nil}, 0, "the log log.example holds"},
		{"down", h, view{nil, down}, 0, "log is down"},
		{"says nothing", h, view{nil, nil}, 0, "said nothing"},
		{"out of order", h, view{&chain.Logged{Checkpoint: vc.Digest{1}, Entries: []chain.LoggedEntry{{1, vc.Digest{1}, birth}, {1, vc.Digest{1}, birth}}}, nil}, 0, "out of order"},
		{"no checkpoint", h, view{&chain.Logged{Entries: sparse.Entries}, nil}, 0, "checkpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen, err := tt.h.Seen(tt.log)
			if tt.says != "" {
				require.ErrorContains(t, err, tt.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, seen.Class())
		})
	}

	disclosed := seen(t, gappy, holding(longer.entries...))
	require.Equal(t, []chain.GapError{{Chain: h.Chain(), From: 1, To: 1}, {Chain: h.Chain(), From: 10, To: 11}}, disclosed.Gaps())
	require.EqualValues(t, 3, disclosed.Hidden().Entries)
	require.Equal(t, chain.C1, disclosed.Class())
	whole, err := disclosed.Extend(longer.entries[1], longer.entries[10], longer.entries[11])
	require.NoError(t, err)
	require.Equal(t, chain.C4, whole.Class(), "what was withheld is shown")
	_, err = disclosed.Extend(entry(t, l.head, 63, good, stranger))
	require.ErrorIs(t, err, chain.ErrSequence, "something else is shown in its place")

	_, err = h.Seen(view{holding(longer.entries...), nil})
	require.ErrorAs(t, err, new(*chain.GapError))
	withheld := seen(t, h.Disclosed(), holding(longer.entries...))
	require.Equal(t, []chain.GapError{{Chain: h.Chain(), From: 10, To: 11}}, withheld.Gaps(), "read as disclosed, the end is a gap")
	require.Equal(t, h, seen(t, seen(t, h, stale), &chain.Logged{}), "the log asked last counts")
	require.Nil(t, h.Logged())
	require.Equal(t, stale, seen(t, h, stale).Logged())
}

// What shows that the log held an entry shows it of all before.
func TestEntriesKnowWhenTheyWereLogged(t *testing.T) {
	l := year(t)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	logged := holding(l.entries[:9]...)
	logged.Entries[3].Time = time.Time{} // witnessed, who knows when
	logged.Entries[5].Time = days(300)   // a later checkpoint than that of the next
	logged.Entries[8].Time = days(3000)
	var got []time.Time
	for _, it := range seen(t, h, logged).Entries() {
		got = append(got, it.Logged)
	}
	at := func(day int) time.Time { return days(day).Add(time.Hour) }
	require.Equal(t, []time.Time{at(0), at(5), at(10), {}, at(25), at(30), at(30), at(31), days(3000), {}}, got)
	require.True(t, h.Entries()[0].Logged.IsZero(), "h stays as it was")

	late := &life{t: t}
	late.add(0, begin, maker)
	late.add(50, good, shop)
	late.add(20, good, shop)
	h, err = chain.New(machine.ID, late.entries...)
	require.NoError(t, err)
	logged = holding(late.entries...)
	logged.Entries[2].Time = days(51)
	backdated := seen(t, h, logged).Backdated()
	require.Equal(t, []time.Duration{30 * 24 * time.Hour, 31 * 24 * time.Hour}, []time.Duration{backdated[0].By, backdated[0].Late})
	require.Zero(t, h.Backdated()[0].Late)
}

func TestExtendKeepsWhatALogSaid(t *testing.T) {
	l := year(t)
	for cut := 1; cut < len(l.entries); cut++ {
		all, err := chain.New(machine.ID, l.entries...)
		require.NoError(t, err)
		some, err := chain.New(machine.ID, l.entries[:cut]...)
		require.NoError(t, err)
		longer, err := seen(t, some, holding(l.entries[:cut]...)).Extend(l.entries[cut:]...)
		require.NoError(t, err)
		require.Equal(t, seen(t, all, holding(l.entries[:cut]...)), longer)
		up, err := longer.Upto(int64(cut) - 1)
		require.NoError(t, err)
		require.Equal(t, seen(t, some, holding(l.entries[:cut]...)), up)
	}
}

// rivals writes another record from the head before entry at, and so many entries of it.
func rivals(t testing.TB, l *life, at, n int, signer *vc.Issuer) []*vc.Verified {
	other := &life{t: t, head: l.heads[at-1]}
	for i := range n {
		other.add(200+i, good, signer)
	}
	return other.entries
}

// A stranger's branch is longer than the record, and so the trunk, until a log is asked.
func TestTheLogDecidesBetweenBranches(t *testing.T) {
	l := year(t)
	rival := rivals(t, l, 4, 12, stranger)
	h, err := chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries), rival...)...)
	require.NoError(t, err)
	require.Equal(t, rival[11].Digest(), h.Head().Digest)
	require.Same(t, rival[0], h.Equivocations()[0].Credentials[0])

	h = seen(t, h, holding(l.entries[:8]...))
	require.Equal(t, l.head, h.Head(), "also what the log does not hold yet")
	require.Equal(t, chain.C4, h.Class())
	require.Len(t, h.Equivocations(), 1)
	fork := h.Equivocations()[0]
	require.Same(t, l.entries[4], fork.Credentials[0])
	require.Same(t, rival[0], fork.Credentials[1])
	require.Len(t, fork.Branch(), 12)
	require.Equal(t, []did.DID{stranger.ID}, fork.Branch()[11].Signers())

	longer, err := h.Extend(entry(t, l.head, 90, good, shop))
	require.NoError(t, err)
	require.EqualValues(t, 10, longer.Head().Sequence)
	require.Equal(t, chain.C4, longer.Class())

	_, err = chain.New(machine.ID, append(slices.Clone(l.entries), rival...)...)
	require.ErrorAs(t, err, new(*chain.Equivocation), "a strict reader takes no fork, so no log is asked")

	only, err := chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries[:4]), rival...)...)
	require.NoError(t, err)
	_, err = only.Seen(view{logged: holding(l.entries...)})
	require.ErrorIs(t, err, chain.ErrSequence, "who shows only the other branch withholds what the log holds")
}

func TestAnyForkFollowsTheLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, _ := live(rt, t)
		end := len(l.entries)
		at := rapid.IntRange(1, end).Draw(rt, "fork")
		rival := rivals(t, l, at, rapid.IntRange(1, 20).Draw(rt, "rivals"), stranger)
		shown := rapid.Permutation(slices.Concat(l.entries, rival)).Draw(rt, "order")
		h, err := chain.NewDisclosed(machine.ID, shown...)
		require.NoError(rt, err)
		held := rapid.IntRange(0, end).Draw(rt, "held")
		h, err = h.Seen(view{logged: holding(l.entries[:held]...)})
		require.NoError(rt, err)
		entries := h.Entries()
		for i := range held {
			require.Same(rt, l.entries[i], entries[i].Credential)
			require.False(rt, entries[i].Logged.IsZero())
		}
		if held > at {
			require.Equal(rt, l.head, h.Head())
			require.Len(rt, h.Equivocations()[0].Branch(), len(rival))
		}
	})
}

// Whatever a log says, it is taken for what it is or refused.
func TestAnyAnswerOfALog(t *testing.T) {
	l := stolen(t, 15)
	rival := rivals(t, l, 3, 6, stranger)
	all := slices.Concat(l.entries, rival)
	rapid.Check(t, func(rt *rapid.T) {
		shown := append([]*vc.Verified{l.entries[0]}, rapid.SliceOfN(rapid.SampledFrom(all), 0, 12).Draw(rt, "shown")...)
		h, err := chain.NewDisclosed(machine.ID, shown...)
		if err != nil {
			return
		}
		logged := &chain.Logged{Checkpoint: vc.Digest{1}, Time: days(100)}
		for _, v := range rapid.SliceOfN(rapid.SampledFrom(append(all, nil)), 0, 8).Draw(rt, "logged") {
			e := chain.LoggedEntry{Sequence: rapid.Int64Range(-1, 12).Draw(rt, "sequence"), Digest: vc.Digest{9}}
			if v != nil {
				e = holding(v).Entries[0]
			}
			logged.Entries = append(logged.Entries, e)
		}
		got, err := h.Seen(view{logged: logged})
		if err != nil || len(logged.Entries) == 0 {
			return
		}
		newest := logged.Entries[len(logged.Entries)-1]
		for _, it := range got.Entries() {
			for _, e := range logged.Entries {
				require.True(rt, e.Sequence != it.Link.Sequence || e.Digest == it.Credential.Digest())
			}
			require.True(rt, it.Logged.IsZero() || it.Link.Sequence <= newest.Sequence)
		}
		require.True(rt, got.Class() < chain.C3 || got.Head().Sequence >= newest.Sequence)
		again, err := got.Extend(shown...)
		require.NoError(rt, err)
		require.Equal(rt, got, again)
	})
}

func rotating(since int, methods ...did.URL) chain.Entry {
	return chain.Entry{Kind: chain.Rotate, Revokes: methods, CompromisedSince: days(since)}
}

// key is the verification method of a did:key.
func key(of *vc.Issuer) did.URL {
	u, err := did.ParseURL(of.ID.String() + "#" + of.ID.String()[len("did:key:"):])
	if err != nil {
		panic(err)
	}
	return u
}

// stolen is a record with a report of a stolen key.
//
//	0 commission  1 transfer to owner  2 praise by the machine  3 lease by the machine
//	4 lease by the machine and its owner  5 praise by the machine, seen by the shop  6 the report
func stolen(t testing.TB, since int) *life {
	l := &life{t: t}
	l.add(0, begin, maker)
	l.enter(entryOf(t, l.head, 1, chain.Entry{Kind: chain.Transfer}, transferTo(maker, owner), maker, owner))
	l.add(10, good, machine)
	l.add(20, lease(90), lessee, machine)
	l.add(30, lease(90), lessee, machine, owner)
	l.add(40, good, machine, shop)
	l.add(50, rotating(since, key(machine)), owner)
	return l
}

// void returns the sequences of void entries.
func void(t testing.TB, h *chain.History) (list []int64) {
	for _, it := range h.Entries() {
		if it.Void != nil {
			list = append(list, it.Link.Sequence)
			require.Equal(t, it.Link.Sequence, it.Void.Sequence)
			require.ErrorContains(t, it.Void, "as compromised since")
		}
	}
	return list
}

func TestWhatAStolenKeySignedIsVoid(t *testing.T) {
	for _, tt := range []struct {
		name  string
		since int
		log   func(*life) *chain.Logged
		want  []int64
	}{
		{"no log says that it was before", 45, func(*life) *chain.Logged { return &chain.Logged{} }, []int64{2, 3}},
		{"logged before", 45, func(l *life) *chain.Logged { return holding(l.entries...) }, nil},
		{"one logged before, one after", 15, func(l *life) *chain.Logged { return holding(l.entries...) }, []int64{3}},
		{"logged at that very time", 20, func(l *life) *chain.Logged {
			held := holding(l.entries...)
			held.Entries[3].Time = days(20)
			return held
		}, []int64{3}},
		{"an entry after it was logged before", 45, func(l *life) *chain.Logged {
			held := holding(l.entries...)
			held.Entries[2].Time, held.Entries[3].Time = time.Time{}, time.Time{}
			return held
		}, nil},
		{"it is not known when they were logged", 45, func(l *life) *chain.Logged {
			held := holding(l.entries...)
			for i := range held.Entries {
				held.Entries[i].Time = time.Time{}
			}
			return held
		}, []int64{2, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := stolen(t, tt.since)
			h, err := chain.New(machine.ID, l.entries...)
			require.NoError(t, err, "a theft is no defect of the record")
			h = seen(t, h, tt.log(l))
			require.Equal(t, tt.want, void(t, h))
			require.Equal(t, l.head, h.Head())
			five := h.Entries()[5]
			require.Equal(t, slices.Contains(five.Signers(), machine.ID), five.SignedBy(machine.ID))
			require.True(t, five.SignedBy(shop.ID), "who else signed stands by it")
		})
	}
}

func TestAStolenKeySignsNoMore(t *testing.T) {
	l := stolen(t, 45)
	l.add(60, good, machine)
	l.add(61, lease(90), lessee, machine)
	l.add(62, chain.Entry{Kind: chain.Rotate}, machine)
	l.add(63, rotating(1, key(owner)), owner)
	l.enter(entryOf(t, l.head, 64, chain.Entry{Kind: chain.Transfer}, transferTo(owner, stranger), owner, stranger))
	l.add(65, retire, owner)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	h = seen(t, h, holding(l.entries...))
	require.Equal(t, []int64{6, 7, 8, 9, 10, 11, 12}, void(t, h), "also the report by a key that was stolen by then, though what it reported stays")
	require.Equal(t, owner.ID, h.Head().Owner, "the thief sold nothing")
	require.False(t, h.Head().Retired)
	require.Equal(t, []chain.Revocation{{6, key(machine), days(45)}, {10, key(owner), days(1)}}, h.Head().Revoked)
	require.Equal(t, l.head, h.Head(), "full and incremental verification end in one state")

	text, err := json.Marshal(l.head)
	require.NoError(t, err)
	var back chain.Head
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, l.head, back)
	l.add(70, good, shop)
	some, err := chain.New(machine.ID, l.entries[:6]...)
	require.NoError(t, err)
	again, err := seen(t, some, holding(l.entries[:6]...)).Extend(l.entries[6:]...)
	require.NoError(t, err)
	all, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, seen(t, all, holding(l.entries[:6]...)), again)
}

// Whoever calls a key stolen takes back his own word at most.
func TestWhoMayRevokeWhat(t *testing.T) {
	owned := &life{t: t}
	owned.add(0, begin, maker)
	owned.enter(entryOf(t, owned.head, 1, chain.Entry{Kind: chain.Transfer}, transferTo(maker, owner), maker, owner))
	owned.add(2, bad, shop)
	many := make([]did.URL, chain.MaxRevokes+1)
	for i := range many {
		many[i] = machine.ID.URL(string(rune('a' + i)))
	}
	full := owned.head
	for i := range chain.MaxRevoked {
		full.Revoked = append(full.Revoked, chain.Revocation{Sequence: 2, Method: machine.ID.URL("k" + string(rune('A'+i))), Since: birth})
	}
	for _, tt := range []struct {
		name   string
		head   chain.Head
		e      chain.Entry
		signer *vc.Issuer
		says   string
	}{
		{"the machine its own", owned.head, rotating(1, key(machine)), machine, ""},
		{"the owner the machine's", owned.head, rotating(1, key(machine)), owner, ""},
		{"the owner his own", owned.head, rotating(1, key(owner)), owner, ""},
		{"the machine the owner's", owned.head, rotating(1, key(owner)), machine, "have the owner"},
		{"a stranger the machine's", owned.head, rotating(1, key(machine)), stranger, "signed by the machine or its owner"},
		{"the owner a witness's", owned.head, rotating(1, key(shop)), owner, "neither of the machine nor of its owner"},
		{"who sold it, to undo the sale", owned.head, rotating(1, key(maker)), maker, "signed by the machine or its owner"},
		{"the owner the one before", owned.head, rotating(1, key(maker)), owner, "neither of the machine nor of its owner"},
		{"since tomorrow", owned.head, rotating(9, key(machine)), owner, "later than its own validFrom"},
		{"since ever, of none", owned.head, rotating(1), owner, "revokes needs compromisedSince"},
		{"since nobody knows when", owned.head, chain.Entry{Kind: chain.Rotate, Revokes: []did.URL{key(machine)}}, owner, "revokes needs compromisedSince"},
		{"twice", owned.head, rotating(1, key(machine), key(machine)), owner, "twice"},
		{"a DID", owned.head, rotating(1, did.URL{DID: machine.ID}), owner, "with a fragment"},
		{"too many at once", owned.head, rotating(1, many...), owner, "at most 8"},
		{"too many in all", full, rotating(1, key(machine)), owner, "more than 32 keys"},
		{"in a report", owned.head, chain.Entry{Kind: chain.Observe, Outcome: chain.Good, Revokes: []did.URL{key(machine)}, CompromisedSince: days(1)}, owner, "do not belong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "CommissioningCredential"}, ValidFrom: days(5)}
			head := tt.head
			err := head.Append(c, tt.e)
			if err == nil {
				err = head.Advance(signed(t, c, tt.signer))
			}
			if tt.says == "" {
				require.NoError(t, err)
				require.Len(t, head.Revoked, 1)
				return
			}
			require.ErrorContains(t, err, tt.says)
		})
	}

	t.Run("after a gap the owner is unknown, so the machine's by itself", func(t *testing.T) {
		for _, tt := range []struct {
			signer *vc.Issuer
			ok     bool
		}{{machine, true}, {stranger, false}, {owner, false}} {
			last := entry(t, owned.head, 5, rotating(1, key(machine)), tt.signer)
			_, err := chain.NewDisclosed(machine.ID, owned.entries[0], last)
			require.Equal(t, tt.ok, err == nil, "%v", err)
		}
	})
}

// A thief with the machine's key is first to report it, and the owner's after that.
func TestAThiefBurnsOnlyWhatHeStole(t *testing.T) {
	l := stolen(t, 45)
	thief := &life{t: t, head: l.heads[5], entries: slices.Clone(l.entries[:6])}
	thief.add(51, rotating(12, key(machine)), machine)
	require.ErrorContains(t, func() error { h := thief.head; return h.Advance(entry(t, h, 52, rotating(1, key(owner)), machine)) }(), "signature")
	thief.add(53, rotating(5, key(machine)), owner)
	thief.add(54, good, owner)
	h, err := chain.New(machine.ID, thief.entries...)
	require.NoError(t, err)
	h = seen(t, h, holding(thief.entries...))
	require.Equal(t, []int64{2, 3, 6}, void(t, h), "the earliest time counts, and the thief's report is void, but stays")
	require.Equal(t, []chain.Revocation{{6, key(machine), days(5)}}, h.Head().Revoked)
}

// The owner's key is reported while he owns the machine; the sale to him and by others stands.
func TestSalesAreFinal(t *testing.T) {
	l := &life{t: t}
	l.add(0, begin, owner)
	l.enter(entryOf(t, l.head, 1, chain.Entry{Kind: chain.Transfer}, transferTo(owner, maker), owner, maker))
	l.enter(entryOf(t, l.head, 2, chain.Entry{Kind: chain.Transfer}, transferTo(maker, owner), maker, owner))
	l.add(3, lease(90), lessee, owner)
	l.add(4, rotating(0, key(owner)), owner)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, []int64{3, 4}, void(t, h))
	require.Equal(t, owner.ID, h.Head().Owner)
	require.Equal(t, []did.DID{owner.ID, maker.ID, owner.ID}, []did.DID{h.Entries()[0].Owner, h.Entries()[1].Owner, h.Entries()[2].Owner})
}

// A log holds what an entry says, not who signed it: a signature may come later.
func TestASignatureAddedByAThiefIsNone(t *testing.T) {
	l := &life{t: t}
	l.add(0, begin, maker)
	shown := l.add(5, good, shop)
	l.add(50, rotating(45, key(machine)), maker)
	later := *machine
	later.Now = func() time.Time { return days(48) }
	raw, err := later.AddProof([]byte(shown.Raw()))
	require.NoError(t, err)
	added, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	before, err := machine.AddProof([]byte(shown.Raw())) // made on the first day, by its word
	require.NoError(t, err)
	genuine, err := verifier.Verify(t.Context(), before, vc.AnyIssuer)
	require.NoError(t, err)
	for _, tt := range []struct {
		shown *vc.Verified
		by    bool
	}{{added, false}, {genuine, true}} {
		h, err := chain.New(machine.ID, append(slices.Clone(l.entries), tt.shown)...)
		require.NoError(t, err)
		it := seen(t, h, holding(l.entries...)).Entries()[1]
		require.Equal(t, tt.by, it.SignedBy(machine.ID))
		require.Nil(t, it.Void)
		require.Equal(t, birth, it.SignedAt(shop.ID))
	}
}

// What a stolen key signed beside the record stays beside it.
func TestAThiefsBranch(t *testing.T) {
	l := stolen(t, 45)
	rival := rivals(t, l, 3, 3, machine)
	h, err := chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries), rival...)...)
	require.NoError(t, err)
	branch := seen(t, h, holding(l.entries...)).Equivocations()[0].Branch()
	require.Len(t, branch, 3)
	require.Empty(t, branch[0].Signers(), "the machine has not contradicted itself")
}
