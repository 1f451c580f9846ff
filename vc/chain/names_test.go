package chain_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// named is a CommissioningCredential that says which key the machine has.
type named struct {
	KeyBinding struct {
		VerificationMethod did.URL `json:"verificationMethod"`
		Protection         string  `json:"protection"`
	} `json:"keyBinding"`
}

func (named) CredentialType() string { return "CommissioningCredential" }

func namedBy(method did.URL) (n named) {
	n.KeyBinding.VerificationMethod, n.KeyBinding.Protection = method, "tpm2"
	return n
}

// about signs what follows the head, about a machine by another name.
func about(t testing.TB, l *life, day int, e chain.Entry, what vc.Claim, name did.DID, signers ...*vc.Issuer) *vc.Verified {
	t.Helper()
	c := &vc.Credential{Subject: name, Claim: what, ValidFrom: days(day)}
	require.NoError(t, l.head.Append(c, e))
	return signed(t, c, signers...)
}

// sold is a record of a machine with an owner.
func sold(t testing.TB) *life {
	l := &life{t: t}
	l.add(0, begin, maker)
	l.enter(entryOf(t, l.head, 1, chain.Entry{Kind: chain.Transfer}, transferTo(maker, owner), maker, owner))
	return l
}

func TestAMachineTakesOnNames(t *testing.T) {
	field, yard := party("field"), party("yard")
	for _, tt := range []struct {
		name    string
		what    vc.Claim
		kind    chain.Entry
		signers []*vc.Issuer
		want    bool
	}{
		{"the owner and the name", namedBy(key(field)), rotation, []*vc.Issuer{owner, field}, true},
		{"and the machine", namedBy(key(field)), rotation, []*vc.Issuer{field, machine, owner}, true},
		{"the machine and the name: a thief's would do that", namedBy(key(field)), rotation, []*vc.Issuer{machine, field}, false},
		{"the owner, and not the name", namedBy(key(field)), rotation, []*vc.Issuer{owner, machine}, false},
		{"the owner, and a key of the machine", namedBy(key(machine)), rotation, []*vc.Issuer{owner, machine, field}, false},
		{"the owner by his own name", namedBy(key(owner)), rotation, []*vc.Issuer{owner, machine}, false},
		{"no key", claim{name: "CommissioningCredential"}, rotation, []*vc.Issuer{owner, field}, false},
		{"another claim", claim{name: "MaintenanceCredential"}, rotation, []*vc.Issuer{owner, field}, false},
		{"another kind of entry", namedBy(key(field)), good, []*vc.Issuer{owner, field}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := sold(t)
			l.enter(entryOf(t, l.head, 2, tt.kind, tt.what, tt.signers...))
			h, err := chain.New(machine.ID, l.entries...)
			require.NoError(t, err)
			require.Equal(t, l.head, h.Head())
			if !tt.want {
				require.Equal(t, []did.DID{machine.ID}, h.Names())
				require.ErrorIs(t, l.head.Append(&vc.Credential{Subject: field.ID, Claim: tt.what, ValidFrom: days(3)}, good), chain.ErrSubject)
				return
			}
			require.Equal(t, []did.DID{machine.ID, field.ID}, h.Names())

			// It is about the one or the other from here on, and signs by either.
			l.enter(about(t, l, 3, good, claim{name: "MaintenanceCredential"}, field.ID, shop))
			l.enter(about(t, l, 4, lease(90), claim{name: "LeaseCredential"}, field.ID, lessee, field))
			l.add(5, lease(90), lessee, machine)
			// Its names are as many as it has owners, and each may move it.
			l.enter(about(t, l, 6, chain.Entry{Kind: chain.Transfer}, transferTo(owner, stranger), field.ID, owner, stranger))
			l.enter(about(t, l, 7, rotation, namedBy(key(yard)), field.ID, stranger, yard))
			l.enter(about(t, l, 8, retire, claim{name: "DecommissioningCredential"}, yard.ID, yard))
			h, err = chain.New(machine.ID, l.entries...)
			require.NoError(t, err)
			require.Equal(t, []did.DID{machine.ID, field.ID, yard.ID}, h.Names())
			require.Equal(t, machine.ID, h.Subject())
			require.True(t, h.Head().Retired)
			require.Equal(t, l.head, h.Head())
			text, err := json.Marshal(l.head)
			require.NoError(t, err)
			var back chain.Head
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, l.head, back)
			again, err := chain.New(machine.ID, l.entries[:4]...)
			require.NoError(t, err)
			again, err = again.Extend(l.entries[4:]...)
			require.NoError(t, err)
			require.Equal(t, h, again)
		})
	}
}

