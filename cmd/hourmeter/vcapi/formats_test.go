package vcapi_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/status"
)

// licence is a credential of nested objects, lists and things without ids.
func licence(issuer string) object {
	return object{
		"@context": []any{v2, object{"@protected": true, "LicenceCredential": "urn:example:LicenceCredential", "licence": "urn:example:licence",
			"number": "urn:example:number", "classes": "urn:example:classes"}},
		"type": []any{"VerifiableCredential", "LicenceCredential"}, "issuer": issuer, "validFrom": "2023-01-01T00:00:00Z",
		"credentialSubject": object{"id": "did:example:subject", "licence": object{"number": "T21387yc328c7y32h23f23", "classes": []any{"A", "B", "C"}}},
	}
}

func TestSelectiveDisclosure(t *testing.T) {
	s := conformance(t)
	id := s.get("/conformance.json").object()["p256"].(string)
	issue := func(options object, status int) any {
		a := s.conforms(t, "/ecdsa-sd-2023/credentials/issue", string(canonical(t, object{"credential": licence(id), "options": options})), status)
		return a.object()["verifiableCredential"]
	}
	derive := func(credential any, status int, pointers ...any) any {
		a := s.conforms(t, "/credentials/derive", string(canonical(t, object{"verifiableCredential": credential, "options": object{"selectivePointers": pointers}})), status)
		return a.object()["verifiableCredential"]
	}
	verify := func(credential any, status int) answer {
		return s.conforms(t, "/credentials/verify", verifyRequest(t, credential, nil), status)
	}
	for _, options := range []object{nil, {}, {"mandatoryPointers": []any{"/issuer", "/validFrom"}}, {"mandatoryPointers": nil}} {
		base := issue(options, 201)
		require.True(t, strings.HasPrefix(base.(object)["proof"].(object)["proofValue"].(string), "u2V0A"))
		verify(base, 400) // is for the holder alone
		for _, pointers := range [][]any{
			{"/credentialSubject/id"}, {"/credentialSubject/licence/number"}, {"/credentialSubject/licence/classes"},
			{"/credentialSubject/licence/classes/1", "/credentialSubject/licence/classes/2"}, {"/credentialSubject"},
		} {
			shown := derive(base, 201, pointers...)
			a := verify(shown, 200)
			require.Contains(t, a.object()["warnings"], "the holder may have left out something of it")
			proof := shown.(object)["proof"].(object)
			value := proof["proofValue"].(string)
			require.True(t, strings.HasPrefix(value, "u2V0B"))
			for _, bad := range []any{
				with(shown.(object), object{"credentialSubject": object{"id": "urn:invalid"}}),
				with(shown.(object), object{"proof": with(proof, object{"proofValue": "a"})}),
				with(shown.(object), object{"proof": with(proof, object{"proofValue": value[1:]})}),
				with(shown.(object), object{"proof": with(proof, object{"proofValue": value[:1] + value[4:]})}),
				with(shown.(object), object{"proof": with(proof, object{"cryptosuite": "invalid-cryptosuite"})}),
				with(shown.(object), object{"proof": with(proof, object{"created": "2020-01-01T00:00:00Z"})}),
				with(shown.(object), object{"proof": value}),
			} {
				verify(bad, 400)
			}
			derive(shown, 400, "/issuer") // of what was derived already
		}
		derive(base, 400, "/credentialSubject/nothing")
	}
	issue(object{"mandatoryPointers": []any{"/non/existent/path"}}, 400)
	issue(object{"mandatoryPointers": []any{"/credentialSubject/invalidPointer"}}, 400)
	issue(object{"mandatoryPointers": []any{"no pointer"}}, 400)
	derive(licence(id), 400, "/issuer")
	derive("e30.e30.e30", 400, "/issuer")

	// Of VCDM 1.1, as suites have it.
	a := s.conforms(t, "/ecdsa-sd-2023/credentials/issue", string(canonical(t, object{"credential": old(id)})), 201)
	verify(derive(a.object()["verifiableCredential"], 201, "/credentialSubject/id"), 200)
}

