// Package schema holds credentials against the JSON Schemas that they name (Verifiable Credentials
// JSON Schema Specification, W3C): credentialSchema of type JsonSchema and JsonSchemaCredential.
//
// [Checker] is a vc.SchemaChecker: put it into a vc.Verifier. An issuer may ask it before signing.
//
// This package opens no connection: schemas come from the [Source] that the caller passes, such as
// [Static], or one that asks the network. That goes for every $ref that leads out of a schema, too.
//
// The danger: a schema says how a claim is written, not that it is true, nor who may make it.
package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/integrity"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// The types of credentialSchema that are read (VC JSON Schema §2).
const (
	JSONSchema           = "JsonSchema"           // the id is the URL of a schema
	JSONSchemaCredential = "JsonSchemaCredential" // the id is the URL of a credential about a schema
)

// Limits on schemas. Whoever issues a credential chooses them, and may be anybody.
const (
	// MaxSchemaBytes is the longest schema: that of VCDM 2.0 has 10 kB.
	MaxSchemaBytes = 256 << 10
	// MaxDocuments is how many documents one schema may refer to, and they to others.
	MaxDocuments = 16

	maxValues     = 10_000           // JSON values of a schema and what it refers to, together: compiling takes time quadratic in the subschemas
	maxDepth      = 64               // nesting of a schema
	maxEntryBytes = 64 << 10         // of a credentialSchema entry
	maxCached     = 64               // compiled schemas that are kept: a verifier meets a few kinds of credentials
	failedFor     = 10 * time.Second // a schema that could not be had is not asked for again: ten thousand credentials may name it
	maxNesting    = 2                // schemas on top of each other: of a credential, and of its schema's credential
)

// DefaultMaxAge is how long a schema is used before it is asked for again, unless told. Schemas are
// not supposed to change (VC JSON Schema §6.3).
const DefaultMaxAge = time.Hour

// A Source fetches schemas by URL. It has the one method of those of packages status and bundle, so
// that one value serves all three. Implementations are safe for concurrent use.
type Source interface {
	// Document returns what is published at url, of one of the media types in accept (RFC 9110
	// §12.5.1). mediaType is what the server says it is, and is not looked at here.
	//
	// fetched is when it was. It is zero if the Source has the document from a stranger, as out of a
	// bundle: then it counts only if what was signed gives its digest, or if it is signed itself.
	Document(ctx context.Context, url, accept string) (body []byte, mediaType string, fetched time.Time, err error)
}

// Static is a [Source] that has everything already, by URL, and vouches for it: the schemas that a
// program brings along. What others handed over belongs in a Source that says so.
type Static map[string][]byte

// Document implements [Source]. The error for a URL that is not there wraps [fs.ErrNotExist].
func (s Static) Document(_ context.Context, url, _ string) ([]byte, string, time.Time, error) {
	body, ok := s[url]
	if !ok {
		return nil, "", time.Time{}, fmt.Errorf("%w: no document of %.200q is at hand", fs.ErrNotExist, url)
	}
	return body, "", time.Now(), nil
}

// A Checker holds credentials against schemas, and keeps the schemas it has read. It reads JSON
// Schema 2020-12, 2019-09 and draft-07, and holds values to their "format". The zero Checker has no
// schemas, so it finds out nothing: the error is of the kind that says to try again. A Checker is
// used by pointer and is safe for concurrent use; its fields do not change after first use.
//
// If the entry has a digestSRI or digestMultibase, the document has to be the one of that digest. A
// digest does not cover what the document refers to.
//
// Patterns are those of RE2, in which the time for a match is linear: what ECMA-262 has beyond that,
// lookaround and back-references, makes a schema one that cannot be checked.
type Checker struct {
	Source   Source       // where schemas come from; nil means nowhere
	Verifier *vc.Verifier // checks the credentials of schemas; nil means the zero Verifier

	// Issuers are those whose JsonSchemaCredentials are believed about anybody's credentials. An
	// issuer is always believed about its own. A plain JsonSchema is believed to be what its
	// server, or its digest, says.
	Issuers []did.DID

	MaxAge time.Duration    // how long a schema is used; zero means DefaultMaxAge
	Now    func() time.Time // nil means time.Now

	mu    sync.Mutex
	slots map[key]*slot
	clock uint64 // counts uses
}