// A seller may hold the keys of a name that he gave the machine. After the sale it does not sign by that name, until its
// new owner gives it again; what is said about it by that name goes on, and so does its first name.
func TestASaleSilencesNames(t *testing.T) {
	field, yard := party("field"), party("yard")
	begun := func() *life {
		l := sold(t)
		l.enter(entryOf(t, l.head, 2, rotation, namedBy(key(field)), owner, field))
		l.enter(about(t, l, 3, lease(90), claim{name: "LeaseCredential"}, field.ID, lessee, field))
		l.enter(about(t, l, 4, chain.Entry{Kind: chain.Transfer}, transferTo(owner, stranger), field.ID, owner, stranger))
		require.Equal(t, 1, l.head.Former)
		return l
	}
	for _, tt := range []struct {
		name    string
		e       chain.Entry
		what    vc.Claim
		signers []*vc.Issuer
		want    bool
	}{
		{"the seller retires it", retire, claim{name: "DecommissioningCredential"}, []*vc.Issuer{field}, false},
		{"the seller changes its keys", rotation, claim{name: "CommissioningCredential"}, []*vc.Issuer{field}, false},
		{"the seller leases it", lease(90), claim{name: "LeaseCredential"}, []*vc.Issuer{lessee, field}, false},
		{"the seller gives it the name again", rotation, namedBy(key(field)), []*vc.Issuer{owner, field}, false},
		{"the machine leases itself", lease(90), claim{name: "LeaseCredential"}, []*vc.Issuer{lessee, machine}, true},
		{"the new owner leases it", lease(90), claim{name: "LeaseCredential"}, []*vc.Issuer{lessee, stranger}, true},
		{"a shop reports by the former name", good, claim{name: "MaintenanceCredential"}, []*vc.Issuer{shop}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := begun()
			last := about(t, l, 5, tt.e, tt.what, field.ID, tt.signers...)
			_, err := chain.New(machine.ID, append(l.entries, last)...)
			if !tt.want {
				require.ErrorIs(t, err, chain.ErrSignature)
				return
			}
			require.NoError(t, err)
		})
	}

	l := begun()
	l.enter(about(t, l, 5, rotation, namedBy(key(field)), machine.ID, stranger, field))
	l.enter(about(t, l, 6, lease(90), claim{name: "LeaseCredential"}, field.ID, lessee, field))
	l.enter(about(t, l, 7, rotation, namedBy(key(yard)), field.ID, stranger, yard))
	require.Equal(t, []did.DID{field.ID, yard.ID}, l.head.Names)
	require.Zero(t, l.head.Former)
	l.enter(about(t, l, 8, chain.Entry{Kind: chain.Transfer}, transferTo(stranger, owner), yard.ID, stranger, owner))
	l.enter(about(t, l, 9, rotation, namedBy(key(field)), yard.ID, owner, field))
	require.Equal(t, []did.DID{yard.ID, field.ID}, l.head.Names, "given again, it comes last")
	require.Equal(t, 1, l.head.Former)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, l.head, h.Head())
	retired := about(t, l, 10, retire, claim{name: "DecommissioningCredential"}, yard.ID, yard)
	_, err = h.Extend(retired)
	require.ErrorIs(t, err, chain.ErrSignature)

	text, err := json.Marshal(l.head)
	require.NoError(t, err)
	var back chain.Head
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, l.head, back)
	for _, former := range []int{-1, 3} {
		head := l.head
		head.Former = former
		text, err := json.Marshal(head)
		require.NoError(t, err)
		require.Error(t, json.Unmarshal(text, new(chain.Head)), former)
	}
}

// A gap may hide a sale: a name from before it does not give another.
func TestAGapGivesNoNameASay(t *testing.T) {
	field, yard := party("field"), party("yard")
	l := sold(t)
	l.enter(entryOf(t, l.head, 2, rotation, namedBy(key(field)), owner, machine, field))
	l.add(3, good, shop)
	l.enter(about(t, l, 4, rotation, namedBy(key(yard)), field.ID, field, yard, owner))
	h, err := chain.NewDisclosed(machine.ID, l.entries[0], l.entries[1], l.entries[2], l.entries[4])
	require.NoError(t, err)
	require.Equal(t, []did.DID{machine.ID, field.ID}, h.Names())
}

