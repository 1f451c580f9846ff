package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
	"github.com/hourmeter/hourmeter/vc/status"
)

const listURL = "https://status.example/lists/1"

// A BitstringStatusListCredential of either side decides over credentials of either
// side: the bit at the entry's place, and no other.
func TestBitstringStatusListsOfEitherSide(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	set := []int{0, 7, 8, 94567, status.MinEntries - 1}
	for _, purpose := range []string{status.Revocation, status.Suspension} {
		ours, key := newKey(t, "Ed25519")
		theirs := p.signs("Ed25519")
		issuer := &vc.Issuer{ID: ours, Key: key, Suite: rdfc.EdDSARDFC2022{}}
		list, err := status.NewBitstringList(status.MinEntries, 1)
		require.NoError(t, err)
		for _, index := range set {
			require.NoError(t, list.Set(index, 1))
		}
		ourList, err := (&status.BitstringCredential{URL: listURL, Purposes: []string{purpose}, List: list}).Sign(issuer)
		require.NoError(t, err)
		theirList := p.document("publish", object{
			"id": listURL, "issuer": theirs, "length": status.MinEntries, "set": set, "purpose": purpose,
			"cryptosuite": "eddsa-rdfc-2022", "key": theirs,
		})
		with := func(index int, issuer did.DID) []byte {
			entry, err := json.Marshal(object{
				"id": fmt.Sprintf("%s#%d", listURL, index), "type": "BitstringStatusListEntry", "statusPurpose": purpose,
				"statusListIndex": fmt.Sprint(index), "statusListCredential": listURL,
			})
			require.NoError(t, err)
			text := credential(credentials[0].text, issuer, issuer)
			return []byte(strings.Replace(string(text), `"validFrom"`, `"credentialStatus":`+string(entry)+`,"validFrom"`, 1))
		}
		for name, c := range map[string]struct {
			list []byte
			sign func(index int) []byte
		}{
			"our list": {ourList, func(index int) []byte {
				raw, err := issuer.AddProof(with(index, ours))
				require.NoError(t, err)
				return raw
			}},
			"their list": {theirList, func(index int) []byte {
				return p.document("issue", object{"document": json.RawMessage(with(index, theirs)), "cryptosuite": "eddsa-rdfc-2022", "key": theirs})
			}},
		} {
			verifier := everything()
			verifier.Status = &status.Checker{Source: status.Static{listURL: {Body: c.list, Fetched: time.Now()}}, Verifier: everything()}
			for _, index := range []int{0, 1, 6, 7, 8, 9, 94566, 94567, status.MinEntries - 2, status.MinEntries - 1} {
				t.Run(fmt.Sprintf("%s of %s, entry %d", name, purpose, index), func(t *testing.T) {
					p := p.on(t)
					p.ask("load", object{"documents": object{listURL: string(c.list)}}, new(object))
					raw := c.sign(index)
					v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
					if slices.Contains(set, index) {
						p.denies("verify", object{"document": json.RawMessage(raw)})
						require.ErrorIs(t, err, vc.ErrStatus)
						return
					}
					p.verifies("verify", object{"document": json.RawMessage(raw)})
					require.NoError(t, err)
					require.Equal(t, purpose, v.Status()[0].Purpose)
				})
			}
			t.Run(name+" of "+purpose+", altered", func(t *testing.T) {
				p := p.on(t)
				other, err := status.NewBitstringList(status.MinEntries, 1)
				require.NoError(t, err)
				zeros, err := other.Encode()
				require.NoError(t, err)
				encoded := members(t, c.list)["credentialSubject"].(object)["encodedList"].(string)
				bad := edited(t, c.list, encoded, zeros)
				raw := c.sign(7)
				p.ask("load", object{"documents": object{listURL: string(bad)}}, new(object))
				p.denies("verify", object{"document": json.RawMessage(raw)})
				verifier := everything()
				verifier.Status = &status.Checker{Source: status.Static{listURL: {Body: bad, Fetched: time.Now()}}, Verifier: everything()}
				_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
				require.Error(t, err)
				require.NotErrorIs(t, err, vc.ErrStatus, "a list that does not verify says nothing")
			})
		}
	}
}

