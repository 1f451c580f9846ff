package sdjwt

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// maintenance is a realistic entry.
func maintenance() record.Maintenance {
	return record.Maintenance{
		Time:        noon.Add(-26 * time.Hour),
		BizStep:     record.StepReplacing,
		Disposition: record.DispAvailable,
		Work: record.Work{
			Category:    record.Preventive,
			Activity:    "replace rotor bearings",
			Counters:    []record.Reading{{Name: "hour meter", Value: 812, Unit: record.Hours}, {Name: "landings", Value: 2231, Unit: record.Cycles}},
			WorkOrder:   "WO-2026-44871",
			PerformedBy: &record.Party{Name: "Rotor Service Nord, bay 2"},
		},
	}
}

// What a shop tells a machine's owner and not everybody who rents it.
var private = []string{
	"/credentialSubject/maintenance/workOrder",
	"/credentialSubject/maintenance/performedBy",
	"/credentialSubject/maintenance/performedBy/name",
	"/credentialSubject/maintenance/counters/1",
}

func TestFormat(t *testing.T) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		t.Run(alg, func(t *testing.T) {
			shop, shopKey := newKey(t, alg)
			machine, machineKey := newKey(t, alg)
			format := Format{Disclosable: private, Confirm: Confirmation{Key: machineKey.Public()}}
			issuer := &vc.Issuer{ID: shop, Key: shopKey, Format: format, Now: at(noon)}
			raw, err := issuer.Issue(&vc.Credential{Subject: machine, Claim: maintenance()})
			require.NoError(t, err)

			verifier := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}
			v, err := verifier.Verify(t.Context(), raw, vc.IssuedBy(shop))
			require.NoError(t, err)
			require.Equal(t, MediaTypeCredential, v.MediaType())
			require.False(t, v.Selective())
			require.Equal(t, noon, v.Created())
			whole, err := vc.ClaimOf[record.Maintenance](v)
			require.NoError(t, err)
			require.Equal(t, maintenance(), whole)

			// The machine shows one of the four.
			token, err := Parse(raw)
			require.NoError(t, err)
			require.ElementsMatch(t, private, pointersOf(token))
			shown, err := token.Present("/credentialSubject/maintenance/counters/1")
			require.NoError(t, err)
			ch := vc.NewChallenge("lease.example")
			bound, err := shown.Bind(machineKey, ch, noon)
			require.NoError(t, err)
			p, err := verifier.VerifyPresentation(t.Context(), []byte(bound.String()), ch, vc.IssuedBy(shop))
			require.NoError(t, err)
			require.Equal(t, machine, p.Holder())
			part, err := vc.ClaimOf[record.Maintenance](p.Credentials()[0])
			require.NoError(t, err)
			require.Equal(t, whole.Work.Counters, part.Work.Counters)
			require.Empty(t, part.Work.WorkOrder)
			require.Nil(t, part.Work.PerformedBy)
			require.True(t, p.Credentials()[0].Selective())

			// The same, in a presentation of the holder's own.
			holder := &vc.Holder{ID: machine, Key: machineKey, Format: Format{}, Now: at(noon)}
			vp, err := holder.Present(ch, vc.Enveloped(MediaTypeCredential, []byte(shown.String())))
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(vp), "~"))
			p, err = verifier.VerifyPresentation(t.Context(), vp, ch, vc.IssuedBy(shop))
			require.NoError(t, err)
			require.Equal(t, machine, p.Holder())
			require.True(t, p.Credentials()[0].Selective())
			_, err = verifier.VerifyPresentation(t.Context(), vp, vc.NewChallenge("lease.example"), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrChallenge)
			_, err = verifier.Verify(t.Context(), vp, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrMalformed)
		})
	}
}

func pointersOf(t *Token) (list []string) {
	for _, d := range t.Disclosures() {
		list = append(list, d.Pointer)
	}
	return list
}

