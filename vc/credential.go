// Package vc issues and verifies W3C Verifiable Credentials 2.0.
//
//   - [Issuer.Issue] turns a [Credential], a statement, into signed bytes.
//     [Issuer.AddProof] adds a second signature to them.
//   - [Verifier.Verify] turns bytes into a [Verified], a statement somebody
//     stands behind, or an error. Nothing else makes a Verified, so a function
//     that takes one cannot be handed an unchecked credential.
//   - [Holder.Present] answers a [Challenge] with credentials, and
//     [Verifier.VerifyPresentation] checks the answer.
//
// A credential is secured within, by a Data Integrity proof of a [Suite], or from
// outside, by a [Format]. The suites that sign JSON are here; packages rdfc and
// mldsa have others, and packages jose, cose and sdjwt the formats. Whoever needs
// one passes it as a value. What a credential says, and its [Digest], do not depend
// on how it is secured.
//
// The danger: Verify answers who said it, unaltered and still valid, and not
// whether they are right or were asked. Whom to believe is the caller's decision
// and a required argument: see [Accept].
//
// This package never opens a connection. DID documents come from the resolver
// the caller passes, and JSON-LD contexts are compiled in: see [Contexts].
package vc

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/ldcontext"
)

// The JSON-LD contexts that every credential issued here lists, in this order.
const (
	ContextCredentials = ldcontext.CredentialsV2 // W3C VCDM 2.0
	ContextHourmeter   = ldcontext.HourmeterV1   // the terms of package record and of the chain
)

// A Claim is what a credential says about its subject. Any struct that encodes
// to a JSON object will do; package record has the ones machines need. If it
// has a method Validate() error, Issue and [ClaimOf] call it.
type Claim interface {
	// CredentialType names the credential, such as "MaintenanceCredential".
	CredentialType() string
}

// A Credential is a statement by nobody yet. Issue signs it.
type Credential struct {
	ID         string    // URL of the credential; empty means it has none
	Context    []string  // URLs of contexts beside the two that are always listed
	Subject    did.DID   // required: whom the claim is about
	Claim      Claim     // required
	ValidFrom  time.Time // zero means now; written with whole seconds, UTC
	ValidUntil time.Time // zero means no end

	// Members are further members of the credential (VCDM 2.0 §4), such as
	// "name", "evidence", "relatedResource" or package chain's "record". Each
	// value is encoded as JSON, and each name must be defined by a context.
	Members map[string]any
}

// document returns c as an unsecured credential of issuer, in compact JSON.
func (c *Credential) document(issuer did.DID, now time.Time) ([]byte, error) {
	if c.Subject.IsZero() || c.Claim == nil {
		return nil, fmt.Errorf("vc: issue: Credential needs Subject and Claim")
	}
	if err := validate(c.Claim); err != nil {
		return nil, fmt.Errorf("vc: issue: %w", err)
	}
	claim, err := encode(c.Claim)
	if err != nil {
		return nil, fmt.Errorf("vc: issue %s: %w", c.Claim.CredentialType(), err)
	}
	if len(claim) < 2 || claim[0] != '{' {
		return nil, fmt.Errorf("vc: issue %s: claim encodes to %.20s, want a JSON object", c.Claim.CredentialType(), claim)
	}
	from := c.ValidFrom
	if from.IsZero() {
		from = now
	}

	doc := make([]byte, 0, 1024+len(claim))
	doc = appendQuoted(doc, `{"@context":[`, ContextCredentials)
	doc = appendQuoted(doc, `,`, ContextHourmeter)
	for _, url := range c.Context {
		doc = appendQuoted(doc, `,`, url)
	}
	doc = append(doc, ']')
	if c.ID != "" {
		doc = appendQuoted(doc, `,"id":`, c.ID)
	}
	doc = appendQuoted(doc, `,"type":["VerifiableCredential",`, c.Claim.CredentialType())
	doc = appendQuoted(doc, `],"issuer":`, issuer.String())
	doc = append(doc, `,"validFrom":`...)
	doc = appendStamp(doc, from)
	if !c.ValidUntil.IsZero() {
		doc = append(doc, `,"validUntil":`...)
		doc = appendStamp(doc, c.ValidUntil)
	}
	doc = appendQuoted(doc, `,"credentialSubject":{"id":`, c.Subject.String())
	if string(claim) != "{}" {
		doc = append(doc, ',')
	}
	doc = append(doc, claim[1:]...)
	for _, name := range sortedKeys(c.Members) {
		value, err := encode(c.Members[name])
		if err != nil {
			return nil, fmt.Errorf("vc: issue: member %q: %w", name, err)
		}
		doc = appendQuoted(doc, `,`, name)
		doc = append(doc, ':')
		doc = append(doc, value...)
	}
	return append(doc, '}'), nil
}

// encode writes v with the standard encoder, which takes half the room of the
// strict one in a device program. What it writes is read back strictly before
// it is signed. It has one silent habit: text that is not UTF-8 becomes \ufffd,
// an escape that it writes for nothing else.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := stdjson.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
	mark := []byte(`\ufffd`)
	if bytes.Contains(text, mark) && bytes.Contains(bytes.ReplaceAll(text, []byte(`\\`), nil), mark) {
		return nil, errors.New("a string is not UTF-8")
	}
	return text, nil
}

// ClaimOf returns the claim of v as a C. It fails if v is of another type, if
// it has several subjects, or if the claim contradicts itself.
func ClaimOf[C Claim](v *Verified) (C, error) {
	var c C
	if want := c.CredentialType(); !slices.Contains(v.types, want) {
		return c, fmt.Errorf("vc: credential %s is a %q, not a %q", v.digest, v.Type(), want)
	}
	if len(v.subjects) > 1 {
		return c, fmt.Errorf("vc: credential %s is about %d subjects: read them with Member", v.digest, len(v.subjects))
	}
	if err := json.Unmarshal(jcs.Append(nil, v.claim), &c); err != nil {
		return c, fmt.Errorf("vc: claim of credential %s: %w", v.digest, err)
	}
	if err := validate(&c); err != nil {
		return c, fmt.Errorf("vc: claim of credential %s: %w", v.digest, err)
	}
	return c, nil
}

func validate(c any) error {
	if v, ok := c.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// stamp writes t as VCDM 2.0 asks for times (§4.9): xsd:dateTimeStamp, here always UTC.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func appendStamp(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339)
	return append(dst, '"')
}

// appendQuoted writes before as it is, and s as a JSON string. Text that is not
// UTF-8 comes out so that the strict parse which follows refuses it.
func appendQuoted(dst []byte, before, s string) []byte {
	dst = append(dst, before...)
	quoted, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		return append(dst, "\"\xff\""...)
	}
	return quoted
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}