// An Error says why a credential could not be held against a schema. It is no verdict on the
// credential: to a [vc.Verifier] it is of the kind that says to try again.
type Error struct {
	Schema string // URL of the schema
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("schema: %.200q: %v", e.Schema, e.Err) }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// unchecked makes an Error. A verdict on the credential of a schema is none on the one that names
// it, so it is kept as text only.
func unchecked(url string, err error) error {
	if _, ok := errors.AsType[*vc.RejectError](err); ok || errors.Is(err, vc.ErrSchema) || errors.Is(err, vc.ErrMalformed) {
		err = errors.New(err.Error())
	}
	return &Error{url, err}
}

// An entry is one credentialSchema (VCDM 2.0 §4.11).
type entry struct{ id, typ, digestSRI, digestMultibase string }

func readEntry(text []byte) (e entry, err error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxEntryBytes, Depth: 8})
	if err != nil {
		return e, fmt.Errorf("schema: %w: credentialSchema: %w", vc.ErrMalformed, err)
	}
	for m := range doc.Root().All() {
		var text *string
		switch name := m.Name(); name {
		case "id":
			text = &e.id
		case "type":
			text = &e.typ
			if m.Kind() == strictjson.Array && m.Len() == 1 {
				m = m.First()
			}
		case "digestSRI":
			text = &e.digestSRI
		case "digestMultibase":
			text = &e.digestMultibase
		default:
			if is, ok := strictjson.CaseVariant(name, "id", "type", "digestSRI", "digestMultibase"); ok {
				return e, fmt.Errorf("schema: %w: credentialSchema: member %.40q: is it %q? names are case-sensitive", vc.ErrMalformed, name, is)
			}
			continue
		}
		if *text = m.Text(); *text == "" {
			return e, fmt.Errorf("schema: %w: credentialSchema: want strings, not %.80s", vc.ErrMalformed, m.Raw())
		}
	}
	if e.id == "" {
		return e, fmt.Errorf("schema: %w: credentialSchema: id is missing", vc.ErrMalformed)
	}
	return e, nil
}

// CheckSchema implements [vc.SchemaChecker].
func (c *Checker) CheckSchema(ctx context.Context, entry, credential []byte) error {
	e, err := readEntry(entry)
	if err != nil {
		return err
	}
	doc, err := strictjson.Parse(credential, strictjson.Limits{Bytes: vc.MaxCredentialBytes, Depth: maxDepth})
	if err != nil {
		return fmt.Errorf("schema: %w: credential: %w", vc.ErrMalformed, err)
	}
	issuer := doc.Root().Member("issuer")
	if issuer.Kind() == strictjson.Object {
		issuer = issuer.Member("id")
	}
	if e.typ != JSONSchema && e.typ != JSONSchemaCredential {
		id, _ := did.Parse(issuer.Text())
		return &vc.UncheckedError{Signer: id, Member: "credentialSchema", Type: e.typ}
	}
	k := key{entry: e}
	if e.typ == JSONSchemaCredential {
		k.issuer = issuer.Text() // decides who may say what the schema is
	}
	return c.with(ctx, k, func(s *compiled) error {
		switch err := s.validate(value(doc.Root())); {
		case errors.Is(err, vc.ErrSchema):
			return fmt.Errorf("%w: %.200q: %w", vc.ErrSchema, e.id, err)
		case err != nil:
			return unchecked(e.id, err)
		}
		return nil
	})
}

// nesting is the schemas that are being asked for, the first first. It travels in the context, since
// the way from one to the next leads through a vc.Verifier.
type nesting struct{}

