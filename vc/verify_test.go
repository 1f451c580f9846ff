package vc_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newKey(t testing.TB, alg string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(nil)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	require.NoError(t, err)
	return key
}

func newIssuer(t testing.TB, alg string) *vc.Issuer {
	t.Helper()
	key := newKey(t, alg)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key, Now: at(noon)}
}

// maintenance is a realistic entry: 1.7 kB once it is signed.
func maintenance() record.Maintenance {
	return record.Maintenance{
		Time:        noon.Add(-26 * time.Hour),
		BizStep:     record.StepReplacing,
		Disposition: record.DispAvailable,
		Work: record.Work{
			Category:    record.Preventive,
			Activity:    "replace rotor bearings, inspect motor mounts, balance propellers",
			Part:        &record.Part{Name: "rotor 3", Serial: "RB-20-118834"},
			DownSeconds: 5400,
			Counters:    []record.Reading{{Name: "hour meter", Value: 812, Unit: record.Hours}, {Name: "landings", Value: 2231, Unit: record.Cycles}},
			Due:         &record.Due{Date: noon.AddDate(0, 0, 5)},
			NextDue:     &record.Due{Date: noon.AddDate(0, 6, 0), Counter: &record.Reading{Name: "hour meter", Value: 1200, Unit: record.Hours}},
			WorkOrder:   "WO-2026-44871",
			Procedure:   "https://maker.example/lynx4/manual/5.3",
			PerformedBy: &record.Party{Name: "Rotor Service Nord, bay 2"},
			Documents: []record.Document{{
				ID: "https://rotor.example/protocols/44871.pdf", Name: "inspection protocol, signed by the fitter", MediaType: "application/pdf",
				DigestMultibase: "uEiC7Z6wE-p_dKILFirHQAqgfuC9j8aSDvTeVPJbujHVVsQ",
			}},
		},
	}
}

func issued(t testing.TB, issuer *vc.Issuer) (did.DID, []byte) {
	t.Helper()
	subject := newIssuer(t, "Ed25519").ID
	raw, err := issuer.Issue(&vc.Credential{
		ID:         "urn:uuid:6c1f0c64-45a5-4d35-9a3f-3d1d0f6a4b10",
		Subject:    subject,
		Claim:      maintenance(),
		ValidFrom:  noon.Add(-time.Hour),
		ValidUntil: noon.AddDate(10, 0, 0),
	})
	require.NoError(t, err)
	return subject, raw
}

func TestWhatIsIssuedVerifies(t *testing.T) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		t.Run(alg, func(t *testing.T) {
			issuer := newIssuer(t, alg)
			subject, raw := issued(t, issuer)
			v, err := (&vc.Verifier{Now: at(noon)}).Verify(t.Context(), raw, vc.IssuedBy(issuer.ID))
			require.NoError(t, err)
			require.Equal(t, issuer.ID, v.Issuer())
			require.Equal(t, subject, v.Subject())
			require.Equal(t, "MaintenanceCredential", v.Type())
			require.Equal(t, []string{"VerifiableCredential", "MaintenanceCredential"}, v.Types())
			require.Equal(t, noon.Add(-time.Hour), v.ValidFrom())
			require.Equal(t, noon.AddDate(10, 0, 0), v.ValidUntil())
			require.Equal(t, noon, v.Created())
			require.Equal(t, []did.DID{issuer.ID}, v.Signers())
			require.Equal(t, string(raw), v.Raw())
			require.Equal(t, fmt.Sprintf("MaintenanceCredential %s by %s about %s", v.Digest(), issuer.ID, subject), v.String())
			claim, err := vc.ClaimOf[record.Maintenance](v)
			require.NoError(t, err)
			require.Equal(t, maintenance(), claim)
			_, err = vc.ClaimOf[record.Uptime](v)
			require.ErrorContains(t, err, `is a "MaintenanceCredential", not a "UptimeCredential"`)

			report := (&vc.Verifier{Now: at(noon)}).Report(t.Context(), raw, vc.AnyIssuer)
			require.NoError(t, report.Err)
			require.Equal(t, v.Digest(), report.Digest)
			for _, f := range report.Findings {
				require.Equal(t, vc.Pass, f.Outcome, f.Check)
			}
		})
	}
}

