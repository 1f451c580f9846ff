package chain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// dated signs as of another time than everybody else does.
func dated(by *vc.Issuer, at time.Time) *vc.Issuer {
	same := *by
	same.Now = func() time.Time { return at }
	return &same
}

// witnessed is a record in which nobody has reported a key.
//
//	0 commission  1 transfer to owner  2 praise by the shop, day 10  3 lease by lessee and machine, day 20
//	4 breach by the shop, day 30  5 praise by the shop and the machine, day 40  6 the shop amends 4
func witnessed(t testing.TB) *life {
	l := &life{t: t}
	l.add(0, begin, maker)
	l.enter(entryOf(t, l.head, 1, chain.Entry{Kind: chain.Transfer}, transferTo(maker, owner), maker, owner))
	l.add(10, good, shop)
	l.add(20, lease(90), lessee, machine)
	l.add(30, bad, shop)
	l.add(40, good, shop, machine)
	l.add(50, amend(4), dated(shop, days(50)))
	return l
}

// A key that its owner, or the reader, marks as compromised, by where it appears and what the log
// says of the time.
func TestWhatAReaderIsTold(t *testing.T) {
	l := witnessed(t)
	all := holding(l.entries...)
	undated := holding(l.entries...)
	for i := range undated.Entries {
		undated.Entries[i].Time = time.Time{}
	}
	behind := holding(l.entries[:4]...)
	exactly := holding(l.entries...)
	exactly.Entries[4].Time = days(31)
	shopKey := key(shop)
	for _, tt := range []struct {
		name   string
		logged *chain.Logged
		told   []chain.Compromise
		want   []int64
	}{
		{"nothing", all, nil, nil},
		{"logged before", all, []chain.Compromise{{shopKey, days(60)}}, nil},
		{"some before, some after", all, []chain.Compromise{{shopKey, days(29)}}, []int64{4, 6}},
		{"logged at that very time", exactly, []chain.Compromise{{shopKey, days(31)}}, []int64{4, 6}},
		{"logged before, and the proof says that it was made later", all, []chain.Compromise{{shopKey, days(50)}}, []int64{6}},
		{"no log", nil, []chain.Compromise{{shopKey, days(60)}}, []int64{2, 4, 6}},
		{"it is not known when they were logged", undated, []chain.Compromise{{shopKey, days(60)}}, []int64{2, 4, 6}},
		{"not logged yet", behind, []chain.Compromise{{shopKey, days(60)}}, []int64{4, 6}},
		{"since ever", all, []chain.Compromise{{Method: shopKey}}, []int64{2, 4, 6}},
		{"one party of two", all, []chain.Compromise{{key(machine), days(15)}}, []int64{3}},
		{"both who signed", all, []chain.Compromise{{shopKey, days(60)}, {key(machine), days(30)}}, nil},
		{"all who signed", all, []chain.Compromise{{shopKey, days(40)}, {key(machine), days(30)}}, []int64{5, 6}},
		{"another name of the same key", all, []chain.Compromise{{shop.ID.URL("other"), days(1)}}, nil},
		{"a key that has signed nothing", all, []chain.Compromise{{key(stranger), days(1)}}, nil},
		{"the maker's, stolen before it signed", all, []chain.Compromise{{key(maker), birth}}, []int64{0}},
		{"the maker's, without a log", nil, []chain.Compromise{{key(maker), days(60)}}, []int64{0}},
		{"who sold it, to undo the sale", all, []chain.Compromise{{key(maker), days(1)}}, nil},
		{"who bought it", all, []chain.Compromise{{key(owner), birth}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := chain.New(machine.ID, l.entries...)
			require.NoError(t, err)
			told, err := h.Told(tt.told...)
			require.NoError(t, err)
			if tt.logged != nil {
				told = seen(t, told, tt.logged)
				early, err := seen(t, h, tt.logged).Told(tt.told...)
				require.NoError(t, err)
				require.Equal(t, early.Entries(), told.Entries(), "before the log or after it")
			}
			var void []int64
			for _, it := range told.Entries() {
				if it.Void == nil {
					continue
				}
				void = append(void, it.Link.Sequence)
				require.Equal(t, it.Link.Sequence, it.Void.Sequence)
				require.EqualValues(t, -1, it.Void.Key.Sequence, "no entry reports it")
				require.ErrorContains(t, it.Void, "which the reader knows as compromised since")
			}
			require.Equal(t, tt.want, void)
			require.Equal(t, l.head, told.Head(), "the record is as it was: it does not depend on who reads it")
			for i, it := range told.Entries() {
				require.Equal(t, l.heads[i].Owner, it.Owner, "nor who owns the machine")
			}

			back, err := told.Told()
			require.NoError(t, err)
			for _, it := range back.Entries() {
				require.Nil(t, it.Void, "what was told last counts")
			}
		})
	}
}

func TestWhatAReaderIsToldStays(t *testing.T) {
	l := witnessed(t)
	told := chain.Compromise{Method: key(shop), Since: days(29)}
	h, err := chain.New(machine.ID, l.entries[:5]...)
	require.NoError(t, err)
	h, err = h.Told(told)
	require.NoError(t, err)
	longer, err := h.Extend(l.entries[5:]...)
	require.NoError(t, err)
	require.NotNil(t, longer.Entries()[6].Void, "in what is added")
	again, err := h.Extend(append(l.entries[4:5], l.entries[5:]...)...)
	require.NoError(t, err)
	require.Equal(t, longer.Entries(), again.Entries(), "and when all is checked again")
	shorter, err := longer.Upto(2)
	require.NoError(t, err)
	require.NotNil(t, shorter.Entries()[2].Void)
	require.Len(t, longer.Entries()[5].Signatures(), 2, "a reader can ask after every key, also of those that do not count")
	require.Equal(t, []string{machine.ID.String()}, []string{longer.Entries()[5].Signers()[0].String()})

	// A fork is not settled by the amend of a thief.
	rival := entry(t, l.heads[3], 31, good, shop)
	forked, err := chain.NewDisclosed(machine.ID, append([]*vc.Verified{rival}, l.entries...)...)
	require.NoError(t, err)
	require.True(t, forked.Equivocations()[0].Settled())
	forked, err = forked.Told(told)
	require.NoError(t, err)
	require.False(t, forked.Equivocations()[0].Settled())

	// Beside what the record itself reports.
	s := stolen(t, 45)
	h, err = chain.New(machine.ID, s.entries...)
	require.NoError(t, err)
	h, err = seen(t, h, holding(s.entries...)).Told(chain.Compromise{Method: key(shop), Since: days(1)}, chain.Compromise{Method: key(machine), Since: days(15)})
	require.NoError(t, err)
	require.Equal(t, []int64{3, 5}, void(t, h), "the earlier time of the two counts")

	// Credentials that are part of no record have no log either.
	loose := signed(t, &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(1)}, shop)
	other := signed(t, &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(2)}, shop)
	h, err = chain.NewIsolated(machine.ID, loose)
	require.NoError(t, err)
	h, err = h.Told(told)
	require.NoError(t, err)
	h, err = h.Extend(other)
	require.NoError(t, err)
	for _, it := range h.Entries() {
		require.ErrorContains(t, it.Void, "chain: credential u")
	}
}
