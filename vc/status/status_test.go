package status_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/status"
)

const (
	listURL  = "https://shop.example/status/3"
	tokenURL = "https://shop.example/statuslists/1"
)

var day = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func now() time.Time { return day }

func issuer(name string) *vc.Issuer {
	key := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32s", name)))
	id, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	return &vc.Issuer{ID: id, Key: key, Now: now}
}

func method(i *vc.Issuer) did.URL { return i.ID.URL(i.ID.Identifier()) }

// credential is one of the shop's about a drone, with a status.
func credential(t testing.TB, entry any) []byte {
	t.Helper()
	raw, err := issuer("shop").Issue(&vc.Credential{
		Subject: issuer("drone").ID,
		Claim: record.Maintenance{
			Time: day.Add(-2 * time.Hour),
			Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings"},
		},
		Members: map[string]any{"credentialStatus": entry},
	})
	require.NoError(t, err)
	return raw
}

// published is a list of the shop's with one entry set.
func published(t testing.TB, purpose string, index, value, size int) *status.BitstringCredential {
	t.Helper()
	list, err := status.NewBitstringList(status.MinEntries, size)
	require.NoError(t, err)
	require.NoError(t, list.Set(index, value))
	return &status.BitstringCredential{URL: listURL, Purposes: []string{purpose}, List: list}
}

func signed(t testing.TB, c *status.BitstringCredential, by *vc.Issuer) []byte {
	t.Helper()
	raw, err := c.Sign(by)
	require.NoError(t, err)
	return raw
}

func token(t testing.TB, index, value, bits int) *status.Token {
	t.Helper()
	list, err := status.NewTokenList(1000, bits)
	require.NoError(t, err)
	require.NoError(t, list.Set(index, value))
	return &status.Token{URI: tokenURL, Issued: day.Add(-time.Minute), List: list}
}

func at(body []byte) status.Document { return status.Document{Body: body, Fetched: day} }

func packed(list []byte, members int) string {
	var out bytes.Buffer
	for range members {
		z := gzip.NewWriter(&out)
		z.Write(list)
		z.Close()
	}
	return "u" + base64.RawURLEncoding.EncodeToString(out.Bytes())
}