// The digest names what was said: it survives another signature and another suite.
func TestDigestIsOfTheContent(t *testing.T) {
	issuer, other := newIssuer(t, "Ed25519"), newIssuer(t, "P-256")
	_, raw := issued(t, issuer)
	twice, err := other.AddProof(raw)
	require.NoError(t, err)
	verifier := &vc.Verifier{Now: at(noon)}
	one, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	two, err := verifier.Verify(t.Context(), twice, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, one.Digest(), two.Digest())
	require.Equal(t, []did.DID{issuer.ID, other.ID}, two.Signers())

	text := one.Digest().String()
	require.True(t, strings.HasPrefix(text, "uEi"), text)
	back, err := vc.ParseDigest(text)
	require.NoError(t, err)
	require.Equal(t, one.Digest(), back)
	for _, bad := range []string{"", "u", "zEi", text + "A", text[:len(text)-1], "u" + strings.Repeat("A", 46), text[:len(text)-1] + "="} {
		_, err := vc.ParseDigest(bad)
		require.Error(t, err, bad)
	}
}

func TestProofSetsAndChains(t *testing.T) {
	lessor, machine, auditor := newIssuer(t, "Ed25519"), newIssuer(t, "P-256"), newIssuer(t, "P-384")
	_, raw := issued(t, lessor)
	withID := strings.Replace(string(raw), `"type":"DataIntegrityProof"`, `"id":"urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544","type":"DataIntegrityProof"`, 1)
	verifier := &vc.Verifier{Now: at(noon)}
	_, err := verifier.Verify(t.Context(), []byte(withID), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrProof, "a proof's id is covered by it")

	// A proof with an id is made by a program that wrote the options itself.
	named := namedProof(t, lessor, "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544")
	chain, err := auditor.AddProof(named, "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544")
	require.NoError(t, err)
	v, err := verifier.Verify(t.Context(), chain, vc.AnyIssuer)
	require.NoError(t, err)
	require.True(t, v.SignedBy(auditor.ID))
	require.Equal(t, []did.DID{lessor.ID, auditor.ID}, v.Signers())

	_, err = auditor.AddProof(named, "urn:uuid:00000000-0000-0000-0000-000000000000")
	require.ErrorContains(t, err, "which is not there")

	// Without the proof that it covers, the second proof falls.
	both := string(chain)
	cut := strings.Index(both, `"proof":[`) + len(`"proof":[`)
	second := strings.Index(both[cut:], `},{`) + cut
	_, err = verifier.Verify(t.Context(), []byte(both[:cut]+both[second+2:]), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrProof)

	set, err := machine.AddProof(raw)
	require.NoError(t, err)
	set, err = auditor.AddProof(set)
	require.NoError(t, err)
	v, err = verifier.Verify(t.Context(), set, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, []did.DID{lessor.ID, machine.ID, auditor.ID}, v.Signers())

	// A countersignature does not make another's statement one's own.
	_, err = machine.AddProof([]byte(strings.Split(string(raw), `,"proof"`)[0] + "}"))
	require.ErrorContains(t, err, "its proof has to be the first")

	for range vc.MaxProofs - 3 {
		set, err = machine.AddProof(set)
		require.NoError(t, err)
	}
	_, err = machine.AddProof(set)
	require.ErrorContains(t, err, "at most 8")
}

// namedProof issues a credential whose proof has an id.
func namedProof(t *testing.T, i *vc.Issuer, id string) []byte {
	suite := &namingSuite{EdDSAJCS2022: vc.EdDSAJCS2022{}, id: id}
	named := &vc.Issuer{ID: i.ID, Key: i.Key, Suite: suite, Now: i.Now}
	_, raw := issued(t, named)
	return []byte(strings.Replace(string(raw), `"proof":{`, `"proof":{"id":"`+id+`",`, 1))
}

// namingSuite signs proof options that have an id as well.
type namingSuite struct {
	vc.EdDSAJCS2022
	id string
}

func (s *namingSuite) Sign(key crypto.Signer, document, options []byte) (string, error) {
	text := strings.Replace(string(options), `,"proofPurpose"`, `,"id":"`+s.id+`","proofPurpose"`, 1)
	return s.EdDSAJCS2022.Sign(key, document, []byte(text))
}