// What a verifier depends on cannot be made disclosable.
func TestWhatStaysInClear(t *testing.T) {
	shop, key := newKey(t, "Ed25519")
	machine, _ := newKey(t, "Ed25519")
	for _, tt := range []struct {
		name, pointer string
		recursive     bool
		want          string
	}{
		{"issuer", "/issuer", false, "depends on it"},
		{"@context", "/@context", false, "depends on it"},
		{"an entry of @context", "/@context/1", false, "depends on it"},
		{"type", "/type", false, "depends on it"},
		{"an entry of type", "/type/1", false, "depends on it"},
		{"validFrom", "/validFrom", false, "depends on it"},
		{"validUntil", "/validUntil", false, "depends on it"},
		{"credentialStatus", "/credentialStatus", false, "depends on it"},
		{"in credentialStatus", "/credentialStatus/statusListIndex", false, "depends on it"},
		{"credentialSchema", "/credentialSchema", false, "depends on it"},
		{"record", "/record", false, "depends on it"},
		{"in record", "/record/sequence", false, "depends on it"},
		{"the subject", "/credentialSubject", false, "depends on it"},
		{"the subject's id", "/credentialSubject/id", false, "depends on it"},
		{"the subject, and all in it", "/credentialSubject", true, "depends on it"},
		{"iat, of the envelope", "/iat", false, "depends on it"},
		{"cnf, of the envelope", "/cnf", false, "depends on it"},
		{"in cnf", "/cnf/jwk/x", false, "depends on it"},
		{"nothing that is there", "/credentialSubject/maintenance/WorkOrder", false, "no such claim"},
		{"no pointer", "credentialSubject", false, "no JSON Pointer"},
		{"everything", "", false, "no JSON Pointer"},
		{"the end of an array", "/credentialSubject/maintenance/counters/-", false, "no index"},
		{"an index with a zero before it", "/credentialSubject/maintenance/counters/01", false, "no index"},
		{"a pointer with a bare tilde", "/credentialSubject/a~b", false, "write ~0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			issuer := &vc.Issuer{ID: shop, Key: key, Now: at(noon), Format: Format{
				Disclosable: []string{tt.pointer}, Recursive: tt.recursive, Confirm: Confirmation{Key: key.Public()},
			}}
			_, err := issuer.Issue(&vc.Credential{Subject: machine, Claim: maintenance(), ValidUntil: noon.AddDate(1, 0, 0), Members: map[string]any{
				"credentialStatus": map[string]string{"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "7", "statusListCredential": "https://shop.example/1"},
				"credentialSchema": map[string]string{"id": "https://shop.example/schema", "type": "JsonSchema"},
				"record":           map[string]any{"sequence": 0},
			}})
			require.ErrorContains(t, err, tt.want)
		})
	}
}

type inForce struct{ err error }

func (s inForce) CheckStatus(context.Context, did.DID, []byte, time.Time) (vc.StatusResult, error) {
	return vc.StatusResult{Purpose: "revocation"}, s.err
}