// handMade is a list credential that Sign would not make.
func handMade(t testing.TB, members string) []byte {
	t.Helper()
	shop := issuer("shop")
	raw, err := shop.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],
		"type":["VerifiableCredential","BitstringStatusListCredential"],"issuer":"` + shop.ID.String() + `",` + members + `}`))
	require.NoError(t, err)
	return raw
}

func subject(purpose, encoded string) string {
	return `"id":"` + listURL + `","credentialSubject":{"type":"BitstringStatusList","statusPurpose":` + purpose + `,"encodedList":"` + encoded + `"}`
}

// What a list says of a credential, from the issuer's pen to the verifier's eye.
func TestStatusesOfEveryPurpose(t *testing.T) {
	messages := []status.StatusMessage{{Status: 0, Message: "in review"}, {Status: 1, Message: "accepted"}, {Status: 2, Message: "rejected"}, {Status: 3, Message: "undefined"}}
	for _, c := range []struct {
		name    string
		entry   status.Entry
		value   int
		refused bool
		message string
	}{
		{"not revoked", status.Entry{Purpose: status.Revocation}, 0, false, "unset"},
		{"revoked", status.Entry{Purpose: status.Revocation}, 1, true, ""},
		{"not suspended", status.Entry{Purpose: status.Suspension}, 0, false, "unset"},
		{"suspended", status.Entry{Purpose: status.Suspension}, 1, true, ""},
		{"a newer one is there", status.Entry{Purpose: status.Refresh}, 1, false, "set"},
		{"a message", status.Entry{Purpose: status.Message, Size: 2, Messages: messages, Reference: []string{"https://shop.example/codes"}}, 2, false, "rejected"},
		{"a message of no meaning yet", status.Entry{Purpose: status.Message, Size: 2, Messages: messages}, 3, false, "undefined"},
		{"revoked for one of three reasons", status.Entry{Purpose: status.Revocation, Size: 2, Messages: messages}, 2, true, ""},
		{"a purpose of its own, not set", status.Entry{Purpose: "recall"}, 0, false, "unset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := c.entry
			e.List, e.Index = listURL, 94567
			list := published(t, e.Purpose, e.Index, c.value, max(1, e.Size))
			list.Purposes = append(list.Purposes, "another")
			checker := &status.Checker{Source: status.Static{listURL: at(signed(t, list, issuer("shop")))}, Verifier: &vc.Verifier{Now: now}}
			v, err := (&vc.Verifier{Now: now, Status: checker}).Verify(context.Background(), credential(t, e), vc.AnyIssuer)
			if c.refused {
				require.ErrorIs(t, err, vc.ErrStatus)
				_, ok := errors.AsType[*vc.RejectError](err)
				require.True(t, ok)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []vc.StatusResult{{Purpose: e.Purpose, Value: c.value, Message: c.message, List: listURL, AsOf: day}}, v.Status())
		})
	}
}

func TestSeveralEntries(t *testing.T) {
	const other = "https://shop.example/status/4"
	suspension := published(t, status.Suspension, 5, 1, 1)
	suspension.URL = other
	checker := &status.Checker{Source: status.Static{
		listURL: at(signed(t, published(t, status.Revocation, 7, 1, 1), issuer("shop"))),
		other:   at(signed(t, suspension, issuer("shop"))),
	}, Verifier: &vc.Verifier{Now: now}}
	verifier := &vc.Verifier{Now: now, Status: checker}
	entries := func(revocation, suspension int) []byte {
		return credential(t, []status.Entry{
			{ID: listURL + "#e", Purpose: status.Revocation, List: listURL, Index: revocation},
			{Purpose: status.Suspension, List: other, Index: suspension},
		})
	}
	v, err := verifier.Verify(context.Background(), entries(1, 1), vc.AnyIssuer)
	require.NoError(t, err)
	require.Len(t, v.Status(), 2)
	_, err = verifier.Verify(context.Background(), entries(7, 1), vc.AnyIssuer)
	require.ErrorContains(t, err, "revocation: set")
	_, err = verifier.Verify(context.Background(), entries(1, 5), vc.AnyIssuer)
	require.ErrorContains(t, err, "suspension: set")
}

func TestStatusesOfTokens(t *testing.T) {
	shop := issuer("shop")
	for _, form := range []string{"JWT", "CWT"} {
		for _, c := range []struct {
			bits, value int
			message     string
			refused     bool
		}{{1, 0, "VALID", false}, {1, 1, "", true}, {2, 2, "", true}, {4, 0, "VALID", false}, {8, 1, "", true}} {
			t.Run(fmt.Sprint(form, c.bits, c.value), func(t *testing.T) {
				list := token(t, 77, c.value, c.bits)
				list.Expires, list.TTL, list.Aggregation = day.Add(time.Hour), time.Hour, "https://shop.example/statuslists"
				sign := list.SignJWT
				if form == "CWT" {
					sign = list.SignCWT
				}
				raw, err := sign(shop.Key, method(shop))
				require.NoError(t, err)
				doc := at(raw)
				doc.MediaType = "application/statuslist+" + strings.ToLower(form)
				checker := &status.Checker{Source: status.Static{tokenURL: doc}}
				claim, err := status.Reference{Index: 77, URI: tokenURL}.MarshalJSON()
				require.NoError(t, err)
				require.Equal(t, `{"status_list":{"idx":77,"uri":"`+tokenURL+`"}}`, string(claim))
				got, err := checker.CheckStatus(context.Background(), shop.ID, claim, day)
				if c.refused {
					require.ErrorIs(t, err, vc.ErrStatus)
					return
				}
				require.NoError(t, err)
				require.Equal(t, vc.StatusResult{Purpose: status.StatusList, Value: c.value, Message: c.message, List: tokenURL, AsOf: day}, got)
			})
		}
	}
}

// Whatever else is wrong is no verdict on the credential: it was not found out.
func TestListsThatAreNotBelieved(t *testing.T) {
	shop := issuer("shop")
	zeros := make([]byte, status.MinEntries/8)
	revocation := published(t, status.Revocation, 9, 1, 1)
	good := signed(t, revocation, shop)
	later := *revocation
	later.ValidFrom, later.ValidUntil = day.Add(-2*time.Hour), day.Add(-time.Hour)
	elsewhere := *revocation
	elsewhere.URL = "https://shop.example/status/4"
	entry := status.Entry{Purpose: status.Revocation, List: listURL, Index: 8}
	untyped, err := shop.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` +
		shop.ID.String() + `",` + subject(`"revocation"`, packed(zeros, 1)) + `}`))
	require.NoError(t, err)
	altered := bytes.Replace(good, []byte(`"revocation"`), []byte(`"suspension"`), 1)
	message := status.Entry{Purpose: status.Message, List: listURL, Index: 8, Size: 2, Messages: []status.StatusMessage{{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}}}

	for _, c := range []struct {
		name    string
		entry   status.Entry
		list    []byte
		problem status.Problem
		says    string
	}{
		{"list of another issuer", entry, signed(t, revocation, issuer("stranger")), status.VerificationError, "was not named"},
		{"wrong purpose", status.Entry{Purpose: status.Suspension, List: listURL}, good, status.VerificationError, "not for"},
		{"index out of range", status.Entry{Purpose: status.Revocation, List: listURL, Index: status.MinEntries}, good, status.RangeError, "index 131072 of a list of 131072"},
		{"list too short", entry, handMade(t, subject(`"revocation"`, packed(zeros[1:], 1))), status.LengthError, "131064 entries"},
		{"too short for entries of two bits", message, handMade(t, subject(`"message"`, packed(zeros, 1))), status.LengthError, "65536 entries"},
		{"zip bomb", entry, handMade(t, subject(`"revocation"`, packed(make([]byte, status.MaxListBytes+1), 1))), status.MalformedError, "more than 16777216 bytes"},
		{"garbage for GZIP", entry, handMade(t, subject(`"revocation"`, "u"+strings.Repeat("QUJD", 20))), status.MalformedError, "not compressed"},
		{"two GZIP members", entry, handMade(t, subject(`"revocation"`, packed(zeros, 2))), status.MalformedError, "bytes follow"},
		{"no multibase", entry, handMade(t, subject(`"revocation"`, packed(zeros, 1)[1:])), status.MalformedError, `does not begin with "u"`},
		{"no list", entry, handMade(t, `"id":"`+listURL+`","credentialSubject":{"type":"BitstringStatusList","statusPurpose":"revocation"}`), status.MalformedError, "encodedList is missing"},
		{"no purpose", entry, handMade(t, `"id":"`+listURL+`","credentialSubject":{"type":"BitstringStatusList","encodedList":"`+packed(zeros, 1)+`"}`), status.MalformedError, "statusPurpose"},
		{"a purpose that is no string", entry, handMade(t, subject(`[1]`, packed(zeros, 1))), status.MalformedError, "statusPurpose"},
		{"another subject's type", entry, handMade(t, `"id":"`+listURL+`","credentialSubject":{"type":["BitstringStatusList","BitstringStatusListEntry"],"statusPurpose":"revocation","encodedList":"`+packed(zeros, 1)+`"}`), status.MalformedError, "type"},
		{"a credential of another type", entry, untyped, status.MalformedError, "not a"},
		{"expired list", entry, signed(t, &later, shop), status.VerificationError, "expired"},
		{"list of another URL", entry, signed(t, &elsewhere, shop), status.VerificationError, "it is another list"},
		{"list of no URL", entry, handMade(t, strings.Replace(subject(`"revocation"`, packed(zeros, 1)), `"id":"`+listURL+`",`, "", 1)), status.VerificationError, "it is another list"},
		{"altered list", status.Entry{Purpose: status.Suspension, List: listURL}, altered, status.VerificationError, "proof does not hold"},
		{"oversized", entry, bytes.Repeat([]byte(" "), vc.MaxCredentialBytes+1), status.VerificationError, "at most"},
		{"duplicate member", entry, bytes.Replace(good, []byte(`"validFrom"`), []byte(`"id":"`+listURL+`","validFrom"`), 1), status.VerificationError, "id"},
		{"case-variant member", entry, bytes.Replace(good, []byte(`"validFrom"`), []byte(`"ID":"x:y","validFrom"`), 1), status.VerificationError, "case-sensitive"},
		{"unreachable", entry, nil, status.RetrievalError, "at hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := status.Static{}
			if c.list != nil {
				source[listURL] = at(c.list)
			}
			checker := &status.Checker{Source: source, Verifier: &vc.Verifier{Now: now}}
			verifier := &vc.Verifier{Now: now, Status: checker}
			raw := credential(t, c.entry)
			_, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
			e, ok := errors.AsType[*status.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.problem, e.Problem, "%v", err)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, listURL, e.List)
			_, rejected := errors.AsType[*vc.RejectError](err)
			require.False(t, rejected)

			findings := verifier.Report(context.Background(), raw, vc.AnyIssuer).Findings
			i := len(findings) - 2
			require.Equal(t, vc.CheckStatus, findings[i].Check)
			require.Equal(t, vc.Indeterminate, findings[i].Outcome)
			require.Regexp(t, "^https://www.w3.org/.*#"+string(c.problem)+"$", findings[i].Problem().Type)
		})
	}
}