// Each line is one way to lie, and what becomes of it.
func TestRefuses(t *testing.T) {
	issuer, thief := newIssuer(t, "Ed25519"), newIssuer(t, "Ed25519")
	subject, raw := issued(t, issuer)
	good := string(raw)
	swap := func(from, to string) string {
		require.Contains(t, good, from)
		return strings.Replace(good, from, to, 1)
	}
	insert := func(member string) string { return good[:len(good)-1] + "," + member + "}" }
	// resign has the true issuer sign the changed text, so that only the change is at fault.
	resign := func(text string) string {
		bare := strings.Split(text, `,"proof":`)[0] + "}"
		out, err := issuer.AddProof([]byte(bare))
		require.NoError(t, err)
		return string(out)
	}
	method := issuer.ID.URL(issuer.ID.Identifier()).String()
	for _, tt := range []struct {
		name, raw string
		want      error
		says      string
	}{
		{"no JSON", "hello", vc.ErrMalformed, ""},
		{"nothing", "", vc.ErrMalformed, ""},
		{"an array", "[]", vc.ErrMalformed, "want a JSON object"},
		{"truncated", good[:len(good)-1], vc.ErrMalformed, ""},
		{"two values", good + "{}", vc.ErrMalformed, ""},
		{"issuer twice", insert(`"issuer":"` + thief.ID.String() + `"`), vc.ErrMalformed, "issuer"},
		{"issuer in capitals too", insert(`"Issuer":"` + thief.ID.String() + `"`), vc.ErrMalformed, `is it "issuer"`},
		{"subject id in capitals too", swap(`"credentialSubject":{`, `"credentialSubject":{"ID":"did:example:b",`), vc.ErrMalformed, `is it "id"`},
		{"bad UTF-8", swap("rotor", "r\xfftor"), vc.ErrMalformed, ""},
		{"lone surrogate", swap("rotor", `r\ud800tor`), vc.ErrMalformed, ""},
		{"integer beyond 2^53", swap("5400", "9007199254740993"), vc.ErrMalformed, ""},
		{"too deep", swap("5400", strings.Repeat("[", 40)+strings.Repeat("]", 40)), vc.ErrMalformed, ""},
		{"too large", good + strings.Repeat(" ", vc.MaxCredentialBytes), vc.ErrLimit, "at most"},

		{"no issuer", swap(`"issuer":`, `"name":`), vc.ErrMalformed, "issuer"},
		{"no type", swap(`"type":["VerifiableCredential","MaintenanceCredential"]`, `"name":"x"`), vc.ErrMalformed, "type"},
		{"another type", swap(`"VerifiableCredential",`, ``), vc.ErrMalformed, "VerifiableCredential is not among them"},
		{"no subject", swap(`"credentialSubject":`, `"evidence":`), vc.ErrMalformed, "credentialSubject"},
		{"another base context", swap(vc.ContextCredentials, "https://www.w3.org/2018/credentials/v1"), vc.ErrMalformed, "@context"},
		{"dates swapped", swap(`"validUntil":"2036`, `"validUntil":"2016`), vc.ErrMalformed, "before validFrom"},
		{"a date without zone", swap(`"validFrom":"2026-11-22T11:00:00Z"`, `"validFrom":"2026-11-22T11:00:00"`), vc.ErrMalformed, "no time"},
		{"an end in the year 1", swap(`"validUntil":"2036-11-22T12:00:00Z"`, `"validUntil":"0001-01-01T00:00:00Z"`), vc.ErrMalformed, "no time"},
		{"types without end", swap(`"MaintenanceCredential"]`, `"MaintenanceCredential"`+manyTypes(10_000)+`]`), vc.ErrMalformed, "more than"},
		{"a huge cryptosuite", swap("eddsa-jcs-2022", strings.Repeat("x", 100_000)), vc.ErrProof, "is not enabled"},
		{"a subject that only JSON-LD sees", swap(`"credentialSubject":{`, `"credentialSubject":{"@set":[],`), vc.ErrMalformed, "@set"},
		{"evidence without end", insert(`"evidence":[` + strings.Repeat(`{"type":"urn:x:y"},`, 1000) + `{}]`), vc.ErrMalformed, "at most"},
		{"an id that is no URL", swap(`"urn:uuid:6c1f0c64-45a5-4d35-9a3f-3d1d0f6a4b10"`, `"number 7"`), vc.ErrMalformed, "URL"},

		{"unknown context", swap(vc.ContextHourmeter, "https://evil.example/v1"), vc.ErrContext, "https://evil.example/v1"},
		{"undefined member", swap(`"workOrder"`, `"workOder"`), vc.ErrContext, "workOder"},
		{"undefined top-level member", insert(`"trustMe":true`), vc.ErrContext, "trustMe"},
		{"undefined type", swap(`"MaintenanceCredential"`, `"MaintenanceCredentials"`), vc.ErrContext, "MaintenanceCredentials"},
		{"a second issuer that only JSON-LD sees", insert(`"https://www.w3.org/2018/credentials#issuer":"` + thief.ID.String() + `"`), vc.ErrContext, "short name"},
		{"our words without our context", swap(vc.ContextHourmeter, "https://www.w3.org/ns/credentials/examples/v2"), vc.ErrContext, ""},

		{"a number changed", swap(`"value":812`, `"value":312`), vc.ErrProof, "does not match"},
		{"subject changed", strings.Replace(good, subject.String(), thief.ID.String(), 1), vc.ErrProof, "does not match"},
		{"issuer changed", strings.Replace(good, issuer.ID.String(), thief.ID.String(), 1), vc.ErrProof, "does not match"},
		{"no proof", good[:strings.Index(good, `,"proof":`)] + "}", vc.ErrProof, "no proof"},
		{"proof is a string", good[:strings.Index(good, `,"proof":`)] + `,"proof":"yes"}`, vc.ErrProof, ""},
		{"null proof", good[:strings.Index(good, `,"proof":`)] + `,"proof":null}`, vc.ErrProof, ""},
		{"an empty list of proofs", good[:strings.Index(good, `,"proof":`)] + `,"proof":[]}`, vc.ErrProof, "not empty"},
		{"another suite", swap("eddsa-jcs-2022", "ecdsa-jcs-2019"), vc.ErrProof, "needs a P-256"},
		{"unknown suite", swap("eddsa-jcs-2022", "none"), vc.ErrProof, `"none" is not enabled`},
		{"another purpose", swap("assertionMethod", "authentication"), vc.ErrProof, "proofPurpose"},
		{"another's key", swap(method, thief.ID.URL(thief.ID.Identifier()).String()), vc.ErrProof, "does not match"},
		{"a fragment of no key", swap(method, issuer.ID.String()+"#key-1"), vc.ErrProof, "key-1"},
		{"a key that may only agree on keys", swap(method, encryptionMethod(t, issuer.ID)), vc.ErrProof, ""},
		{"no key", swap(`"verificationMethod":"`+method+`"`, `"nonce":"x"`), vc.ErrProof, "verificationMethod is missing"},
		{"proof from the future", swap(`"created":"2026-11-22T12:00:00Z"`, `"created":"2026-11-22T12:02:00Z"`), vc.ErrProof, "yet to come"},
		{"proof value in capitals too", swap(`"proofValue"`, `"ProofValue":"z1","proofValue"`), vc.ErrContext, "ProofValue"},
		{"huge proof value", swap(`"proofValue":"z`, `"proofValue":"z`+strings.Repeat("2", 100_000)), vc.ErrProof, "proofValue"},
		{"a context added after signing", swap(vc.ContextHourmeter+`"],"id"`, vc.ContextHourmeter+`","https://w3id.org/security/data-integrity/v2"],"id"`), vc.ErrProof, "not the document's"},
		{"no context in the proof", swap(`"proof":{"@context":["`+vc.ContextCredentials+`","`+vc.ContextHourmeter+`"],`, `"proof":{`), vc.ErrProof, "does not match"},
		{"a previous proof that is not there", swap(`"proofPurpose"`, `"previousProof":"urn:x:y","proofPurpose"`), vc.ErrProof, "not there"},

		{"signed by a stranger", resignAs(t, thief, good), vc.ErrIssuer, "of its 1 proofs, none"},
		{"not yet valid", resign(swap(`"validFrom":"2026-11-22T11:00:00Z"`, `"validFrom":"2026-11-22T12:02:00Z"`)), vc.ErrNotYetValid, "starts 2026-11-22T12:02:00Z"},
		{"expired", resign(strings.Replace(swap(`"validFrom":"2026`, `"validFrom":"2006`), `"validUntil":"2036-11-22T12:00:00Z"`, `"validUntil":"2026-11-22T11:58:00Z"`, 1)), vc.ErrExpired, "ended 2026-11-22T11:58:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verifier := &vc.Verifier{Now: at(noon)}
			_, err := verifier.Verify(t.Context(), []byte(tt.raw), vc.AnyIssuer)
			require.ErrorIs(t, err, tt.want)
			require.ErrorContains(t, err, tt.says)
			require.Less(t, len(err.Error()), 1000, "an error is not as long as its sender likes")
			_, ok := errors.AsType[*vc.RejectError](err)
			require.True(t, ok, "want a *vc.RejectError")
			report := verifier.Report(t.Context(), []byte(tt.raw), vc.AnyIssuer)
			require.EqualError(t, report.Err, err.Error(), "Report and Verify agree")
			require.Nil(t, report.Verified)
		})
	}
	t.Run("not accepted", func(t *testing.T) {
		_, err := (&vc.Verifier{Now: at(noon)}).Verify(t.Context(), raw, vc.IssuedBy(thief.ID))
		require.ErrorIs(t, err, vc.ErrNotAccepted)
		require.ErrorContains(t, err, "from "+issuer.ID.String())
	})
	t.Run("nobody asked who is acceptable", func(t *testing.T) {
		_, err := new(vc.Verifier).Verify(t.Context(), raw, nil)
		require.ErrorContains(t, err, "accept is nil")
	})
}