// An encodedList is the same list to both, whoever wrote it, whatever its length.
func TestBitstringsAreReadAlike(t *testing.T) {
	t.Parallel()
	p := start(t, "dataintegrity")
	random := rand.New(rand.NewPCG(1, 2))
	for _, length := range []int{status.MinEntries, status.MinEntries + 8, 1 << 20} {
		list, err := status.NewBitstringList(length, 1)
		require.NoError(t, err)
		var indexes, want []int
		for range 500 {
			require.NoError(t, list.Set(random.IntN(length), 1))
		}
		for range 2000 {
			index := random.IntN(length)
			value, err := list.Get(index)
			require.NoError(t, err)
			indexes, want = append(indexes, index), append(want, value)
		}
		encoded, err := list.Encode()
		require.NoError(t, err)
		var theirs struct {
			Length   int
			Statuses []bool
		}
		p.ask("read", object{"encodedList": encoded, "indexes": indexes}, &theirs)
		require.Equal(t, length, theirs.Length)
		for i, set := range theirs.Statuses {
			require.Equal(t, want[i] == 1, set, indexes[i])
		}
	}
}

// A Status List Token of either side, for every size of a status; both read all of it.
func TestTokenStatusListsOfEitherSide(t *testing.T) {
	t.Parallel()
	p := start(t, "status")
	random := rand.New(rand.NewPCG(3, 4))
	for i, bits := range []int{1, 2, 4, 8} {
		kind := []string{"Ed25519", "P-256", "P-384", "P-256"}[i]
		ours, key := newKey(t, kind)
		theirs := p.signs(kind)
		const length = 4096
		statuses, indexes := make([]int, length), make([]int, length)
		list, err := status.NewTokenList(length, bits)
		require.NoError(t, err)
		for i := range statuses {
			statuses[i], indexes[i] = random.IntN(1<<bits), i
			require.NoError(t, list.Set(i, statuses[i]))
		}
		mine, err := (&status.Token{URI: listURL, Issued: time.Now(), TTL: time.Hour, List: list}).SignJWT(key, ours.URL(ours.Identifier()))
		require.NoError(t, err)
		yours := p.token("publish", object{
			"statuses": statuses, "bits": bits, "key": theirs,
			"payload": object{"sub": listURL, "iss": theirs, "iat": time.Now().Unix(), "exp": time.Now().Unix() + 600, "ttl": 3600},
		})
		mineCWT, err := (&status.Token{URI: listURL, Issued: time.Now(), TTL: time.Hour, List: list}).SignCWT(key, ours.URL(ours.Identifier()))
		require.NoError(t, err)
		yoursCWT := p.message("publishCWT", object{
			"statuses": statuses, "bits": bits, "key": theirs,
			"payload": object{"sub": listURL, "iat": time.Now().Unix(), "exp": time.Now().Unix() + 600, "ttl": 3600},
		})
		for name, c := range map[string]struct {
			issuer, other did.DID
			token         []byte
			read          string
			request       object
		}{
			"our JWT":   {ours, theirs, mine, "read", object{"token": string(mine)}},
			"their JWT": {theirs, ours, yours, "read", object{"token": string(yours)}},
			"our CWT":   {ours, theirs, mineCWT, "readCWT", object{"message": mineCWT}},
			"their CWT": {theirs, ours, yoursCWT, "readCWT", object{"message": yoursCWT}},
		} {
			t.Run(fmt.Sprintf("%s of %d bits by %s", name, bits, kind), func(t *testing.T) {
				p := p.on(t)
				var read struct {
					Bits, Length int
					Statuses     []int
				}
				c.request["uri"], c.request["indexes"] = listURL, indexes
				p.ask(c.read, c.request, &read)
				require.Equal(t, bits, read.Bits)
				require.Equal(t, length, read.Length)
				require.Equal(t, statuses, read.Statuses)

				checker := &status.Checker{
					Source: status.Static{listURL: {Body: c.token, Fetched: time.Now()}},
					Judge:  func(vc.StatusResult) error { return nil },
				}
				for _, index := range indexes {
					claim, err := json.Marshal(status.Reference{Index: index, URI: listURL})
					require.NoError(t, err)
					result, err := checker.CheckStatus(t.Context(), c.issuer, claim, time.Now())
					require.NoError(t, err)
					require.Equal(t, statuses[index], result.Value, index)
				}
				claim := []byte(`{"status_list":{"idx":0,"uri":"` + listURL + `"}}`)
				_, err := checker.CheckStatus(t.Context(), c.other, claim, time.Now())
				require.Error(t, err, "a list says nothing about other issuers' credentials")

				altered := bytes.Replace(c.token, []byte(listURL), []byte("https://status.example/lists/2"), 1)
				if c.read == "read" {
					altered = withPart(c.token, 1, edited(t, part(t, c.token, 1), listURL, "https://status.example/lists/2"))
				}
				p.refuses(c.read, object{"token": string(altered), "message": altered, "uri": "https://status.example/lists/2", "indexes": indexes})
				checker.Source = status.Static{"https://status.example/lists/2": {Body: altered, Fetched: time.Now()}}
				_, err = checker.CheckStatus(t.Context(), c.issuer, []byte(`{"status_list":{"idx":0,"uri":"https://status.example/lists/2"}}`), time.Now())
				require.Error(t, err)
				require.NotErrorIs(t, err, vc.ErrStatus)
			})
		}
	}
}