// incomplete is an entry that says nothing.
var incomplete = map[string]string{"id": "https://shop.example/status/9", "type": "BitstringStatusListEntry"}

func TestTokensThatAreNotBelieved(t *testing.T) {
	shop, stranger := issuer("shop"), issuer("stranger")
	good := token(t, 9, 1, 1)
	raw, err := good.SignJWT(shop.Key, method(shop))
	require.NoError(t, err)
	change := func(f func(*status.Token)) *status.Token {
		c := *good
		f(&c)
		return &c
	}
	jwt := func(t2 *status.Token, by *vc.Issuer, as did.URL) []byte {
		raw, err := t2.SignJWT(by.Key, as)
		require.NoError(t, err)
		return raw
	}
	cwt, err := good.SignCWT(shop.Key, method(shop))
	require.NoError(t, err)
	payload := func(text string) []byte {
		parts := strings.Split(string(raw), ".")
		return []byte(parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[2])
	}
	const whole = `"iat":1795000000,"sub":"` + tokenURL + `","status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}`
	var bomb bytes.Buffer
	z := zlib.NewWriter(&bomb)
	z.Write(make([]byte, status.MaxListBytes+1))
	z.Close()
	lst := base64.RawURLEncoding.EncodeToString(bomb.Bytes())

	for _, c := range []struct {
		name      string
		index     int
		body      []byte
		mediaType string
		problem   status.Problem
		says      string
	}{
		{"another issuer", 8, jwt(good, stranger, method(stranger)), "", status.VerificationError, "was not named"},
		{"another's key", 8, jwt(good, stranger, method(shop)), "", status.VerificationError, "signature"},
		{"index out of range", 1000, raw, "", status.RangeError, "index 1000 of a list of 1000"},
		{"another list", 8, jwt(change(func(t *status.Token) { t.URI += "0" }), shop, method(shop)), "", status.VerificationError, "another list"},
		{"expired", 8, jwt(change(func(t *status.Token) { t.Issued, t.Expires = day.Add(-time.Hour), day.Add(-5*time.Minute) }), shop, method(shop)), "", status.VerificationError, "expired"},
		{"issued in the future", 8, jwt(change(func(t *status.Token) { t.Issued = day.Add(2 * time.Minute) }), shop, method(shop)), "", status.VerificationError, "yet to come"},
		{"a JWT said to be a CWT", 8, raw, "application/statuslist+cwt", status.MalformedError, "says it is"},
		{"a CWT said to be a JWT", 8, cwt, "Application/StatusList+JWT", status.MalformedError, "says it is"},
		{"altered payload", 8, payload("{" + whole + "}"), "", status.VerificationError, "signature"},
		{"altered CWT", 8, append(bytes.Clone(cwt[:len(cwt)-1]), cwt[len(cwt)-1]^1), "", status.VerificationError, "signature"},
		{"no list", 8, payload(`{"iat":1795000000,"sub":"` + tokenURL + `"}`), "", status.MalformedError, "status_list is missing"},
		{"no iat", 8, payload(strings.Replace("{"+whole+"}", `"iat":1795000000,`, "", 1)), "", status.MalformedError, "iat"},
		{"no sub", 8, payload(strings.Replace("{"+whole+"}", `"sub"`, `"sob"`, 1)), "", status.MalformedError, "sub"},
		{"three bits", 8, payload(strings.Replace("{"+whole+"}", `"bits":1`, `"bits":3`, 1)), "", status.MalformedError, "3 bits"},
		{"bits that are no integer", 8, payload(strings.Replace("{"+whole+"}", `"bits":1`, `"bits":1.0`, 1)), "", status.MalformedError, "0 bits"},
		{"duplicate member", 8, payload("{" + whole + `,"sub":"` + tokenURL + `"}`), "", status.MalformedError, "sub"},
		{"case-variant member", 8, payload("{" + whole + `,"Exp":1}`), "", status.MalformedError, "case-sensitive"},
		{"case-variant member of the list", 8, payload(strings.Replace("{"+whole+"}", `"bits":1`, `"bits":1,"Lst":""`, 1)), "", status.MalformedError, "case-sensitive"},
		{"no time to live", 8, payload("{" + whole + `,"ttl":0}`), "", status.MalformedError, "ttl"},
		{"zip bomb", 8, payload(strings.Replace("{"+whole+"}", "eNrbuRgAAhcBXQ", lst, 1)), "", status.MalformedError, "more than 16777216 bytes"},
		{"garbage for ZLIB", 8, payload(strings.Replace("{"+whole+"}", "eNrbuRgAAhcBXQ", "AAAA", 1)), "", status.MalformedError, "not compressed"},
		{"bytes after ZLIB", 8, payload(strings.Replace("{"+whole+"}", "eNrbuRgAAhcBXQ", "eNrbuRgAAhcBXQAA", 1)), "", status.MalformedError, "follow"},
		{"padding", 8, payload(strings.Replace("{"+whole+"}", "eNrbuRgAAhcBXQ", "eNrbuRgAAhcBXQ==", 1)), "", status.MalformedError, "base64url"},
		{"a vc+jwt", 8, []byte("eyJhbGciOiJFZERTQSIsInR5cCI6InZjK2p3dCIsImtpZCI6ImRpZDpleGFtcGxlOmEjYiJ9.e30.AAAA"), "", status.MalformedError, "typ is"},
		{"nothing", 8, []byte{}, "", status.MalformedError, ""},
		{"a page of HTML", 8, []byte("<html>"), "", status.MalformedError, ""},
		{"a CBOR array", 8, []byte{0x84, 0x40, 0xa0, 0x40, 0x40}, "", status.MalformedError, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := at(c.body)
			doc.MediaType = c.mediaType
			checker := &status.Checker{Source: status.Static{tokenURL: doc}}
			claim, err := status.Reference{Index: c.index, URI: tokenURL}.MarshalJSON()
			require.NoError(t, err)
			_, err = checker.CheckStatus(context.Background(), shop.ID, claim, day)
			e, ok := errors.AsType[*status.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.problem, e.Problem, "%v", err)
			require.ErrorContains(t, err, c.says)
			require.NotErrorIs(t, err, vc.ErrStatus)
		})
	}
}