// What a verifier of credentials refuses, by name.
func TestFormatRefused(t *testing.T) {
	shop, shopKey := newKey(t, "Ed25519")
	machine, machineKey := newKey(t, "P-256")
	thief, thiefKey := newKey(t, "P-256")
	_ = thief
	f := forger{t: t, id: shop, key: shopKey, typ: "vc+sd-jwt"}
	ch := vc.NewChallenge("lease.example")
	issue := func(format Format) string {
		raw, err := (&vc.Issuer{ID: shop, Key: shopKey, Format: format, Now: at(noon)}).Issue(&vc.Credential{Subject: machine, Claim: maintenance()})
		require.NoError(t, err)
		return string(raw)
	}
	mine := Confirmation{Key: machineKey.Public()}
	good := issue(Format{Disclosable: private, Confirm: mine, Decoys: 3})
	document := issue(Format{})
	parsed, err := Parse([]byte(document))
	require.NoError(t, err)
	claims := string(parsed.document())
	with := func(members string) string { return claims[:len(claims)-1] + "," + members + "}" }
	without := func(name string) string { // a credential with a member less
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(claims), &m))
		require.Contains(t, m, name)
		delete(m, name)
		text, err := json.Marshal(m)
		require.NoError(t, err)
		return string(text[:len(text)-1]) + `,"_sd":["$0"]}`
	}
	now := func(claims string) string { return strings.ReplaceAll(claims, "$now", "1795348800") }
	require.Equal(t, int64(1795348800), noon.Unix())
	bind := func(token, claims string) string {
		return token + f.binding(machineKey, typBinding, token, now(claims))
	}
	answer := `{"iat":$now,"aud":"lease.example","nonce":"` + ch.Nonce + `","sd_hash":"$hash"}`
	choose := func(token string, pointers ...string) string {
		parsed, err := Parse([]byte(token))
		require.NoError(t, err)
		shown, err := parsed.Present(pointers...)
		require.NoError(t, err)
		return shown.String()
	}
	header, rest, _ := strings.Cut(good, ".")
	typed := func(typ string) forger { f := f; f.typ = typ; return f }
	kid := func(kid string) string {
		signed, err := jws.Sign(shopKey, jws.Header{Typ: "vc+sd-jwt", Kid: kid}, []byte(claims))
		require.NoError(t, err)
		return string(signed) + "~"
	}
	other := f
	other.key = thiefKey

	for _, tt := range []struct {
		name, token string
		want        error // nil: taken
		detail      string
	}{
		{"a good one", good, nil, ""},
		{"shown in part", choose(good, private[0]), nil, ""},
		{"all of it hidden", choose(good), nil, ""},
		{"type by disclosure, as in the W3C's examples", f.token(nil, without("type"), `["s","type",["VerifiableCredential","MaintenanceCredential"]]`), nil, ""},
		{"without typ", typed("").token(nil, claims), nil, ""},
		{"typ of the drafts", typed("vc+ld+json+sd-jwt").token(nil, claims), nil, ""},
		{"kid is a fragment", kid("#" + shop.Identifier()), nil, ""},
		{"kid is a fragment without #", kid(shop.Identifier()), nil, ""},
		{"no kid, of a did:key", kid(""), nil, ""},
		{"kid is the did:key", kid(shop.String()), nil, ""},
		{"claims that say the same", f.token(nil, with(`"iss":"$iss","sub":"`+machine.String()+`","jti":"urn:x","nbf":1795348800,"exp":1795348801`)), nil, ""},
		{"claims of SD-JWT VC beside those of W3C", f.token(nil, with(`"vct":"x","aka_vcts":["y"]`)), nil, ""},

		{"wrong key", other.token(nil, claims), vc.ErrProof, "alg"},
		{"kid of another", kid(thief.URL(thief.Identifier()).String()), vc.ErrProof, "alg"},
		{"kid is a key that the issuer does not have", kid("key-1"), vc.ErrProof, "not found"},
		{"kid is no DID URL", kid("key 1"), vc.ErrMalformed, "kid"},
		{"no kid, of a DID with many keys", f.signed("", strings.ReplaceAll(claims, shop.String(), "did:web:shop.example"), ""), vc.ErrMalformed, "many keys"},
		{"nobody signed by name", f.signed("", `{"a":1}`, ""), vc.ErrMalformed, "whose key signed"},
		{"iss of another in the header", f.signed("", claims, `"iss":"did:example:x"`), vc.ErrMalformed, "another in the header"},
		{"cty of a presentation", f.signed(shop.String(), claims, `"cty":"vp+json"`), vc.ErrMalformed, "cty"},
		{"alg none", b64(`{"alg":"none"}`) + "." + rest, vc.ErrMalformed, "none"},
		{"alg swapped", b64(`{"alg":"ES256","kid":"`+shop.URL(shop.Identifier()).String()+`","typ":"vc+sd-jwt"}`) + "." + rest, vc.ErrProof, "alg"},
		{"stripped signature", header + "." + strings.Split(rest, ".")[0] + ".~", vc.ErrMalformed, "taken off"},
		{"a JWT of jose", typed("vc+jwt").token(nil, claims), vc.ErrMalformed, "typ"},
		{"a key binding for a credential", typed("kb+jwt").token(nil, claims), vc.ErrMalformed, "typ"},
		{"an SD-JWT VC", typed("dc+sd-jwt").token(nil, claims), vc.ErrMalformed, "typ"},
		{"a presentation", typed("vp+sd-jwt").token(nil, claims), vc.ErrMalformed, ""},
		{"oversized", f.token(nil, with(`"name":"`+strings.Repeat("x", MaxBytes)+`"`)), vc.ErrLimit, ""},
		{"a subject of decoys only", f.token(nil, strings.Split(claims, `"credentialSubject"`)[0]+`"credentialSubject":{"_sd":["x","y"]}}`), vc.ErrMalformed, "makes no claim"},
		{"issuer by disclosure", f.token(nil, without("issuer"), `["s","issuer","`+shop.String()+`"]`), vc.ErrMalformed, "issuer came by disclosure"},
		{"validFrom by disclosure", f.token(nil, without("validFrom"), `["s","validFrom","2026-01-01T00:00:00Z"]`), vc.ErrMalformed, "validFrom came by disclosure"},
		{"validUntil by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","validUntil","2027-01-01T00:00:00Z"]`), vc.ErrMalformed, "validUntil came by disclosure"},
		{"credentialStatus by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","credentialStatus",{"type":"x"}]`), vc.ErrMalformed, "credentialStatus came by disclosure"},
		{"record by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","record",{"sequence":0}]`), vc.ErrMalformed, "record came by disclosure"},
		{"exp by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","exp",1]`), vc.ErrMalformed, "exp came by disclosure"},
		{"cnf by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","cnf",{}]`), vc.ErrMalformed, "cnf came by disclosure"},
		{"status by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","status",{}]`), vc.ErrMalformed, "status came by disclosure"},
		{"a hidden status entry", f.token(nil, with(`"credentialStatus":[{"type":"x"},{"...":"x"}]`)), vc.ErrMalformed, "credentialStatus has digests"},
		{"a hidden type", f.token(nil, strings.Replace(claims, `"type":["VerifiableCredential",`, `"type":["VerifiableCredential",{"...":"x"},`, 1)), vc.ErrMalformed, "type has digests"},
		{"exp in another case", f.token(nil, with(`"EXP":1`)), vc.ErrMalformed, "case-sensitive"},
		{"issuer in another case, by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","Issuer","did:example:x"]`), vc.ErrMalformed, "case-sensitive"},
		{"an undefined term by disclosure", f.token(nil, with(`"_sd":["$0"]`), `["s","undefinedTerm","x"]`), vc.ErrContext, ""},
		{"the claim vc", f.token(nil, with(`"vc":{}`)), vc.ErrMalformed, "vc and vp"},
		{"iss of another", f.token(nil, with(`"iss":"did:example:x"`)), vc.ErrMalformed, "iss is"},
		{"jti of another", f.token(nil, strings.Replace(with(`"jti":"urn:x"`), `"type":`, `"id":"urn:y","type":`, 1)), vc.ErrMalformed, "jti is"},
		{"sub is empty", f.token(nil, with(`"sub":""`)), vc.ErrMalformed, "sub"},
		{"sub of another", f.token(nil, with(`"sub":"did:example:x"`)), vc.ErrMalformed, "sub is"},
		{"for an audience", f.token(nil, with(`"aud":"x"`)), vc.ErrMalformed, "aud"},
		{"expired, by the envelope", f.token(nil, with(`"exp":1`)), vc.ErrExpired, ""},
		{"not yet valid, by the envelope", f.token(nil, with(`"nbf":4102444800`)), vc.ErrNotYetValid, ""},
		{"from the future", f.token(nil, with(`"iat":4102444800`)), vc.ErrProof, ""},
		{"iat is text", f.token(nil, with(`"iat":"1"`)), vc.ErrMalformed, "iat"},
		{"status is text", f.token(nil, with(`"status":"valid"`)), vc.ErrMalformed, "status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verifier := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}
			_, err := verifier.Verify(t.Context(), []byte(tt.token), vc.IssuedBy(shop))
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tt.want, reason(err), "%v", err)
			require.ErrorContains(t, err, tt.detail)
		})
	}

	// Status: of the envelope, revoked, and out of reach.
	revoked := f.token(nil, with(`"status":{"status_list":{"idx":7,"uri":"https://shop.example/1"}}`))
	for _, tt := range []struct {
		name    string
		checker vc.StatusChecker
		want    error
	}{
		{"in force", inForce{}, nil},
		{"revoked", inForce{vc.ErrStatus}, vc.ErrStatus},
		{"out of reach", inForce{context.DeadlineExceeded}, context.DeadlineExceeded},
	} {
		verifier := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon), Status: tt.checker}
		v, err := verifier.Verify(t.Context(), []byte(revoked), vc.AnyIssuer)
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Equal(t, tt.want == nil, v != nil)
	}
	_, err = (&vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}).Verify(t.Context(), []byte(revoked), vc.AnyIssuer)
	unchecked, ok := errors.AsType[*vc.UncheckedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, shop, unchecked.Signer)

	// Presented with key binding.
	methodBound := issue(Format{Confirm: Confirmation{Method: machine.URL(machine.Identifier())}})
	for _, tt := range []struct {
		name, token string
		want        error
		detail      string
	}{
		{"a good one", bind(good, answer), nil, ""},
		{"by a method", bind(methodBound, answer), nil, ""},
		{"shown in part", bind(choose(good, private[2]), answer), nil, ""},
		{"another nonce", bind(good, strings.Replace(answer, ch.Nonce, "x", 1)), vc.ErrChallenge, ""},
		{"another domain", bind(good, strings.Replace(answer, "lease", "other", 1)), vc.ErrDomain, ""},
		{"another sd_hash", bind(good, strings.Replace(answer, "$hash", Hash("").sum(choose(good)), 1)), vc.ErrProof, "sd_hash"},
		{"another hash function", bind(good, strings.Replace(answer, "$hash", SHA512.sum(good), 1)), vc.ErrProof, "sd_hash"},
		{"another key", good + f.binding(thiefKey, typBinding, good, now(answer)), vc.ErrProof, "key binding"},
		{"from the future", bind(good, strings.Replace(answer, "$now", "1795352400", 1)), vc.ErrProof, "yet to come"},
		{"stripped", good, vc.ErrMalformed, "nobody signed"},
		{"with one disclosure less", choose(good, private[0]) + f.binding(machineKey, typBinding, good, now(answer)), vc.ErrProof, "sd_hash"},
		{"of a credential without cnf", bind(document, answer), vc.ErrMalformed, "no key of the holder"},
		{"holder key swapped", bind(issue(Format{Confirm: Confirmation{Key: thiefKey.Public()}}), answer), vc.ErrProof, "key binding"},
		{"of a holder that is not the subject", func() string {
			token := issue(Format{Confirm: Confirmation{Key: thiefKey.Public()}})
			return token + f.binding(thiefKey, typBinding, token, now(answer))
		}(), vc.ErrHolder, ""},
		{"a day old", bind(good, strings.Replace(answer, "$now", "1795262400", 1)), vc.ErrExpired, "is taken for 5m"},
		{"ended by its own word", bind(good, strings.Replace(answer, `{"iat"`, `{"exp":1,"iat"`, 1)), vc.ErrExpired, "ended"},
		{"not begun by its own word", bind(good, strings.Replace(answer, `{"iat"`, `{"nbf":4102444800,"iat"`, 1)), vc.ErrNotYetValid, "starts"},
		{"cnf of a kind that is not known", bind(f.token(nil, with(`"cnf":{"jku":"https://x.example"}`)), answer), vc.ErrMalformed, "cnf"},
		{"cnf with a private key", bind(f.token(nil, with(`"cnf":{"jwk":{"kty":"OKP","crv":"Ed25519","x":"A","d":"A"}}`)), answer), vc.ErrMalformed, "private key"},
		{"cnf with Jwk", bind(f.token(nil, with(`"cnf":{"Jwk":{}}`)), answer), vc.ErrMalformed, "case-sensitive"},
		{"a presentation with a key binding", bind(typed("vp+sd-jwt").token(nil, `{"a":1}`), answer), vc.ErrMalformed, "as well"},
	} {
		t.Run("bound/"+tt.name, func(t *testing.T) {
			verifier := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}
			_, err := verifier.VerifyPresentation(t.Context(), []byte(tt.token), ch, vc.IssuedBy(shop))
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			if inner, ok := errors.AsType[*vc.CredentialError](err); ok {
				err = inner.Err
			}
			require.Equal(t, tt.want, reason(err), "%v", err)
			require.ErrorContains(t, err, tt.detail)
		})
	}
}

// A credential whose subject is hidden is about whoever its key binding proves to have it,
// and about nobody if it is handed on in a presentation of somebody else's: a key binding
// in there answers no challenge.
func TestHiddenSubject(t *testing.T) {
	shop, shopKey := newKey(t, "Ed25519")
	machine, machineKey := newKey(t, "P-256")
	thief, thiefKey := newKey(t, "P-256")
	f := forger{t: t, id: shop, key: shopKey, typ: "vc+sd-jwt"}
	raw, err := (&vc.Issuer{ID: shop, Key: shopKey, Format: Format{Confirm: Confirmation{Key: machineKey.Public()}}, Now: at(noon)}).
		Issue(&vc.Credential{Subject: machine, Claim: maintenance()})
	require.NoError(t, err)
	issued, err := Parse(raw)
	require.NoError(t, err)
	payload := strings.Replace(issued.claims.Raw(), `"id":"`+machine.String()+`"`, `"_sd":["$0"]`, 1)
	whole := f.token(nil, payload, `["s","id","`+machine.String()+`"]`)
	hidden, _, _ := strings.Cut(whole, "~")
	token, err := Parse([]byte(hidden + "~"))
	require.NoError(t, err)
	verifier := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}

	ch := vc.NewChallenge("lease.example")
	bound, err := token.Bind(machineKey, ch, noon)
	require.NoError(t, err)
	p, err := verifier.VerifyPresentation(t.Context(), []byte(bound.String()), ch, vc.AnyIssuer)
	require.NoError(t, err)
	holder, err := did.NewJWK(machineKey.Public())
	require.NoError(t, err)
	require.Equal(t, holder, p.Holder())

	for name, stolen := range map[string]string{"as it was issued": whole, "bound for another": bound.String(), "hidden": token.String()} {
		vp, err := (&vc.Holder{ID: thief, Key: thiefKey, Now: at(noon)}).Present(ch, vc.Enveloped(MediaTypeCredential, []byte(stolen)))
		require.NoError(t, err)
		_, err = verifier.VerifyPresentation(t.Context(), vp, ch, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrHolder, name)
	}
}

// A presentation is told by its typ or, without one, by its type.
func TestPresentationWithoutTyp(t *testing.T) {
	machine, key := newKey(t, "Ed25519")
	f := forger{t: t, id: machine, key: key}
	ch := vc.NewChallenge("lease.example")
	claims := `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"nonce":"` + ch.Nonce + `","aud":"lease.example"`
	verifier := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}
	p, err := verifier.VerifyPresentation(t.Context(), []byte(f.token(nil, claims+`,"holder":"$iss"}`)), ch, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, machine, p.Holder())
	for name, token := range map[string]string{
		"nonce by disclosure":  f.token(nil, strings.Replace(claims, `"nonce":"`+ch.Nonce+`"`, `"_sd":["$0"]`, 1)+`,"holder":"$iss"}`, `["s","nonce","`+ch.Nonce+`"]`),
		"holder by disclosure": f.token(nil, claims+`,"_sd":["$0"]}`, `["s","holder","`+machine.String()+`"]`),
		"aud by disclosure":    f.token(nil, strings.Replace(claims, `,"aud":"lease.example"`, `,"_sd":["$0"]`, 1)+`,"holder":"$iss"}`, `["s","aud","lease.example"]`),
	} {
		_, err := verifier.VerifyPresentation(t.Context(), []byte(token), ch, vc.AnyIssuer)
		require.Equal(t, vc.ErrMalformed, reason(err), name)
		require.ErrorContains(t, err, "came by disclosure", name)
	}
}

func TestRecognizes(t *testing.T) {
	for _, tt := range []struct {
		mediaType, raw string
		want           bool
	}{
		{"", "eyJhbGciOiJFZERTQSJ9.e30.AA~", true},
		{"", "eyJhbGciOiJFZERTQSJ9.e30.AA", false}, // a JWT
		{"", `{"a":"~"}`, false},
		{"", "", false},
		{"application/vc+sd-jwt", "", true},
		{"application/VP+SD-JWT", "", true},
		{"application/vc+ld+json+sd-jwt", "", true},
		{"application/dc+sd-jwt", "eyJhbGciOiJFZERTQSJ9.e30.AA~", false}, // another verifier's
		{"application/vc+jwt", "eyJhbGciOiJFZERTQSJ9.e30.AA~", false},
	} {
		require.Equal(t, tt.want, Format{}.Recognizes(tt.mediaType, []byte(tt.raw)), "%q %q", tt.mediaType, tt.raw)
	}
}

// Seal writes no token that it would refuse to open.
func TestNotSealed(t *testing.T) {
	id, key := newKey(t, "Ed25519")
	method := id.URL(id.Identifier())
	for _, tt := range []struct {
		name   string
		format Format
		e      vc.Envelope
		want   string
	}{
		{"no document", Format{}, vc.Envelope{Method: method}, "empty"},
		{"an array", Format{}, vc.Envelope{Method: method, Document: []byte(`[1]`)}, "an object"},
		{"an empty object", Format{}, vc.Envelope{Method: method, Document: []byte(`{}`)}, "an object"},
		{"claims of the envelope in the document", Format{}, vc.Envelope{Method: method, Document: []byte(`{"iss":"did:example:victim"}`)}, `member "iss"`},
		{"digests in the document", Format{}, vc.Envelope{Method: method, Document: []byte(`{"a":{"_sd":[]}}`)}, "name is that of digests"},
		{"placeholders in the document", Format{}, vc.Envelope{Method: method, Document: []byte(`{"a":[{"...":"x"}]}`)}, "name is that of digests"},
		{"status is no object", Format{}, vc.Envelope{Method: method, Document: []byte(`{"a":1}`), Status: []byte(`"valid"`)}, "want a JSON object"},
		{"nonce is not UTF-8", Format{}, vc.Envelope{Method: method, Document: []byte(`{"a":1}`), Presentation: true, Nonce: "\xff"}, "UTF-8"},
		{"audience is not UTF-8", Format{}, vc.Envelope{Method: method, Document: []byte(`{"a":1}`), Presentation: true, Audience: []string{"\xff"}}, "UTF-8"},
		{"no method", Format{}, vc.Envelope{Document: []byte(`{"a":1}`)}, "whose key signed"},
		{"confirmation of a key of another kind", Format{Confirm: Confirmation{Key: "key"}}, vc.Envelope{Method: method, Document: []byte(`{"a":1}`)}, "no JWK"},
		{"a claim vc", Format{}, vc.Envelope{Method: method, Document: []byte(`{"vc":1}`)}, "vc and vp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.format.Seal(key, &tt.e)
			require.ErrorContains(t, err, tt.want)
		})
	}

	// What an envelope says beside its document is written, and read.
	e := &vc.Envelope{
		Method: method, Document: []byte(`{"a":1}`), Created: noon, NotBefore: noon.Add(-time.Hour), Expires: noon.Add(time.Hour),
		Status: []byte(`{"status_list":{"idx":7,"uri":"https://shop.example/1"}}`),
	}
	raw, err := Format{Disclosable: []string{"/a"}}.Seal(key, e)
	require.NoError(t, err)
	opened, err := Format{}.Open(raw)
	require.NoError(t, err)
	require.NoError(t, opened.Verify(key.Public()))
	require.Equal(t, []any{e.Method, e.Created, e.NotBefore, e.Expires, e.Status, e.Document, MediaTypeCredential},
		[]any{opened.Method, opened.Created, opened.NotBefore, opened.Expires, opened.Status, opened.Document, opened.MediaType})
}