func asking(ctx context.Context) []string {
	urls, _ := ctx.Value(nesting{}).([]string)
	return urls
}

var errStranger = errors.New("it comes from a stranger, and nothing that was signed gives its digest")

// fetch gets a schema and compiles it.
func (c *Checker) fetch(ctx context.Context, k key) (*compiled, error) {
	if c.Source == nil {
		return nil, unchecked(k.id, errors.New("the Checker has no Source"))
	}
	above := asking(ctx)
	if slices.Contains(above, k.id) || len(above) >= maxNesting {
		return nil, unchecked(k.id, fmt.Errorf("the credential of a schema names a schema, and so on: at most %d are read", maxNesting))
	}
	ctx = context.WithValue(ctx, nesting{}, append(slices.Clip(above), k.id))

	accept := "application/schema+json, application/json;q=0.9"
	if k.typ == JSONSchemaCredential {
		accept = "application/vc, application/vc+jwt, application/vc+cose, application/ld+json;q=0.9, application/json;q=0.8"
	}
	body, _, fetched, err := c.Source.Document(ctx, k.id, accept)
	if err == nil && fetched.IsZero() && k.typ == JSONSchema && k.digestSRI == "" && k.digestMultibase == "" {
		err = errStranger
	}
	if err != nil {
		return nil, unchecked(k.id, err)
	}
	// "Validation of the integrity of the schema MUST be done before evaluation" (§5.1).
	if k.digestSRI != "" || k.digestMultibase != "" {
		if err := integrity.Check(body, k.digestSRI, k.digestMultibase); err != nil {
			return nil, unchecked(k.id, err)
		}
	}
	if k.typ == JSONSchemaCredential {
		if body, err = c.open(ctx, k, body); err != nil {
			return nil, unchecked(k.id, err)
		}
	}
	load := func(url string) ([]byte, error) {
		body, _, fetched, err := c.Source.Document(ctx, url, "application/schema+json, application/json;q=0.9")
		if err == nil && fetched.IsZero() {
			err = errStranger
		}
		return body, err
	}
	s, err := compile(k.id, body, load)
	if err != nil {
		return nil, unchecked(k.id, err)
	}
	return s, nil
}

// open returns the schema in a JsonSchemaCredential (§2.2).
func (c *Checker) open(ctx context.Context, k key, body []byte) ([]byte, error) {
	verifier := c.Verifier
	if verifier == nil {
		verifier = new(vc.Verifier)
	}
	v, err := verifier.Verify(ctx, body, vc.AnyIssuer) // its issuer is looked at below
	if err != nil {
		return nil, err
	}
	switch digest := k.digestSRI + k.digestMultibase; {
	case v.Issuer().String() != k.issuer && !slices.Contains(c.Issuers, v.Issuer()):
		return nil, fmt.Errorf("it is by %s, who was not named as one to believe about credentials of %.200q", v.Issuer(), k.issuer)
	case v.ID() != k.id && digest == "": // a digest says which credential it is, whatever its name
		return nil, fmt.Errorf("its id is %.200q: it is another schema's", v.ID())
	case !slices.Contains(v.Types(), JSONSchemaCredential):
		return nil, fmt.Errorf("it is a %.80q, not a %s", v.Type(), JSONSchemaCredential)
	}
	doc, err := strictjson.Parse([]byte(v.JSON()), strictjson.Limits{Bytes: vc.MaxCredentialBytes, Depth: maxDepth})
	if err != nil {
		return nil, err
	}
	subject := doc.Root().Member("credentialSubject")
	if schema := subject.Member("jsonSchema"); subject.Member("type").Text() == JSONSchema && schema.Kind() == strictjson.Object {
		return []byte(schema.Raw()), nil
	}
	return nil, fmt.Errorf("credentialSubject: want one, of type %s, with a jsonSchema", JSONSchema)
}