// An entry that cannot be read was signed like that, and will stay so.
func TestMalformedEntries(t *testing.T) {
	const good = `{"id":"https://shop.example/e","type":"BitstringStatusListEntry","statusPurpose":"message","statusListIndex":"7","statusListCredential":"https://shop.example/status/3","statusSize":1,"statusMessage":[{"status":"0x0","message":"a"},{"status":"0x1","message":"b"}],"statusReference":"https://shop.example/codes"}`
	e, err := status.ParseEntry([]byte(good))
	require.NoError(t, err)
	require.Equal(t, status.Entry{ID: "https://shop.example/e", Purpose: "message", List: listURL, Index: 7, Size: 1,
		Messages: []status.StatusMessage{{0, "a"}, {1, "b"}}, Reference: []string{"https://shop.example/codes"}}, e)
	for _, c := range []struct{ name, old, new string }{
		{"duplicate member", `"type"`, `"id":"https://shop.example/e","type"`},
		{"case-variant member", `"statusSize":1`, `"StatusSize":1`},
		{"no type", `"type":"BitstringStatusListEntry",`, ``},
		{"no purpose", `"statusPurpose":"message",`, ``},
		{"a purpose that is no string", `"message","statusListIndex"`, `["message"],"statusListIndex"`},
		{"no index", `"statusListIndex":"7",`, ``},
		{"an index that is a number", `"7"`, `7`},
		{"an index that is true", `"7"`, `true`},
		{"a negative index", `"7"`, `"-7"`},
		{"a signed index", `"7"`, `"+7"`},
		{"an index in hexadecimal", `"7"`, `"0x7"`},
		{"an index with a zero before it", `"7"`, `"07"`},
		{"an index of nothing", `"7"`, `""`},
		{"an index with a fraction", `"7"`, `"7.0"`},
		{"no list", `"statusListCredential":"https://shop.example/status/3",`, ``},
		{"a list that is no URL", `https://shop.example/status/3`, `status/3`},
		{"the list's URL as id", `https://shop.example/e"`, `https://shop.example/status/3"`},
		{"a size of nothing", `"statusSize":1`, `"statusSize":0`},
		{"a size that is text", `"statusSize":1`, `"statusSize":"1"`},
		{"a size that is not read", `"statusSize":1`, `"statusSize":16`},
		{"fewer messages than values", `,{"status":"0x1","message":"b"}`, ``},
		{"messages for two bits", `"statusSize":1`, `"statusSize":2`},
		{"no messages for two bits", `"statusSize":1,"statusMessage":[{"status":"0x0","message":"a"},{"status":"0x1","message":"b"}]`, `"statusSize":2`},
		{"a status listed twice", `"0x1"`, `"0x0"`},
		{"a status that does not fit", `"0x1"`, `"0x2"`},
		{"a status that is not hexadecimal", `"0x1"`, `"1"`},
		{"messages that are no array", `[{"status":"0x0","message":"a"},{"status":"0x1","message":"b"}]`, `{"status":"0x0","message":"a"}`},
		{"a message of no text", `"message":"b"`, `"text":"b"`},
		{"a reference that is no URL", `"https://shop.example/codes"`, `["codes"]`},
		{"a reference that is an object", `"https://shop.example/codes"`, `{}`},
		{"no JSON", `{"id"`, `"id"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, 1, min(1, strings.Count(good, c.old)))
			text := []byte(strings.Replace(good, c.old, c.new, 1))
			_, err := status.ParseEntry(text)
			require.ErrorIs(t, err, vc.ErrMalformed)
			e, ok := errors.AsType[*status.Error](err)
			require.True(t, ok)
			require.Equal(t, status.MalformedError, e.Problem)
		})
	}
	for _, claim := range []string{
		`{}`, `{"status_list":{}}`, `{"status_list":{"idx":-1,"uri":"x:y"}}`, `{"status_list":{"idx":"1","uri":"x:y"}}`, `{"status_list":{"idx":1.5,"uri":"x:y"}}`,
		`{"status_list":{"idx":1}}`, `{"status_list":{"idx":1,"uri":"y"}}`, `{"status_list":{"idx":1,"IDX":2,"uri":"x:y"}}`, `{"status_list":{"idx":-0,"uri":"x:y"}}`,
	} {
		_, err := status.ParseReference([]byte(claim))
		require.ErrorIs(t, err, vc.ErrMalformed, claim)
	}
	_, err = (&vc.Verifier{Now: now, Status: &status.Checker{}}).Verify(context.Background(), credential(t, incomplete), vc.AnyIssuer)
	rejected, ok := errors.AsType[*vc.RejectError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, vc.ErrMalformed, rejected.Reason)
}

// Who signed a token: kid is a DID URL, or a fragment of iss, or missing where iss has one key.
func TestWhoSignedAToken(t *testing.T) {
	shop := issuer("shop")
	claims := func(iss string) []byte {
		return []byte(`{` + iss + `"iat":` + fmt.Sprint(day.Unix()) + `,"sub":"` + tokenURL + `","status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`)
	}
	own := `"iss":"` + shop.ID.String() + `",`
	for _, c := range []struct{ name, kid, iss, says string }{
		{"a DID URL", method(shop).String(), "", ""},
		{"a DID URL, and its DID", method(shop).String(), own, ""},
		{"a fragment", "#" + shop.ID.Identifier(), own, ""},
		{"a fragment without its sign", shop.ID.Identifier(), own, ""},
		{"none, by who has one key", "", own, ""},
		{"none, by who may have many", "", `"iss":"did:web:shop.example",`, "want the DID URL"},
		{"nobody", "", "", "no DID URL"},
		{"a number, by a web site", "12", `"iss":"https://example.com",`, "no DID URL"},
		{"no key of that DID", "#other", own, "key did:key"},
		{"a DID alone", shop.ID.String(), "", "no fragment"},
		{"a DID URL, and another DID", method(shop).String(), `"iss":"` + issuer("stranger").ID.String() + `",`, "its iss is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := jws.Sign(shop.Key, jws.Header{Typ: "statuslist+jwt", Kid: c.kid}, claims(c.iss))
			require.NoError(t, err)
			checker := &status.Checker{Source: status.Static{tokenURL: at(raw)}}
			_, err = checker.CheckStatus(context.Background(), shop.ID, []byte(`{"status_list":{"idx":1,"uri":"`+tokenURL+`"}}`), day)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

// What an entry says can be read back from a credential that was verified.
func TestEntriesOfAVerifiedCredential(t *testing.T) {
	entries := []status.Entry{{Purpose: status.Revocation, List: listURL, Index: 1}, {Purpose: status.Suspension, List: listURL, Index: 2}}
	list := published(t, status.Revocation, 9, 1, 1)
	list.Purposes = append(list.Purposes, status.Suspension)
	checker := &status.Checker{Source: status.Static{listURL: at(signed(t, list, issuer("shop")))}, Verifier: &vc.Verifier{Now: now}}
	v, err := (&vc.Verifier{Now: now, Status: checker}).Verify(context.Background(), credential(t, entries), vc.AnyIssuer)
	require.NoError(t, err)
	var again []status.Entry
	found, err := v.Member("credentialStatus", &again)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, entries, again)
	var claim status.Reference
	require.NoError(t, claim.UnmarshalJSON([]byte(`{"status_list":{"idx":3,"uri":"x:y"}}`)))
	require.Equal(t, status.Reference{Index: 3, URI: "x:y"}, claim)
}

// A list of entries of another size than the entry's is not read with the wrong one.
func TestAnotherSize(t *testing.T) {
	contexts, err := new(vc.Contexts).With("https://shop.example/size", []byte(`{"@context":{"statusSize":"https://www.w3.org/ns/credentials/status#statusSize"}}`))
	require.NoError(t, err)
	shop := issuer("shop")
	shop.Contexts = contexts
	raw, err := shop.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2","https://shop.example/size"],
		"type":["VerifiableCredential","BitstringStatusListCredential"],"issuer":"` + shop.ID.String() + `",` +
		strings.Replace(subject(`"revocation"`, packed(make([]byte, status.MinEntries), 1)), `"encodedList"`, `"statusSize":2,"encodedList"`, 1) + `}`))
	require.NoError(t, err)
	messages := []status.StatusMessage{{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}}
	for size, says := range map[int]string{1: "its statusSize is 2, the entry's is 1", 2: ""} {
		entry := status.Entry{Purpose: status.Revocation, List: listURL, Index: 8, Size: size}
		if size == 2 {
			entry.Messages = messages
		}
		text, err := entry.MarshalJSON()
		require.NoError(t, err)
		checker := &status.Checker{Source: status.Static{listURL: at(raw)}, Verifier: &vc.Verifier{Now: now, Contexts: contexts}}
		_, err = checker.CheckStatus(context.Background(), shop.ID, text, day)
		if says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, says)
		require.NotErrorIs(t, err, vc.ErrStatus)
	}
}

// The zero Checker finds out nothing, and says so with an error of the kind that says to try again.
func TestZeroChecker(t *testing.T) {
	verifier := &vc.Verifier{Now: now, Status: &status.Checker{}}
	_, err := verifier.Verify(context.Background(), credential(t, status.Entry{Purpose: status.Revocation, List: listURL}), vc.AnyIssuer)
	e, ok := errors.AsType[*status.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, status.RetrievalError, e.Problem)
	_, err = verifier.Verify(context.Background(), credential(t, map[string]string{"id": "https://shop.example/1", "type": "https://shop.example/OwnStatus"}), vc.AnyIssuer)
	unchecked, ok := errors.AsType[*vc.UncheckedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "https://shop.example/OwnStatus", unchecked.Type)
}

// What the caller of a Checker may allow.
func TestWhatACheckerIsTold(t *testing.T) {
	shop, registry := issuer("shop"), issuer("registry")
	ctx := context.Background()
	entry, err := status.Entry{Purpose: "recall", List: listURL, Index: 9}.MarshalJSON()
	require.NoError(t, err)
	source := status.Static{listURL: at(signed(t, published(t, "recall", 9, 1, 1), registry))}
	checker := &status.Checker{Source: source, Verifier: &vc.Verifier{Now: now}, Issuers: []did.DID{registry.ID}}
	_, err = checker.CheckStatus(ctx, shop.ID, entry, day)
	require.ErrorContains(t, err, "give the Checker a Judge")
	require.NotErrorIs(t, err, vc.ErrStatus)
	checker = &status.Checker{Source: source, Verifier: &vc.Verifier{Now: now}, Issuers: []did.DID{registry.ID}, Judge: func(r vc.StatusResult) error {
		if r.Purpose == "recall" && r.Value == 1 {
			return fmt.Errorf("%w: recalled", vc.ErrStatus)
		}
		return status.Judge(r)
	}}
	_, err = checker.CheckStatus(ctx, shop.ID, entry, day)
	require.ErrorIs(t, err, vc.ErrStatus)

	// A list without a name, and a short one.
	entry, err = status.Entry{Purpose: status.Revocation, List: listURL, Index: 3}.MarshalJSON()
	require.NoError(t, err)
	unnamed := handMade(t, strings.Replace(subject(`"revocation"`, packed(make([]byte, 2), 1)), `"id":"`+listURL+`",`, "", 1))
	checker = &status.Checker{Source: status.Static{listURL: at(unnamed)}, Verifier: &vc.Verifier{Now: now}, Unnamed: true, MinEntries: 16}
	got, err := checker.CheckStatus(ctx, shop.ID, entry, day)
	require.NoError(t, err)
	require.Zero(t, got.Value)

	// Nobody is its own issuer without a DID.
	_, err = checker.CheckStatus(ctx, did.DID{}, entry, day)
	require.ErrorContains(t, err, "was not named")
}

// The status of a list's own credential is looked at as well, one list deep, and never in itself.
func TestListsOnTopOfEachOther(t *testing.T) {
	url := func(i int) string { return fmt.Sprintf("https://shop.example/status/%d", i) }
	onTop := func(i, above int, value int) []byte {
		list := published(t, status.Revocation, 9, value, 1)
		encoded, err := list.List.Encode()
		require.NoError(t, err)
		own := ""
		if above > 0 {
			entry, err := status.Entry{Purpose: status.Revocation, List: url(above), Index: 9}.MarshalJSON()
			require.NoError(t, err)
			own = `"credentialStatus":` + string(entry) + `,`
		}
		return handMade(t, own+`"id":"`+url(i)+`","credentialSubject":{"type":"BitstringStatusList","statusPurpose":"revocation","encodedList":"`+encoded+`"}`)
	}
	for _, c := range []struct {
		name   string
		source status.Static
		says   string
	}{
		{"two", status.Static{url(1): at(onTop(1, 2, 0)), url(2): at(onTop(2, 0, 0))}, ""},
		{"three", status.Static{url(1): at(onTop(1, 2, 0)), url(2): at(onTop(2, 3, 0)), url(3): at(onTop(3, 0, 0))}, "more than 2 lists"},
		{"in itself", status.Static{url(1): at(onTop(1, 1, 0))}, "in itself"},
		{"in each other", status.Static{url(1): at(onTop(1, 2, 0)), url(2): at(onTop(2, 1, 0))}, "in itself"},
		{"a list that is revoked", status.Static{url(1): at(onTop(1, 2, 0)), url(2): at(onTop(2, 0, 1))}, "revoked or suspended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checker := &status.Checker{Source: c.source}
			checker.Verifier = &vc.Verifier{Now: now, Status: checker}
			entry, err := status.Entry{Purpose: status.Revocation, List: url(1), Index: 8}.MarshalJSON()
			require.NoError(t, err)
			_, err = checker.CheckStatus(context.Background(), issuer("shop").ID, entry, day)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			require.NotErrorIs(t, err, vc.ErrStatus, "what is wrong with a list is no verdict on the credential")
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := packed([]byte("list"), 1)
	raw, err := base64.RawURLEncoding.DecodeString(good[1:])
	require.NoError(t, err)
	again := func(f func([]byte) []byte) string {
		return "u" + base64.RawURLEncoding.EncodeToString(f(bytes.Clone(raw)))
	}
	list, err := status.DecodeBitstringList(good, 8)
	require.NoError(t, err)
	require.Equal(t, 4, list.Len())
	for _, c := range []struct{ name, encoded, says string }{
		{"empty", "", `"u"`},
		{"base58btc", "z" + good[1:], `"u"`},
		{"padded", good + "=", "base64url"},
		{"a line break", good[:10] + "\n" + good[10:], "line break"},
		{"cut off", again(func(b []byte) []byte { return b[:len(b)-1] }), "not compressed"},
		{"a wrong checksum", again(func(b []byte) []byte { b[len(b)-5] ^= 1; return b }), "not compressed"},
		{"a wrong length", again(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), "not compressed"},
		{"a byte after it", again(func(b []byte) []byte { return append(b, 0) }), "1 bytes follow"},
		{"an empty list", packed(nil, 1), "empty"},
		{"more than is read", "u" + strings.Repeat("A", status.MaxPackedBytes*4/3+8), "too many"},
	} {
		_, err := status.DecodeBitstringList(c.encoded, 1)
		require.ErrorContains(t, err, c.says, c.name)
	}
	for _, size := range []int{-1, 0, 9, 16} {
		_, err := status.DecodeBitstringList(good, size)
		require.ErrorContains(t, err, "want 1 to 8")
		_, err = status.NewBitstringList(status.MinEntries, size)
		require.ErrorContains(t, err, "want 1 to 8")
		_, err = status.NewTokenList(10, size)
		require.ErrorContains(t, err, "want 1, 2, 4 or 8")
	}
	_, err = status.NewBitstringList(status.MinEntries-1, 1)
	require.ErrorContains(t, err, "at least 131072")
	_, err = status.NewBitstringList(status.MaxListBytes*8+1, 1)
	require.ErrorContains(t, err, "at most")
}

// Entries of every size hold what was put in, and disturb no other.
func TestEntriesOfEverySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "size")
		list, err := status.NewBitstringList(status.MinEntries, size)
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]int{}
		for range rapid.IntRange(0, 40).Draw(t, "sets") {
			i := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(status.MinEntries-40, status.MinEntries-1)).Draw(t, "index")
			want[i] = rapid.IntRange(0, 1<<size-1).Draw(t, "value")
			if err := list.Set(i, want[i]); err != nil {
				t.Fatal(err)
			}
		}
		encoded, err := list.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := status.DecodeBitstringList(encoded, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range append(append([]int{}, rangeOf(0, 48)...), rangeOf(status.MinEntries-48, status.MinEntries)...) {
			if got, err := again.Get(i); err != nil || got != want[i] {
				t.Fatalf("index %d: %d, %v, want %d", i, got, err, want[i])
			}
		}
	})
}

func rangeOf(from, to int) (list []int) {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

// Every place is given once, and in no order.
func TestIndexes(t *testing.T) {
	taken, err := status.NewBitstringList(status.MinEntries, 1)
	require.NoError(t, err)
	indexes, err := status.NewIndexes(taken)
	require.NoError(t, err)
	seen := map[int]bool{}
	ascending, last := 0, -1
	for range 2000 {
		i, err := indexes.Take()
		require.NoError(t, err)
		require.False(t, seen[i])
		seen[i] = true
		if i > last {
			ascending++
		}
		last = i
	}
	require.InDelta(t, 1000, ascending, 150, "one in two follows a smaller one, if they are random")
	require.Equal(t, status.MinEntries-2000, indexes.Free())

	// It goes on where it was left, to the last place.
	encoded, err := indexes.Encode()
	require.NoError(t, err)
	stored, err := status.DecodeBitstringList(encoded, 1)
	require.NoError(t, err)
	for i := range stored.Len() {
		value, err := stored.Get(i)
		require.NoError(t, err)
		require.Equal(t, seen[i], value == 1)
		if i >= 100 {
			require.NoError(t, stored.Set(i, 1))
		}
	}
	before := 0
	for i := range 100 {
		if seen[i] {
			before++
		}
	}
	indexes, err = status.NewIndexes(stored)
	require.NoError(t, err)
	require.Equal(t, 100-before, indexes.Free())
	for range 100 - before {
		i, err := indexes.Take()
		require.NoError(t, err)
		require.Less(t, i, 100)
		require.False(t, seen[i])
		seen[i] = true
	}
	_, err = indexes.Take()
	require.ErrorIs(t, err, status.ErrFull)

	wide, err := status.NewBitstringList(status.MinEntries, 2)
	require.NoError(t, err)
	_, err = status.NewIndexes(wide)
	require.Error(t, err)
}

// An issuer reads back what it has published, changes it and publishes it again.
func TestUpdate(t *testing.T) {
	shop := issuer("shop")
	list := published(t, status.Suspension, 12, 2, 2)
	list.Purposes = append(list.Purposes, status.Message)
	list.TTL, list.ValidFrom, list.ValidUntil = 90*time.Second, day, day.Add(time.Hour)
	v, err := (&vc.Verifier{Now: now}).Verify(context.Background(), signed(t, list, shop), vc.IssuedBy(shop.ID))
	require.NoError(t, err)
	again, err := status.ReadBitstringCredential(v, 2)
	require.NoError(t, err)
	require.Equal(t, list, again)

	_, err = (&status.BitstringCredential{List: list.List, Purposes: []string{"x"}}).Sign(shop)
	require.ErrorContains(t, err, "URL")
	_, err = (&status.BitstringCredential{List: list.List, URL: listURL}).Sign(shop)
	require.ErrorContains(t, err, "statusPurpose")
	short, err := status.DecodeBitstringList(packed([]byte("short"), 1), 1)
	require.NoError(t, err)
	_, err = (&status.BitstringCredential{List: short, URL: listURL, Purposes: []string{"x"}}).Sign(shop)
	require.ErrorContains(t, err, "at least 131072")
}

func TestTokensThatAreNotSigned(t *testing.T) {
	shop := issuer("shop")
	for _, c := range []struct {
		name string
		f    func(*status.Token)
	}{
		{"no list", func(t *status.Token) { t.List = nil }},
		{"no URI", func(t *status.Token) { t.URI = "" }},
		{"no time", func(t *status.Token) { t.Issued = time.Time{} }},
		{"expires before it is issued", func(t *status.Token) { t.Expires = t.Issued }},
		{"part of a second", func(t *status.Token) { t.TTL = time.Millisecond }},
		{"no URL of others", func(t *status.Token) { t.Aggregation = "x" }},
	} {
		bad := token(t, 1, 1, 1)
		c.f(bad)
		_, err := bad.SignJWT(shop.Key, method(shop))
		require.Error(t, err, c.name)
		_, err = bad.SignCWT(shop.Key, method(shop))
		require.Error(t, err, c.name)
	}
}