// The status claim of a credential as a JWT, and of an SD-JWT VC, names its place in a
// Token Status List to both sides, and both take the list's word.
func TestStatusClaimsAreReadAlike(t *testing.T) {
	t.Parallel()
	p, verifier := start(t, "status"), start(t, "sdjwt")
	id, key := newKey(t, "P-256")
	list, err := status.NewTokenList(16, 2)
	require.NoError(t, err)
	require.NoError(t, list.Set(5, status.Invalid))
	token, err := (&status.Token{URI: listURL, Issued: time.Now(), List: list}).SignJWT(key, id.URL(id.Identifier()))
	require.NoError(t, err)
	checker := &status.Checker{Source: status.Static{listURL: {Body: token, Fetched: time.Now()}}}
	for index, want := range map[int]error{4: nil, 5: vc.ErrStatus} {
		claim, err := json.Marshal(status.Reference{Index: index, URI: listURL})
		require.NoError(t, err)
		envelope := &vc.Envelope{
			Document: credential(credentials[0].text, id, id), Method: id.URL(id.Identifier()), Created: time.Now(), Status: claim,
		}
		jwt, err := jose.Format{}.Seal(key, envelope)
		require.NoError(t, err)
		sd, err := (&sdjwt.Issuer{ID: id, Key: key}).IssueVC(&sdjwt.Credential{Type: "https://types.example/t", Status: claim})
		require.NoError(t, err)
		for _, raw := range [][]byte{jwt, sd} {
			var theirs struct {
				Reference struct {
					Idx int
					URI string
				}
			}
			p.ask("reference", object{"token": strings.Split(string(raw), "~")[0]}, &theirs)
			require.Equal(t, index, theirs.Reference.Idx)
			require.Equal(t, listURL, theirs.Reference.URI)
		}
		_, err = (&vc.Verifier{Formats: []vc.Format{jose.Format{}}, Status: checker}).Verify(t.Context(), jwt, vc.AnyIssuer)
		require.ErrorIs(t, err, want)
		_, err = (&sdjwt.Verifier{Status: checker}).VerifyVC(t.Context(), sd, sdjwt.AnyBearer(), sdjwt.AnyIssuer)
		require.ErrorIs(t, err, want)
		request := object{"typ": "dc+sd-jwt", "token": string(sd), "statusList": string(token)}
		if want == nil {
			verifier.ask("verify", request, new(object))
		} else {
			verifier.refuses("verify", request)
		}
	}
}