// manyTypes lists n types, all different.
func manyTypes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"urn:x:%d"`, i)
	}
	return b.String()
}

// resignAs replaces the proof of a credential by one of somebody else.
func resignAs(t *testing.T, by *vc.Issuer, text string) string {
	both, err := by.AddProof([]byte(text))
	require.NoError(t, err)
	i := strings.Index(string(both), `"proof":[`)
	j := strings.LastIndex(string(both), `},{`)
	return string(both[:i]) + `"proof":[` + string(both[j+2:])
}

func encryptionMethod(t *testing.T, id did.DID) string {
	res, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
	require.NoError(t, err)
	for _, m := range res.Document.VerificationMethod {
		if m.ID.Fragment != id.Identifier() {
			return m.ID.String()
		}
	}
	t.Fatal("no key agreement method")
	return ""
}

// Every single byte of a credential counts.
func TestAnyFlippedByteIsNoticed(t *testing.T) {
	_, raw := issued(t, newIssuer(t, "Ed25519"))
	verifier := &vc.Verifier{Now: at(noon)}
	for i := range raw {
		for _, bit := range []byte{1, 0x20} {
			bad := append([]byte(nil), raw...)
			bad[i] ^= bit
			_, err := verifier.Verify(t.Context(), bad, vc.AnyIssuer)
			require.Error(t, err, "byte %d, %q for %q", i, bad[i], raw[i])
		}
	}
}

// One content has one reading, however its numbers and strings are spelt: the
// proof covers the values, so anyone can change the spelling.
func TestSpellingDoesNotMatter(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	_, raw := issued(t, issuer)
	verifier := &vc.Verifier{Now: at(noon)}
	plain, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	for from, to := range map[string]string{
		`"value":812`:          `"value":8.12e2`,
		`"downSeconds":5400`:   `"downSeconds":5400.0`,
		`"workOrder":"WO-2026`: `"work\u004frder":"\u0057O-2026`,
		`"type":["Verif`:       `"type" : [ "Verif`,
	} {
		require.Contains(t, string(raw), from)
		other, err := verifier.Verify(t.Context(), []byte(strings.Replace(string(raw), from, to, 1)), vc.AnyIssuer)
		require.NoError(t, err)
		require.Equal(t, plain.Digest(), other.Digest())
		claim, err := vc.ClaimOf[record.Maintenance](other)
		require.NoError(t, err)
		require.Equal(t, maintenance(), claim)
		var subject struct {
			Maintenance struct{ DownSeconds int64 }
		}
		_, err = other.Member("credentialSubject", &subject)
		require.NoError(t, err)
	}
}

// A claim's own check is called, whatever its receiver.
func TestClaimsAreValidated(t *testing.T) {
	contexts, err := new(vc.Contexts).With("https://ops.example/v1", []byte(`{"@context":{
		"PaintCredential":"https://ops.example/v1#PaintCredential","colour":"https://ops.example/v1#colour"}}`))
	require.NoError(t, err)
	issuer := newIssuer(t, "Ed25519")
	issuer.Contexts = contexts
	raw, err := issuer.Issue(&vc.Credential{Subject: issuer.ID, Claim: paint{"invisible"}, Context: []string{"https://ops.example/v1"}})
	require.NoError(t, err)
	v, err := (&vc.Verifier{Now: at(noon), Contexts: contexts}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	_, err = vc.ClaimOf[strictPaint](v)
	require.ErrorContains(t, err, "cannot be invisible")
}

type strictPaint struct{ paint }

func (p *strictPaint) Validate() error {
	if p.Colour == "invisible" {
		return errors.New("colour cannot be invisible")
	}
	return nil
}

// What nobody was asked to check is neither accepted nor condemned.
func TestStatusAndSchemaAreNotPassedOver(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	issue := func(member string) []byte {
		c := &vc.Credential{Subject: issuer.ID, Claim: maintenance(), Members: map[string]any{
			member: map[string]any{"id": "https://status.example/3#94567", "type": typeOf[member]},
		}}
		raw, err := issuer.Issue(c)
		require.NoError(t, err)
		return raw
	}
	for member, wrong := range map[string]error{"credentialStatus": vc.ErrStatus, "credentialSchema": vc.ErrSchema} {
		raw := issue(member)
		_, err := (&vc.Verifier{Now: at(noon)}).Verify(t.Context(), raw, vc.AnyIssuer)
		unchecked, ok := errors.AsType[*vc.UncheckedError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, vc.UncheckedError{Signer: issuer.ID, Member: member, Type: typeOf[member]}, *unchecked)
		_, bad := errors.AsType[*vc.RejectError](err)
		require.False(t, bad)

		for name, tt := range map[string]struct{ answer, want error }{
			"in force":  {nil, nil},
			"revoked":   {fmt.Errorf("%w: bit 94567 is set", wrong), wrong},
			"no answer": {context.DeadlineExceeded, context.DeadlineExceeded},
		} {
			verifier := &vc.Verifier{Now: at(noon), Status: answer{tt.answer}, Schema: answer{tt.answer}}
			_, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
			if tt.want == errUnchecked {
				require.ErrorContains(t, err, "could not be checked", name)
			} else {
				require.ErrorIs(t, err, tt.want, name)
			}
			_, bad := errors.AsType[*vc.RejectError](err)
			require.Equal(t, tt.want == wrong, bad, name)
		}
	}
}

var errUnchecked = errors.New("not a verdict")

// Others are asked about a credential only once its proofs hold.
func TestCheckersSeeOnlyWhatIsProved(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	raw, err := issuer.Issue(&vc.Credential{Subject: issuer.ID, Claim: maintenance(), Members: map[string]any{
		"credentialStatus": map[string]any{"id": "https://status.example/3#94567", "type": "BitstringStatusListEntry"},
	}})
	require.NoError(t, err)
	asked := 0
	verifier := &vc.Verifier{Now: at(noon), Status: counter{&asked}}
	require.NoError(t, verifier.Report(t.Context(), raw, vc.AnyIssuer).Err)
	require.Equal(t, 1, asked)
	require.Error(t, verifier.Report(t.Context(), []byte(strings.Replace(string(raw), "812", "813", 1)), vc.AnyIssuer).Err)
	require.Equal(t, 1, asked)
}

type counter struct{ n *int }

func (c counter) CheckStatus(context.Context, did.DID, []byte, time.Time) (vc.StatusResult, error) {
	*c.n++
	return vc.StatusResult{}, nil
}

var typeOf = map[string]string{"credentialStatus": "BitstringStatusListEntry", "credentialSchema": "JsonSchema"}

type answer struct{ err error }

func (a answer) CheckStatus(context.Context, did.DID, []byte, time.Time) (vc.StatusResult, error) {
	return vc.StatusResult{}, a.err
}
func (a answer) CheckSchema(context.Context, []byte, []byte) error { return a.err }

// A key is judged as of the time it signed, where the method can tell.
func TestKeysAreJudgedByTheTimeOfSigning(t *testing.T) {
	key := newKey(t, "Ed25519")
	shop := did.MustParse("did:web:shop.example")
	issuer := &vc.Issuer{ID: shop, Key: key, Method: shop.URL("k1"), Now: at(noon)}
	_, raw := issued(t, issuer)

	_, err := (&vc.Verifier{Now: at(noon)}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
	_, bad := errors.AsType[*vc.RejectError](err)
	require.False(t, bad, "offline, a did:web issuer could not be checked")

	document := documentWith(t, shop, key.Public())
	var asked did.Version
	history := resolverFunc(func(v did.Version) (*did.Resolution, error) {
		asked = v
		return &did.Resolution{Document: document}, nil
	})
	later := &vc.Verifier{Now: at(noon.AddDate(1, 0, 0)), Resolver: history}
	_, err = later.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, did.Version{Time: noon}, asked)

	today := resolverFunc(func(v did.Version) (*did.Resolution, error) {
		if !v.Time.IsZero() {
			return nil, did.ErrVersionUnknown
		}
		return &did.Resolution{Document: document}, nil
	})
	later.Resolver = today
	_, err = later.Verify(t.Context(), raw, vc.AnyIssuer)
	require.ErrorIs(t, err, did.ErrVersionUnknown)
	_, bad = errors.AsType[*vc.RejectError](err)
	require.False(t, bad)
	later.CurrentKeys = true
	_, err = later.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)

	for _, answer := range []error{did.ErrNotFound, did.ErrDeactivated} {
		later.Resolver = resolverFunc(func(did.Version) (*did.Resolution, error) { return nil, answer })
		_, err = later.Verify(t.Context(), raw, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrProof)
		require.ErrorIs(t, err, answer)
	}
}

type resolverFunc func(did.Version) (*did.Resolution, error)

func (f resolverFunc) Resolve(_ context.Context, _ did.DID, v did.Version) (*did.Resolution, error) {
	return f(v)
}

func documentWith(t *testing.T, id did.DID, public crypto.PublicKey) *did.Document {
	key, err := did.NewKey(public)
	require.NoError(t, err)
	doc, err := did.ParseDocument([]byte(`{"@context":["https://www.w3.org/ns/did/v1","https://w3id.org/security/multikey/v1"],
		"id":"` + id.String() + `","verificationMethod":[{"id":"` + id.String() + `#k1","type":"Multikey","controller":"` + id.String() + `",
		"publicKeyMultibase":"` + key.Identifier() + `"}],"assertionMethod":["#k1"]}`))
	require.NoError(t, err)
	return doc
}

func TestIssueRefusesWhatVerifyWould(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	for _, tt := range []struct {
		name string
		c    vc.Credential
		says string
	}{
		{"no subject", vc.Credential{Claim: maintenance()}, "needs Subject"},
		{"no claim", vc.Credential{Subject: issuer.ID}, "needs Subject and Claim"},
		{"a claim that contradicts itself", vc.Credential{Subject: issuer.ID, Claim: record.Maintenance{}}, "eventTime"},
		{"text that is not UTF-8", vc.Credential{Subject: issuer.ID, Claim: maintenance(), Members: map[string]any{"name": "r\xfftor"}}, "not UTF-8"},
		{"a claim that is no object", vc.Credential{Subject: issuer.ID, Claim: list{}}, "want a JSON object"},
		{"an unknown type", vc.Credential{Subject: issuer.ID, Claim: unknown{}}, "UnheardOfCredential"},
		{"an undefined member", vc.Credential{Subject: issuer.ID, Claim: maintenance(), Members: map[string]any{"colour": "red"}}, "colour"},
		{"a member twice", vc.Credential{Subject: issuer.ID, Claim: maintenance(), Members: map[string]any{"issuer": "x"}}, "issuer"},
		{"an end before the start", vc.Credential{Subject: issuer.ID, Claim: maintenance(), ValidUntil: noon.AddDate(-1, 0, 0)}, "before validFrom"},
		{"an unknown context", vc.Credential{Subject: issuer.ID, Claim: maintenance(), Context: []string{"https://evil.example"}}, "evil.example"},
		{"an id that is no URL", vc.Credential{Subject: issuer.ID, Claim: maintenance(), ID: "7"}, "id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := issuer.Issue(&tt.c)
			require.ErrorContains(t, err, tt.says)
		})
	}
	nobody := &vc.Issuer{ID: did.MustParse("did:web:shop.example"), Key: issuer.Key}
	_, err := nobody.Issue(&vc.Credential{Subject: issuer.ID, Claim: maintenance()})
	require.ErrorContains(t, err, "Method is required")
}

type list struct{}

func (list) CredentialType() string       { return "MaintenanceCredential" }
func (list) MarshalJSON() ([]byte, error) { return []byte("[1]"), nil }

type unknown struct{ X int }

func (unknown) CredentialType() string { return "UnheardOfCredential" }

// An operator's own vocabulary is a context given by value.
func TestFurtherContexts(t *testing.T) {
	contexts, err := new(vc.Contexts).With("https://ops.example/v1", []byte(`{"@context":{"@protected":true,
		"PaintCredential":"https://ops.example/v1#PaintCredential","colour":"https://ops.example/v1#colour"}}`))
	require.NoError(t, err)
	issuer := newIssuer(t, "Ed25519")
	c := &vc.Credential{Subject: issuer.ID, Claim: paint{"red"}, Context: []string{"https://ops.example/v1"}}
	_, err = issuer.Issue(c)
	require.ErrorContains(t, err, "https://ops.example/v1")
	issuer.Contexts = contexts
	raw, err := issuer.Issue(c)
	require.NoError(t, err)
	_, err = (&vc.Verifier{Now: at(noon)}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrContext)
	v, err := (&vc.Verifier{Now: at(noon), Contexts: contexts}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	claim, err := vc.ClaimOf[paint](v)
	require.NoError(t, err)
	require.Equal(t, paint{"red"}, claim)
}

type paint struct {
	Colour string `json:"colour"`
}

func (paint) CredentialType() string { return "PaintCredential" }

// The zero Verified, which anybody can write down, says nothing.
func TestTheZeroVerifiedSaysNothing(t *testing.T) {
	v := new(vc.Verified)
	require.True(t, v.Issuer().IsZero() && v.Subject().IsZero() && v.Digest().IsZero())
	require.Empty(t, v.ID()+v.Raw())
	require.Empty(t, v.Subjects())
	require.False(t, v.SignedBy(did.DID{}))
	require.True(t, v.ValidFrom().IsZero() && v.ValidUntil().IsZero() && v.Created().IsZero())
	found, err := v.Member("record", new(any))
	require.False(t, found)
	require.NoError(t, err)
	_, err = vc.ClaimOf[record.Maintenance](v)
	require.Error(t, err)
}

// Whoever has no more time gets no verdict, also on proofs of which each takes a while.
func TestNoTimeIsNoVerdict(t *testing.T) {
	_, raw := issued(t, newIssuer(t, "Ed25519"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := (&vc.Verifier{Now: at(noon)}).Verify(ctx, raw, vc.AnyIssuer)
	require.ErrorIs(t, err, context.Canceled)
	var rejected *vc.RejectError
	require.False(t, errors.As(err, &rejected))
}

func TestVerifyAllKeepsTheOrder(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	var raws [][]byte
	for range 50 {
		_, raw := issued(t, issuer)
		raws = append(raws, raw)
	}
	raws[17] = []byte("no credential")
	verifier := &vc.Verifier{Now: at(noon)}
	for i, r := range verifier.VerifyAll(t.Context(), raws, vc.AnyIssuer) {
		if i == 17 {
			require.ErrorIs(t, r.Err, vc.ErrMalformed)
			continue
		}
		require.NoError(t, r.Err)
		require.Equal(t, string(raws[i]), r.Verified.Raw())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range verifier.VerifyAll(ctx, raws, vc.AnyIssuer) {
		require.ErrorIs(t, r.Err, context.Canceled)
	}
}

// No input makes Verify panic, and what it accepts reads the same again.
func FuzzVerify(f *testing.F) {
	issuer := newIssuer(f, "Ed25519")
	_, raw := issued(f, issuer)
	f.Add(raw)
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"VerifiableCredential","issuer":{"id":"did:key:z6Mk"},"credentialSubject":[{"id":"urn:x"}],"proof":[{}]}`))
	verifier := &vc.Verifier{Now: at(noon)}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := verifier.Verify(t.Context(), b, vc.AnyIssuer)
		report := verifier.Report(t.Context(), b, vc.AnyIssuer)
		if (err == nil) != (report.Err == nil) || (err == nil) != (v != nil) {
			t.Fatalf("Verify says %v, Report says %v", err, report.Err)
		}
		_, err = verifier.VerifyPresentation(t.Context(), b, vc.Challenge{Nonce: "n", Domain: "d"}, vc.AnyIssuer)
		if err == nil {
			t.Fatal("accepted a presentation nobody made")
		}
	})
}