// Before it has a name, and for whom it is not one, it is somebody else's.
func TestANameHoldsFromWhereItIsGiven(t *testing.T) {
	field := party("field")
	l := sold(t)
	l.add(2, good, shop)
	foreign := rewritten(t, l, 2, func(*chain.Link) {})
	foreign.Subject = field.ID
	wrong := signed(t, foreign, shop)
	_, err := chain.New(machine.ID, l.entries[0], l.entries[1], wrong)
	require.ErrorIs(t, err, chain.ErrSubject)

	m := sold(t)
	m.enter(entryOf(t, m.head, 2, rotation, namedBy(key(field)), owner, machine, field))
	m.enter(about(t, m, 3, good, claim{name: "MaintenanceCredential"}, field.ID, shop))
	m.add(4, good, shop)
	_, err = chain.New(field.ID, m.entries...)
	require.ErrorIs(t, err, chain.ErrSubject, "the record is asked for by its first name")
	_, err = chain.NewDisclosed(machine.ID, m.entries[0], m.entries[1], m.entries[3])
	require.ErrorIs(t, err, chain.ErrSubject, "show the entry that gives the name")
	h, err := chain.NewDisclosed(machine.ID, m.entries[0], m.entries[2], m.entries[3], m.entries[4])
	require.NoError(t, err, "what is before that may be withheld, if the machine has signed too")
	require.Equal(t, []did.DID{machine.ID, field.ID}, h.Names())
	p := sold(t)
	p.enter(entryOf(t, p.head, 2, rotation, namedBy(key(field)), owner, field))
	p.enter(about(t, p, 3, good, claim{name: "MaintenanceCredential"}, field.ID, shop))
	_, err = chain.NewDisclosed(machine.ID, p.entries[0], p.entries[2], p.entries[3])
	require.ErrorIs(t, err, chain.ErrSubject, "if it has not, nobody knows whether it was the owner who did")
}

// A stolen key of one name is the machine's to report by another; what it says of the machine's keys
// covers all its names.
func TestKeysOfEveryNameCanBeRevoked(t *testing.T) {
	field := party("field")
	l := sold(t)
	l.enter(entryOf(t, l.head, 2, rotation, namedBy(key(field)), owner, field))
	l.enter(about(t, l, 3, lease(90), claim{name: "LeaseCredential"}, field.ID, lessee, field))
	l.enter(about(t, l, 10, rotating(5, key(field)), claim{name: "CommissioningCredential"}, field.ID, machine))
	l.enter(about(t, l, 11, lease(90), claim{name: "LeaseCredential"}, field.ID, lessee, field))
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	h = seen(t, h, holding(l.entries...))
	require.Equal(t, []int64{5}, void(t, h))
	require.Equal(t, []did.DID{machine.ID, field.ID}, h.Names(), "what it is called stays")

	// Also if it is the owner's key that was stolen, later on: as with a sale.
	l.enter(about(t, l, 12, rotating(0, key(owner)), claim{name: "CommissioningCredential"}, field.ID, owner))
	h, err = chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, []did.DID{machine.ID, field.ID}, h.Names())

	// A key that was revoked before gives no name.
	m := sold(t)
	m.add(2, rotating(1, key(owner)), owner)
	m.enter(entryOf(t, m.head, 3, rotation, namedBy(key(field)), owner, field))
	h, err = chain.New(machine.ID, m.entries...)
	require.NoError(t, err)
	require.Equal(t, []did.DID{machine.ID}, h.Names())
}

func TestNamesAreBounded(t *testing.T) {
	l := sold(t)
	for i := range chain.MaxNames {
		p := party("name " + string(rune('A'+i)))
		l.enter(entryOf(t, l.head, 2+i, rotation, namedBy(key(p)), owner, p))
	}
	more := party("one more")
	err := l.head.Advance(entryOf(t, l.head, 50, rotation, namedBy(key(more)), owner, more))
	require.ErrorIs(t, err, chain.ErrLimit)
	for name, names := range map[string][]did.DID{
		"too many": append(append([]did.DID{}, l.head.Names...), more.ID), "twice": {shop.ID, shop.ID}, "its first": {machine.ID}, "none": {{}},
	} {
		head := l.head
		head.Names = names
		text, err := json.Marshal(head)
		require.NoError(t, err)
		require.Error(t, json.Unmarshal(text, new(chain.Head)), name)
	}
}