func TestEnvelopes(t *testing.T) {
	s := conformance(t)
	id := s.get("/conformance.json").object()["ed25519"].(string)
	document := object{"@context": []any{v2}, "type": []any{"VerifiableCredential"}, "issuer": id, "credentialSubject": object{"id": "did:example:alice", "name": "Alice"}}
	a := s.conforms(t, "/vc-jwt/credentials/issue", string(canonical(t, object{"credential": document})), 201)
	envelope := a.object()["verifiableCredential"].(object)
	token := strings.TrimPrefix(envelope["id"].(string), "data:application/vc+jwt,")
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	altered := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(decode64(t, parts[1])), "Alice", "Mallory", 1)))
	for name, tc := range map[string]struct {
		credential any
		status     int
	}{
		"the object":                   {envelope, 200},
		"its type in a list":           {with(envelope, object{"type": []any{"EnvelopedVerifiableCredential"}}), 200},
		"the token":                    {token, 200},
		"no context":                   {without(envelope, "@context"), 400},
		"an empty context":             {with(envelope, object{"@context": []any{}}), 400},
		"another context":              {with(envelope, object{"@context": "https://www.w3.org/ns/credentials/examples/v2"}), 400},
		"no type":                      {without(envelope, "type"), 400},
		"another type":                 {with(envelope, object{"type": "VerifiableCredential"}), 400},
		"no id":                        {without(envelope, "id"), 400},
		"an id without its scheme":     {with(envelope, object{"id": token}), 400},
		"an id of another type":        {with(envelope, object{"id": "data:text/html," + token}), 400},
		"something beside the token":   {with(envelope, object{"issuer": "did:example:mallory"}), 400},
		"altered claims":               {parts[0] + "." + altered + "." + parts[2], 400},
		"no signature":                 {parts[0] + "." + parts[1] + ".", 400},
		"no algorithm":                 {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"vc+jwt"}`)) + "." + parts[1] + ".", 400},
		"a token within a credential":  {object{"@context": []any{v2}, "type": "VerifiableCredential", "id": envelope["id"]}, 400},
		"a token with a space":         {" " + token, 400},
		"the credential as it was":     {document, 400},
		"a presentation in its place":  {with(envelope, object{"type": "EnvelopedVerifiablePresentation"}), 400},
		"a data: URL in another base":  {with(envelope, object{"id": "data:application/vc+jwt;base64," + base64.StdEncoding.EncodeToString([]byte(token))}), 200},
		"a data: URL that is not that": {with(envelope, object{"id": "data:application/vc+jwt;base64," + token}), 400},
	} {
		t.Run(name, func(t *testing.T) {
			s.conforms(t, "/credentials/verify", verifyRequest(t, tc.credential, nil), tc.status)
		})
	}
}

func decode64(t testing.TB, text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestPresentationsOfEveryInstance(t *testing.T) {
	s := conformance(t)
	identifiers := s.get("/conformance.json").object()
	for _, profile := range append(slices.Clone(profiles), "vc-jwt", "ecdsa-sd-2023") {
		t.Run(profile, func(t *testing.T) {
			kind := "ed25519"
			if strings.HasPrefix(profile, "ecdsa") {
				kind = map[bool]string{true: "p384", false: "p256"}[strings.HasSuffix(profile, "p384")]
			}
			document := object{"@context": []any{v2}, "type": []any{"VerifiableCredential"}, "issuer": identifiers[kind], "credentialSubject": object{"id": "did:example:other"}}
			issuing := profile
			if profile == "ecdsa-sd-2023" {
				issuing = "ecdsa-jcs-2019-p256" // a base proof is not shown
			}
			signed := s.conforms(t, "/"+issuing+"/credentials/issue", string(canonical(t, object{"credential": document})), 201).object()["verifiableCredential"]
			options := object{"challenge": "uzVop9AGABpBkFkIGGrZI0w", "domain": "suite.example"}
			shown := s.conforms(t, "/"+profile+"/presentations/prove", string(canonical(t,
				object{"presentation": object{"@context": []any{v2}, "type": []any{"VerifiablePresentation"}, "verifiableCredential": []any{signed}}, "options": options})), 201).object()["verifiablePresentation"].(object)
			verify := func(presentation any, options object, status int) answer {
				return s.conforms(t, "/presentations/verify", string(canonical(t, object{"verifiablePresentation": presentation, "options": options})), status)
			}
			a := verify(shown, options, 200)
			require.Equal(t, identifiers[kind], a.object()["holder"])
			verify(shown, object{"challenge": "uzVop9AGABpBkFkIGGrZI0w"}, 200) // a domain that nobody names is not compared
			verify(shown, object{"domain": "suite.example", "checks": []any{}}, 200)
			verify(shown, with(options, object{"challenge": "another"}), 400)
			verify(shown, with(options, object{"domain": "another.example"}), 400)
			verify(shown, with(options, object{"expectedProofPurpose": "assertionMethod"}), 400)
			verify(with(shown, object{"@context": []any{}}), options, 400)
			verify(without(shown, "@context"), options, 400)
			verify(with(shown, object{"type": []any{"VerifiableCredential"}}), options, 400)
			if profile == "vc-jwt" {
				require.Equal(t, "EnvelopedVerifiablePresentation", shown["type"])
				verify(with(shown, object{"id": strings.TrimPrefix(shown["id"].(string), "data:application/vp+jwt,")}), options, 400)
				verify(with(shown, object{"type": []any{"VerifiablePresentation"}}), options, 400)
				verify(strings.TrimPrefix(shown["id"].(string), "data:application/vp+jwt,"), options, 200)
				return
			}
			verify(without(shown, "proof"), options, 400)
			verify(with(shown, object{"holder": "did:example:somebody"}), options, 400)
			verify(with(shown, object{"verifiableCredential": []any{with(signed.(object), object{"issuer": "did:example:somebody"})}}), options, 400)
			verify(with(shown, object{"proof": with(shown["proof"].(object), object{"proofPurpose": "assertionMethod"})}), options, 400)
		})
	}
}

// A presentation of VCDM 2.0 need not name its holder, and its credentials may be about others.
func TestPresentationsAsSuitesMakeThem(t *testing.T) {
	s := conformance(t)
	for _, by := range signers(t) {
		t.Run(by.name, func(t *testing.T) {
			credential := by.secured(by.valid(), by.options())
			options := object{"domain": "suite.example", "challenge": "uzVop9AGABpBkFkIGGrZI0w"}
			purpose := with(with(by.options(), options), object{"proofPurpose": "authentication"})
			verify := func(presentation object, status int) {
				s.conforms(t, "/presentations/verify", string(canonical(t, object{"verifiablePresentation": presentation, "options": options})), status)
			}
			document := object{"@context": []any{v2}, "type": []any{"VerifiablePresentation"}, "verifiableCredential": []any{credential}}
			verify(by.secured(document, purpose), 200)
			verify(by.secured(without(document, "verifiableCredential"), purpose), 200)
			verify(by.secured(with(document, object{"holder": object{"id": by.id.String()}}), purpose), 200)
			verify(by.secured(with(document, object{"id": "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008", "holder": by.id.String()}), purpose), 200)
			verify(by.secured(document, by.options()), 400) // neither the purpose nor a challenge
			verify(by.secured(document, without(purpose, "challenge")), 400)
			verify(document, 400)
			bad := by.secured(document, purpose)
			verify(with(bad, object{"verifiableCredential": []any{without(credential, "proof")}}), 400)
			verify(with(bad, object{"@context": []any{v2, "https://example.com"}}), 400)
			verify(with(bad, object{"@context": []any{"https://www.w3.org/ns/credentials/examples/v2", v2}}), 400)
			verify(with(bad, object{"type": []any{"CredentialManagerPresentation"}}), 400)
		})
	}
}

func TestStatusLists(t *testing.T) {
	s := conformance(t)
	id := s.get("/conformance.json").object()["ed25519"].(string)
	document := object{"@context": []any{v2}, "type": []any{"VerifiableCredential"}, "id": "urn:uuid:1", "issuer": id, "credentialSubject": object{"id": "did:example:subject"}}
	issue := func(document object, status int) object {
		a := s.conforms(t, "/bitstring-status-list/credentials/issue", string(canonical(t, object{"credential": document})), status)
		issued, _ := a.object()["verifiableCredential"].(object)
		return issued
	}
	issued := issue(document, 201)
	entry := issued["credentialStatus"].(object)
	require.Equal(t, "BitstringStatusListEntry", entry["type"])
	require.Equal(t, "revocation", entry["statusPurpose"])
	require.Regexp(t, `^\d+$`, entry["statusListIndex"])
	list, err := url.Parse(entry["statusListCredential"].(string))
	require.NoError(t, err)
	get := func(accept string) answer {
		a := s.get(list.Path, "Accept", accept)
		require.Equal(t, http.StatusOK, a.status)
		return a
	}
	for accept, mediaType := range map[string]string{
		"": "application/vc", "*/*": "application/vc", "application/vc": "application/vc", "application/vc, application/json;q=0.5": "application/vc",
		"application/ld+json, application/json": "application/ld+json", "application/json": "application/json",
	} {
		require.Equal(t, mediaType, get(accept).header.Get("Content-Type"), accept)
	}
	published := get("application/json").object()
	require.Contains(t, published["type"], "BitstringStatusListCredential")
	subject := published["credentialSubject"].(object)
	require.Equal(t, "BitstringStatusList", subject["type"])
	require.Equal(t, "revocation", subject["statusPurpose"])
	bits, err := status.DecodeBitstringList(subject["encodedList"].(string), 1)
	require.NoError(t, err)
	require.GreaterOrEqual(t, bits.Len(), 131_072)
	s.conforms(t, "/credentials/verify", verifyRequest(t, published, nil), 200)

	checked := object{"checks": []any{"proof", "credentialStatus"}}
	set := func(body object, status int) answer {
		return s.conforms(t, "/bitstring-status-list/credentials/status", string(canonical(t, body)), status)
	}
	a := s.conforms(t, "/credentials/verify", verifyRequest(t, issued, checked), 200)
	require.Len(t, a.object()["statuses"], 1)
	s.conforms(t, "/credentials/verify", `{"verifiableCredential":`+string(canonical(t, issued))+`}`, 200)
	revoke := object{"credentialId": "urn:uuid:1", "credentialStatus": object{"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}}
	set(revoke, 200)
	set(revoke, 200) // it is
	a = s.conforms(t, "/credentials/verify", verifyRequest(t, issued, checked), 400)
	require.Equal(t, "https://www.w3.org/ns/credentials/status-list#STATUS_VERIFICATION_ERROR", a.object()["type"])
	s.conforms(t, "/credentials/verify", verifyRequest(t, issued, nil), 200) // which does not ask
	set(with(revoke, object{"status": false}), 400)                          // what is revoked stays so
	set(with(revoke, object{"credentialId": "urn:uuid:2"}), 404)
	set(with(revoke, object{"credentialStatus": object{"type": "BitstringStatusListEntry", "statusPurpose": "suspension"}}), 404)
	set(with(revoke, object{"credentialStatus": object{"type": "StatusList2021Entry", "statusPurpose": "revocation"}}), 400)
	set(with(revoke, object{"credentialStatus": object{"type": "BitstringStatusListEntry"}}), 400)
	set(with(revoke, object{"credentialStatus": entry}), 400) // by id or by place
	set(with(revoke, object{"status": 1}), 400)
	set(object{}, 400)
	again := issue(document, 201) // suites issue what they issued before: the id then stands for the new one
	require.NotEqual(t, entry["statusListIndex"], again["credentialStatus"].(object)["statusListIndex"])
	s.conforms(t, "/credentials/verify", verifyRequest(t, again, checked), 200)
	set(revoke, 200)
	s.conforms(t, "/credentials/verify", verifyRequest(t, again, checked), 400)
	issue(with(document, object{"statusEntry": entry}), 400)
	issue(with(document, object{"id": "urn:uuid:3", "undefinedTerm": "x"}), 400)

	// One without an id is found by its place.
	other := issue(without(document, "id"), 201)
	set(object{"credentialStatus": other["credentialStatus"]}, 200)
	s.conforms(t, "/credentials/verify", verifyRequest(t, other, checked), 400)
	free := with(other["credentialStatus"].(object), object{"statusListIndex": "7"})
	if free["statusListIndex"] != entry["statusListIndex"] && free["statusListIndex"] != other["credentialStatus"].(object)["statusListIndex"] {
		set(object{"credentialStatus": free}, 404)
	}
	set(object{"credentialStatus": with(free, object{"statusListIndex": "-1"})}, 400)
	set(object{"credentialStatus": with(free, object{"statusListCredential": "https://other.example/1"})}, 404)

	// A status of its own stays beside the one that is added.
	both := issue(with(document, object{"id": "urn:uuid:4", "credentialStatus": object{"type": "https://example.org/#Status"}}), 201)
	require.Len(t, both["credentialStatus"], 2)
	s.conforms(t, "/credentials/verify", verifyRequest(t, with(issued, object{"credentialStatus": with(entry, object{"statusListIndex": "131072"})}), checked), 400)
}

// The journal outlives the process, and a line that was cut off.
func TestStatusJournal(t *testing.T) {
	issuer := issuerOf(t, 3)
	config := vcapi.StatusConfig{URL: "https://shop.example/status-lists/", Name: "a-", Issuer: issuer, Journal: filepath.Join(t.TempDir(), "journal")}
	lists, err := vcapi.OpenStatusLists(config)
	require.NoError(t, err)
	_, err = vcapi.OpenStatusLists(config)
	require.ErrorContains(t, err, "another process")
	entries, err := lists.Entries("urn:uuid:1")
	require.NoError(t, err)
	require.Len(t, entries, 2)
	_, err = lists.Entries("urn:uuid:1")
	require.ErrorIs(t, err, vcapi.ErrTaken)
	suspend := vcapi.StatusUpdate{CredentialID: "urn:uuid:1", Index: -1, Purpose: "suspension", Value: 1}
	require.NoError(t, lists.Update(suspend))
	require.NoError(t, lists.Close())
	_, err = lists.Entries("urn:uuid:2")
	require.ErrorContains(t, err, "closed")

	whole, err := os.ReadFile(config.Journal)
	require.NoError(t, err)
	info, err := os.Stat(config.Journal)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	require.NoError(t, os.WriteFile(config.Journal, append(bytes.Clone(whole), `{"list":0,"ind`...), 0o600))
	lists, err = vcapi.OpenStatusLists(config)
	require.NoError(t, err)
	_, err = lists.Entries("urn:uuid:1")
	require.ErrorIs(t, err, vcapi.ErrTaken)
	raw, err := lists.List("a-suspension-1")
	require.NoError(t, err)
	v, err := new(vc.Verifier).Verify(t.Context(), raw, vc.IssuedBy(issuer.ID))
	require.NoError(t, err)
	published, err := status.ReadBitstringCredential(v, 1)
	require.NoError(t, err)
	e, err := status.ParseEntry(entries[1])
	require.NoError(t, err)
	is, err := published.List.Get(e.Index)
	require.NoError(t, err)
	require.Equal(t, 1, is)
	suspend.Value = 0
	require.NoError(t, lists.Update(suspend), "a suspension ends")
	require.NoError(t, lists.Close())

	for name, line := range map[string]string{
		"no JSON": "x\n", "an unknown member": `{"list":0,"index":1,"x":1}` + "\n", "a list out of turn": `{"list":7,"index":1}` + "\n",
		"an index outside": `{"list":0,"index":9999999}` + "\n", "an unknown purpose": `{"list":0,"index":1,"purpose":"refresh","value":1}` + "\n",
		"a negative list": `{"list":-1,"index":1}` + "\n", "a long line": `{"credential":"` + strings.Repeat("a", 20<<10) + `"}` + "\n",
	} {
		require.NoError(t, os.WriteFile(config.Journal, append(bytes.Clone(whole), line...), 0o600))
		_, err := vcapi.OpenStatusLists(config)
		require.ErrorContains(t, err, "line 3", name)
	}
	_, err = vcapi.OpenStatusLists(vcapi.StatusConfig{})
	require.ErrorContains(t, err, "URL and Issuer")
	_, err = vcapi.OpenStatusLists(vcapi.StatusConfig{URL: "https://a.example/", Issuer: issuer, Journal: t.TempDir()})
	require.Error(t, err)
}

// The suites' own fixtures: chains of proofs that they signed once and for all.
func TestProofChainFixtures(t *testing.T) {
	s := conformance(t)
	folder := shared.Path(t, "vectors", "w3c-di-assertion-inputs", "inputs", "eddsa-rdfc-2022")
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder, f.Name()))
			require.NoError(t, err)
			want := http.StatusOK
			if strings.Contains(f.Name(), "Fail") {
				want = http.StatusBadRequest
			}
			s.conforms(t, "/credentials/verify", `{"verifiableCredential":`+string(text)+`,"options":{"checks":["proof"]}}`, want)
		})
	}
	require.Len(t, files, 12)
}

// Whoever names what is always shown, and leaves out the status that the service adds, does not
// let the holder hide it.
func TestAddedStatusCannotBeHidden(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	issuer := &vc.Issuer{ID: id, Key: key}
	lists, err := vcapi.OpenStatusLists(vcapi.StatusConfig{URL: "https://shop.example/status-lists/", Issuer: issuer})
	require.NoError(t, err)
	h := newHandler(t)
	h.Instances = []vcapi.Instance{{Issuer: issuer, Statuses: lists, Tokens: []vcapi.Token{tokenOf(t, secret)}, Mandatory: func(pointers []string) vc.Suite {
		return rdfc.ECDSASD2023{MandatoryPointers: pointers}
	}}}
	s := serve(t, h)
	a := s.post("/credentials/issue", `{"credential":`+credential(id)+`,"options":{"mandatoryPointers":["/issuer"]}}`)
	require.Equal(t, 201, a.status, "%s", a.body)
	base, err := json.Marshal(a.object()["verifiableCredential"])
	require.NoError(t, err)
	derived, err := rdfc.ECDSASD2023{}.Derive(base, []string{"/credentialSubject/id"})
	require.NoError(t, err)
	require.Contains(t, string(derived), "BitstringStatusListEntry")
}
