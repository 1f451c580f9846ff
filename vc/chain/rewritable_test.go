package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// respelt returns raw with its types in another order: the same statements, and another text.
func respelt(t *testing.T, raw string) string {
	const types, others = `["VerifiableCredential","MaintenanceCredential"]`, `["MaintenanceCredential","VerifiableCredential"]`
	require.Contains(t, raw, types)
	return strings.Replace(raw, types, others, 1)
}

// Where the issuer signs RDF, anybody can make a second text of an entry. It would convict both of its signers of an
// equivocation, and void the record, so that such an entry is none.
func TestARewrittenEntryConvictsNobody(t *testing.T) {
	v := &vc.Verifier{Suites: rdfc.Suites(nil), Now: verifier.Now}
	overRDF := *machine
	overRDF.Suite = rdfc.EdDSARDFC2022{}
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(1)}
	var head chain.Head
	require.NoError(t, head.Append(c, begin))
	raw, err := overRDF.Issue(c)
	require.NoError(t, err)

	one, err := v.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	two, err := v.Verify(t.Context(), []byte(respelt(t, string(raw))), vc.AnyIssuer)
	require.NoError(t, err)
	require.NotEqual(t, one.Digest(), two.Digest())
	require.True(t, one.Rewritable())

	evidence := `{"equivocation":[` + string(raw) + "," + respelt(t, string(raw)) + `]}`
	_, err = chain.VerifyEquivocation(t.Context(), v, []byte(evidence))
	require.ErrorIs(t, err, chain.ErrRewritable)
	_, err = chain.New(machine.ID, one)
	require.ErrorIs(t, err, chain.ErrRewritable)
	require.ErrorIs(t, head.Advance(one), chain.ErrRewritable)

	// Another's proof over the text of the copy changes nothing: it is not the issuer's.
	copied, err := shop.AddProof([]byte(respelt(t, string(raw))))
	require.NoError(t, err)
	three, err := v.Verify(t.Context(), copied, vc.AnyIssuer)
	require.NoError(t, err)
	require.True(t, three.Rewritable())

	// The issuer's own over its text does: no copy has that one.
	both, err := machine.AddProof(raw)
	require.NoError(t, err)
	four, err := v.Verify(t.Context(), both, vc.AnyIssuer)
	require.NoError(t, err)
	require.False(t, four.Rewritable())
	require.NoError(t, head.Advance(four))
	_, err = v.Verify(t.Context(), []byte(respelt(t, string(both))), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrProof)
}

// Credentials of other makers that are part of no record count once, however often they are rewritten.
func TestARewrittenCredentialCountsOnce(t *testing.T) {
	v := &vc.Verifier{Suites: rdfc.Suites(nil), Now: verifier.Now}
	overRDF := *shop
	overRDF.Suite = rdfc.EdDSARDFC2022{}
	issue := func(id string) (one, two *vc.Verified) {
		raw, err := overRDF.Issue(&vc.Credential{ID: id, Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(1)})
		require.NoError(t, err)
		one, err = v.Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		two, err = v.Verify(t.Context(), []byte(respelt(t, string(raw))), vc.AnyIssuer)
		require.NoError(t, err)
		return one, two
	}
	one, two := issue("urn:uuid:5c8d6a2e-3f04-4b1c-9d57-2f6b7c1d9e11")
	other, _ := issue("urn:uuid:0f9a1b6c-7d21-4a5e-8c3b-6e2d4f8a0b22")
	h, err := chain.NewIsolated(machine.ID, one, two, other)
	require.NoError(t, err)
	require.Len(t, h.Entries(), 2)
	again, err := chain.NewIsolated(machine.ID, two, other, one)
	require.NoError(t, err)
	require.Equal(t, h.Entries(), again.Entries())

	without, _ := issue("")
	_, err = chain.NewIsolated(machine.ID, without)
	require.ErrorIs(t, err, chain.ErrRewritable)
	_, ok := errors.AsType[*chain.LinkError](err)
	require.True(t, ok)
}

// An issuer can sign the text of an entry twice, in two ways, and put on both the proof of a witness who signed RDF, once:
// the witness has contradicted nobody.
func TestAWitnessOfStatementsIsNotConvicted(t *testing.T) {
	v := &vc.Verifier{Suites: rdfc.Suites(nil), Now: verifier.Now}
	witness := *shop
	witness.Suite = rdfc.EdDSARDFC2022{}
	var head chain.Head
	first := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(1)}
	require.NoError(t, head.Append(first, begin))
	raw, err := machine.Issue(first)
	require.NoError(t, err)
	verified, err := v.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	require.NoError(t, head.Advance(verified))
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(2)}
	require.NoError(t, head.Append(c, good))
	unsigned, err := machine.Issue(c)
	require.NoError(t, err)
	entry, err := witness.AddProof(unsigned)
	require.NoError(t, err)

	// The machine's own proof of the other text goes into the place of the one that does not hold there.
	text, _, _ := strings.Cut(string(unsigned), `,"proof":`)
	again, err := machine.AddProof([]byte(respelt(t, text+"}")))
	require.NoError(t, err)
	own := func(signed []byte) string {
		_, proof, found := strings.Cut(string(signed), `,"proof":`)
		require.True(t, found)
		return strings.TrimSuffix(proof, "}")
	}
	other := respelt(t, strings.Replace(string(entry), own(unsigned), own(again), 1))

	e, err := chain.VerifyEquivocation(t.Context(), v, []byte(`{"equivocation":[`+string(entry)+","+other+`]}`))
	require.NoError(t, err)
	require.Contains(t, e.Credentials[1].Signers(), shop.ID)
	require.Equal(t, []did.DID{machine.ID}, e.SignedBoth())
}
