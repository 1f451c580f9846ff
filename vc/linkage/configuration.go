package linkage

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// ContextURL is the JSON-LD context of a DID configuration and of the credentials in it.
const ContextURL = "https://identity.foundation/.well-known/did-configuration/v1"

// CredentialType is the type of a domain linkage credential.
const CredentialType = "DomainLinkageCredential"

// The terms that ContextURL defines. What is published there changes in its line breaks, not in these.
const linkContext = `{"@context":[{"@version":1.1,"@protected":true,` +
	`"LinkedDomains":"https://identity.foundation/.well-known/resources/did-configuration/#LinkedDomains",` +
	`"DomainLinkageCredential":"https://identity.foundation/.well-known/resources/did-configuration/#DomainLinkageCredential",` +
	`"origin":"https://identity.foundation/.well-known/resources/did-configuration/#origin",` +
	`"linked_dids":"https://identity.foundation/.well-known/resources/did-configuration/#linked_dids"}]}`

// A Configuration is what an origin publishes: domain linkage credentials, one or more for each of its
// DIDs (DID Configuration, "DID Configuration Resource"). Nothing in it is believed because it is in it.
type Configuration struct {
	Credentials [][]byte // each JSON, with its proof, or a JWT; the origin's main DID first
}

// ParseConfiguration reads a DID configuration. The error wraps [ErrConfiguration].
func ParseConfiguration(text []byte) (*Configuration, error) {
	fail := func(format string, args ...any) (*Configuration, error) {
		return nil, fmt.Errorf("%w: %w", ErrConfiguration, fmt.Errorf(format, args...))
	}
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxConfigurationBytes})
	if err != nil {
		return fail("%w", err)
	}
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return fail("want an object, got %s", root.Kind())
	}
	for m := range root.All() {
		if m.Name() != "@context" && m.Name() != "linked_dids" {
			return fail("%.80q has no place in it: additional members must not be present", m.Name())
		}
	}
	if got := root.Member("@context"); got.Text() != ContextURL {
		return fail("@context is %.120s, want %q", got.Raw(), ContextURL)
	}
	linked := root.Member("linked_dids")
	switch {
	case linked.Kind() != strictjson.Array:
		return fail("linked_dids: want an array")
	case linked.Len() > MaxLinked:
		return fail("%d credentials, at most %d are read", linked.Len(), MaxLinked)
	}
	c := &Configuration{Credentials: make([][]byte, 0, linked.Len())}
	for v := range linked.All() {
		raw := v.Raw()
		switch v.Kind() {
		case strictjson.Object:
		case strictjson.String:
			raw = v.Text()
		default:
			return fail("linked_dids: want objects and JWTs, got %s", v.Kind())
		}
		c.Credentials = append(c.Credentials, []byte(raw))
	}
	return c, nil
}

// MarshalJSON writes the file for [WellKnown].
func (c *Configuration) MarshalJSON() ([]byte, error) {
	out := []byte(`{"@context":"` + ContextURL + `","linked_dids":[`)
	for i, raw := range c.Credentials {
		if i > 0 {
			out = append(out, ',')
		}
		if len(raw) > 0 && raw[0] == '{' {
			out = append(out, raw...)
			continue
		}
		var err error
		if out, err = jsontext.AppendQuote(out, raw); err != nil {
			return nil, fmt.Errorf("linkage: credential %d: %w", i, err)
		}
	}
	out = append(out, "]}"...)
	if _, err := ParseConfiguration(out); err != nil {
		return nil, err
	}
	return out, nil
}

// DIDs returns whom the configuration claims, in its order, each once.
func (c *Configuration) DIDs() []did.DID {
	var list []did.DID
	for _, raw := range c.Credentials {
		if id := issuerOf(raw); !id.IsZero() && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// about returns the credentials by id.
func (c *Configuration) about(id did.DID) (list [][]byte) {
	for _, raw := range c.Credentials {
		if issuerOf(raw) == id && len(list) < maxPerDID {
			list = append(list, raw)
		}
	}
	return list
}

// issuerOf returns whom a credential says it is by: no more than which one to check.
func issuerOf(raw []byte) did.DID {
	issuer := func(text []byte, name string) did.DID {
		doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxConfigurationBytes})
		if err != nil {
			return did.DID{}
		}
		by := doc.Root().Member(name)
		if by.Kind() == strictjson.Object {
			by = by.Member("id")
		}
		id, _ := did.Parse(by.Text())
		return id
	}
	if len(raw) > 0 && raw[0] == '{' {
		return issuer(raw, "issuer")
	}
	token, err := jws.Parse(string(raw), vc.MaxCredentialBytes)
	if err != nil {
		return did.DID{}
	}
	return issuer(token.Payload, "iss")
}

// statement writes the credential that a domain linkage credential is, without a proof (DID Configuration,
// "Domain Linkage Credential"): of VCDM 1.1, and without an id.
func statement(id did.DID, origin Origin, from, until time.Time, more string) ([]byte, error) {
	switch {
	case id.IsZero() || origin.IsZero():
		return nil, errors.New("linkage: issue: a DID and an origin are required")
	case from.IsZero() || !until.After(from):
		return nil, fmt.Errorf("linkage: issue: it needs a time from which it holds, and one until when, later than that: got %s and %s", from, until)
	}
	quoted, err := jsontext.AppendQuote(nil, id.String())
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"@context":["https://www.w3.org/2018/credentials/v1",%q%s],"type":["VerifiableCredential",%q],"issuer":%s,`+
		`"issuanceDate":%q,"expirationDate":%q,"credentialSubject":{"id":%s,"origin":%q}}`,
		ContextURL, more, CredentialType, quoted, stamp(from), stamp(until), quoted, origin), nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Issue signs, as i, that i's DID is of this origin, with a proof in the credential ("Linked Data Proof
// Format"). It goes into the origin's [Configuration]; the DID's document needs [Service] as well.
func Issue(i *vc.Issuer, origin Origin, from, until time.Time) ([]byte, error) {
	document, err := statement(i.ID, origin, from, until, `,"https://w3id.org/security/data-integrity/v2"`)
	if err != nil {
		return nil, err
	}
	contexts, err := contexts()
	if err != nil {
		return nil, err
	}
	signer := *i
	signer.Contexts, signer.V1, signer.Format = contexts, true, nil
	return signer.AddProof(document)
}

// IssueJWT is [Issue] in the "JSON Web Token Proof Format", which most verifiers read.
func IssueJWT(i *vc.Issuer, origin Origin, from, until time.Time) ([]byte, error) {
	document, err := statement(i.ID, origin, from, until, "")
	if err != nil {
		return nil, err
	}
	method := i.Method
	if method.IsZero() {
		method = i.ID.KeyURL()
	}
	if method.IsZero() || method.DID != i.ID || i.Key == nil {
		return nil, fmt.Errorf("linkage: issue as %s: Key and the Method that names it are required", i.ID)
	}
	by, err := jsontext.AppendQuote(nil, i.ID.String())
	if err != nil {
		return nil, err
	}
	payload := fmt.Appendf(nil, `{"iss":%s,"sub":%s,"nbf":%d,"exp":%d,"vc":%s}`, by, by, from.Unix(), until.Unix(), document)
	token, err := jws.Sign(i.Key, jws.Header{Kid: method.String()}, payload) // no typ: the standard forbids it
	if err != nil {
		return nil, fmt.Errorf("linkage: issue as %s: %w", i.ID, err)
	}
	return token, nil
}
