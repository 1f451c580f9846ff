package schema_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/schema"
)

const schemaURL = "https://depot.example/schemas/maintenance.json"

// preventive fits maintenance that prevents.
const preventive = `{
	"$id": "https://depot.example/schemas/maintenance.json",
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"properties": {"credentialSubject": {
		"type": "object",
		"properties": {
			"eventTime": {"type": "string", "format": "date-time"},
			"maintenance": {"properties": {"category": {"enum": ["preventive"]}, "activity": {"pattern": "^\\S.*\u0073$"}}, "required": ["category"]}
		},
		"required": ["maintenance", "eventTime"]
	}}
}`

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

type entry = map[string]string

func plain(url string) entry { return entry{"id": url, "type": "JsonSchema"} }

func credential(t testing.TB, category record.MaintenanceCategory, e any) []byte {
	t.Helper()
	raw, err := issuer("shop").Issue(&vc.Credential{
		Subject: issuer("drone").ID,
		Claim:   record.Maintenance{Time: day, Work: record.Work{Category: category, Activity: "replace rotor bearings"}},
		Members: map[string]any{"credentialSchema": e},
	})
	require.NoError(t, err)
	return raw
}

// secured is a schema in a credential of its own.
func secured(t testing.TB, by *vc.Issuer, id, typ, subject string) []byte {
	t.Helper()
	raw, err := by.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"` + id + `","type":["VerifiableCredential","` + typ + `"],
		"issuer":"` + by.ID.String() + `","credentialSubject":` + subject + `}`))
	require.NoError(t, err)
	return raw
}

func verify(c *schema.Checker, raw []byte) error {
	_, err := (&vc.Verifier{Now: now, Schema: c}).Verify(context.Background(), raw, vc.AnyIssuer)
	return err
}

func TestWhatFitsItsSchema(t *testing.T) {
	digest := sha256.Sum256([]byte(preventive))
	sri := "sha256-" + base64.StdEncoding.EncodeToString(digest[:])
	inCredential := secured(t, issuer("shop"), "https://depot.example/schemas/1", "JsonSchemaCredential", `{"type":"JsonSchema","jsonSchema":`+preventive+`}`)
	referring := `{"$schema":"http://json-schema.org/draft-07/schema#","allOf":[{"$ref":"maintenance.json#"}]}`
	source := schema.Static{
		schemaURL:                             []byte(preventive),
		"https://depot.example/schemas/1":     inCredential,
		"https://depot.example/schemas/other": []byte(referring),
		"urn:uuid:7":                          []byte(strings.Replace(preventive, "https://depot.example/schemas/maintenance.json", "urn:uuid:7", 1)),
		"https://depot.example/2019":          []byte(strings.Replace(preventive, "draft/2020-12", "draft/2019-09", 1)),
	}
	for name, e := range map[string]any{
		"JsonSchema":             plain(schemaURL),
		"with its digest":        entry{"id": schemaURL, "type": "JsonSchema", "digestSRI": sri},
		"JsonSchemaCredential":   entry{"id": "https://depot.example/schemas/1", "type": "JsonSchemaCredential"},
		"one that refers to one": plain("https://depot.example/schemas/other"),
		"one with a URN":         plain("urn:uuid:7"),
		"draft 2019-09":          plain("https://depot.example/2019"),
		"several":                []entry{plain(schemaURL), plain("urn:uuid:7")},
	} {
		t.Run(name, func(t *testing.T) {
			checker := &schema.Checker{Source: source, Verifier: &vc.Verifier{Now: now}}
			require.NoError(t, verify(checker, credential(t, record.Preventive, e)))
			err := verify(checker, credential(t, record.Corrective, e))
			rejected, ok := errors.AsType[*vc.RejectError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, vc.ErrSchema, rejected.Reason)
			require.ErrorContains(t, err, `"/credentialSubject/maintenance/category": enum`)
			require.NotContains(t, err.Error(), "corrective", "a message names places, not values")
		})
	}
}

// Formats are held to (VC JSON Schema §5.2).
func TestFormatsAreHeldTo(t *testing.T) {
	const email = `{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"credentialSubject":{"properties":{"emailAddress":{"type":"string","format":"email"}},"required":["emailAddress"]}}}`
	checker := &schema.Checker{Source: schema.Static{schemaURL: []byte(email)}}
	e := []byte(`{"id":"` + schemaURL + `","type":"JsonSchema"}`)
	check := func(address string) error {
		return checker.CheckSchema(context.Background(), e, []byte(`{"credentialSubject":{"id":"did:example:1","emailAddress":`+address+`}}`))
	}
	require.NoError(t, check(`"subject@example.com"`))
	for _, address := range []string{`"not an email"`, `"@example.com"`, `"a@b@c"`, `5`} {
		require.ErrorIs(t, check(address), vc.ErrSchema, address)
	}
}

// What is wrong with a schema is no verdict on the credential that names it.
func TestSchemasThatCannotBeUsed(t *testing.T) {
	shop := issuer("shop")
	with := func(members string) []byte {
		return []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema",` + members + `}`)
	}
	// Each doubles the work of the one before it: one in n lines asks for 2^n steps.
	double := func(keyword string) []byte {
		var b strings.Builder
		for i := range 60 {
			fmt.Fprintf(&b, `"a%d":{"%s":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, keyword, i+1, i+1)
		}
		return with(`"$ref":"#/$defs/a0","$defs":{` + b.String() + `"a60":{"type":"object"}}`)
	}
	var chain strings.Builder
	documents := schema.Static{}
	for i := range schema.MaxDocuments + 1 {
		documents[fmt.Sprintf("https://depot.example/d/%d", i)] = with(fmt.Sprintf(`"$ref":"%d"`, i+1))
	}
	for i := range 5000 {
		fmt.Fprintf(&chain, `"a%d":{"$ref":"#/$defs/a%d"},`, i, i+1)
	}
	jsonSchema := `{"type":"JsonSchema","jsonSchema":` + preventive + `}`
	ofSchema := entry{"id": schemaURL, "type": "JsonSchemaCredential"}
	ofItself := func() []byte {
		raw, err := shop.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"` + schemaURL + `","type":["VerifiableCredential","JsonSchemaCredential"],
			"credentialSchema":{"id":"` + schemaURL + `","type":"JsonSchemaCredential"},"issuer":"` + shop.ID.String() + `","credentialSubject":` + jsonSchema + `}`))
		require.NoError(t, err)
		return raw
	}
	good := secured(t, shop, schemaURL, "JsonSchemaCredential", jsonSchema)
	for _, c := range []struct {
		name  string
		entry any
		doc   []byte
		says  string
	}{
		{"unreachable", plain(schemaURL), nil, "at hand"},
		{"another digest", entry{"id": schemaURL, "type": "JsonSchema", "digestSRI": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, []byte(preventive), "another digest"},
		{"a digest that cannot be read", entry{"id": schemaURL, "type": "JsonSchema", "digestMultibase": "uAAAA"}, []byte(preventive), "no multihash"},
		{"not JSON", plain(schemaURL), []byte("<html>"), "JSON"},
		{"duplicate member", plain(schemaURL), with(`"type":"object","type":"string"`), "type"},
		{"oversized", plain(schemaURL), append([]byte(preventive), bytes.Repeat([]byte(" "), schema.MaxSchemaBytes)...), "allowed"},
		{"too many values", plain(schemaURL), with(`"enum":[` + strings.Repeat("1,", 10_000) + `1]`), "values"},
		{"deep nesting", plain(schemaURL), with(strings.Repeat(`"not":{`, 70) + `"a":1` + strings.Repeat("}", 70)), "deep"},
		{"no $schema", plain(schemaURL), []byte(`{"type":"object"}`), "$schema"},
		{"draft-04", plain(schemaURL), []byte(`{"$schema":"http://json-schema.org/draft-04/schema#"}`), "not read here"},
		{"a $schema of somebody's own", plain(schemaURL), []byte(`{"$schema":"https://depot.example/meta"}`), "not read here"},
		{"an array", plain(schemaURL), []byte(`[]`), "$schema"},
		{"not a schema", plain(schemaURL), with(`"type":"thing"`), "metaschema"},
		{"a reference that leads nowhere", plain(schemaURL), with(`"$ref":"#/$defs/none"`), "none"},
		{"a reference to what is not at hand", plain(schemaURL), with(`"$ref":"https://stranger.example/schema.json"`), "stranger.example"},
		{"a reference to a file", plain(schemaURL), with(`"$ref":"file:///etc/passwd"`), "at hand"},
		{"a chain of documents", plain("https://depot.example/d/0"), nil, "more than 16 documents"},
		{"lookahead", plain(schemaURL), with(`"pattern":"^(?=a)"`), "pattern"},
		{"a back-reference", plain(schemaURL), with(`"pattern":"(a)\\1"`), "pattern"},
		{"a pattern that is a program", plain(schemaURL), with(`"pattern":"(abcdefghij){999}"`), "instructions"},
		{"a long pattern", plain(schemaURL), with(`"pattern":"` + strings.Repeat("a", 5000) + `"`), "5000 bytes"},
		{"flags in a pattern", plain(schemaURL), with(`"pattern":"(?i)a"`), "ECMA-262"},
		{"work without end, allOf", plain(schemaURL), double("allOf"), "250000 steps"},
		{"work without end, anyOf under not", plain(schemaURL), []byte(strings.NewReplacer(`"$ref":"#/$defs/a0"`, `"not":{"$ref":"#/$defs/a0"}`, `{"type":"object"}`, `{"type":"array"}`).Replace(string(double("anyOf")))), "250000 steps"},
		{"too long a chain of references", plain(schemaURL), with(`"$ref":"#/$defs/a0","$defs":{` + chain.String() + `"a5000":{"type":"object"}}`), "values"},
		{"a reference to itself", plain(schemaURL), with(`"$ref":"#"`), ""},

		{"a credential of another issuer", ofSchema, secured(t, issuer("stranger"), schemaURL, "JsonSchemaCredential", jsonSchema), "was not named"},
		{"a credential of another type", ofSchema, secured(t, shop, schemaURL, "BitstringStatusListCredential", jsonSchema), "not a JsonSchemaCredential"},
		{"a credential of another schema", ofSchema, secured(t, shop, schemaURL+"2", "JsonSchemaCredential", jsonSchema), "another schema"},
		{"a credential without schema", ofSchema, secured(t, shop, schemaURL, "JsonSchemaCredential", `{"id":"x:y","type":"JsonSchema"}`), "credentialSubject"},
		{"an altered credential", ofSchema, bytes.Replace(good, []byte(`preventive`), []byte(`corrective`), 1), "proof does not hold"},
		{"a schema without credential", ofSchema, []byte(preventive), "not a verifiable credential"},
		{"a credential whose schema it is itself", ofSchema, ofItself(), "and so on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := schema.Static{}
			for url, doc := range documents {
				source[url] = doc
			}
			if c.doc != nil {
				source[schemaURL] = c.doc
			}
			checker := &schema.Checker{Source: source}
			checker.Verifier = &vc.Verifier{Now: now, Schema: checker}
			err := verify(checker, credential(t, record.Preventive, c.entry))
			if c.name == "a reference to itself" { // fits nothing, and is found out at once
				require.ErrorIs(t, err, vc.ErrSchema)
				return
			}
			e, ok := errors.AsType[*schema.Error](err)
			require.True(t, ok, "%v", err)
			require.NotEmpty(t, e.Schema)
			require.ErrorContains(t, err, c.says)
			_, rejected := errors.AsType[*vc.RejectError](err)
			require.False(t, rejected)
		})
	}
}

// The work is counted wherever it can be hidden: in arrays, in members, in patterns, behind dynamic
// references and where nobody asks for the errors.
func TestWorkIsBounded(t *testing.T) {
	nested := strings.Repeat("[", 30) + strings.Repeat("]", 30)
	members := strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, `"%08d":1,`, i)
	}
	var patterns strings.Builder
	for i := range 900 {
		fmt.Fprintf(&patterns, `"%dz":true,`, i)
	}
	const head = `{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"credentialSubject":`
	for _, c := range []struct{ name, schema, subject string }{
		{"items and contains", head + `{"$ref":"#/$defs/n"}},"$defs":{"n":{"items":{"$ref":"#/$defs/n"},"contains":{"$ref":"#/$defs/n"},"minContains":0}}}`, nested},
		{"items and contains that fail, unasked", head + `{"not":{"$ref":"#/$defs/n"}}},"$defs":{"n":{"items":{"$ref":"#/$defs/n"},"contains":{"$ref":"#/$defs/n"}}}}`, nested},
		{"members twice", head + `{"$ref":"#/$defs/n"}},"$defs":{"n":{"properties":{"a":{"$ref":"#/$defs/n"}},"patternProperties":{"a":{"$ref":"#/$defs/n"}}}}}`, members},
		{"dynamic references", head + `{"not":{"$dynamicRef":"#n"}}},"$defs":{"n":{"$dynamicAnchor":"n","items":{"$dynamicRef":"#n"},"contains":{"$dynamicRef":"#n"}}}}`, nested},
		{"many patterns on many members", head + `{"patternProperties":{` + patterns.String() + `"x":true}}}}`, "{" + many.String() + `"b":1}`},
		{"a slow pattern on a long text", head + `{"pattern":"^(a|b|ab|ba|aab|bba){1,150}c$"}}}`, `"` + strings.Repeat("ab", 100_000) + `"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			checker := &schema.Checker{Source: schema.Static{schemaURL: []byte(c.schema)}}
			err := checker.CheckSchema(context.Background(), []byte(`{"id":"`+schemaURL+`","type":"JsonSchema"}`), []byte(`{"credentialSubject":`+c.subject+`}`))
			require.ErrorContains(t, err, "250000 steps")
			require.NotErrorIs(t, err, vc.ErrSchema)
		})
	}
}

func TestMalformedEntries(t *testing.T) {
	checker := &schema.Checker{Source: schema.Static{schemaURL: []byte(preventive)}}
	for name, e := range map[string]string{
		"no JSON":             `{`,
		"no id":               `{"type":"JsonSchema"}`,
		"duplicate member":    `{"id":"x:y","id":"` + schemaURL + `","type":"JsonSchema"}`,
		"case-variant member": `{"id":"` + schemaURL + `","type":"JsonSchema","digestsri":"sha256-"}`,
		"a digest of nothing": `{"id":"` + schemaURL + `","type":"JsonSchema","digestSRI":""}`,
		"a digest in a list":  `{"id":"` + schemaURL + `","type":"JsonSchema","digestSRI":["sha256-"]}`,
	} {
		require.ErrorIs(t, checker.CheckSchema(context.Background(), []byte(e), []byte(`{}`)), vc.ErrMalformed, name)
	}
	require.NoError(t, checker.CheckSchema(context.Background(), []byte(`{"id":"`+schemaURL+`","type":["JsonSchema"]}`), []byte(`{}`)))
	require.ErrorIs(t, checker.CheckSchema(context.Background(), []byte(`{"id":"`+schemaURL+`","type":"JsonSchema"}`), []byte(`{"a":1,"a":2}`)), vc.ErrMalformed)
}

// The zero Checker finds out nothing, and says so with an error of the kind that says to try again.
func TestZeroChecker(t *testing.T) {
	err := verify(&schema.Checker{}, credential(t, record.Preventive, plain(schemaURL)))
	_, ok := errors.AsType[*schema.Error](err)
	require.True(t, ok, "%v", err)
	err = verify(&schema.Checker{}, credential(t, record.Preventive, entry{"id": schemaURL, "type": "https://depot.example/Own"}))
	unchecked, ok := errors.AsType[*vc.UncheckedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "https://depot.example/Own", unchecked.Type)
	require.Equal(t, issuer("shop").ID, unchecked.Signer)
}

func TestIssuersOfSchemas(t *testing.T) {
	authority := issuer("authority")
	raw := secured(t, authority, schemaURL, "JsonSchemaCredential", `{"type":"JsonSchema","jsonSchema":`+preventive+`}`)
	checker := &schema.Checker{Source: schema.Static{schemaURL: raw}, Verifier: &vc.Verifier{Now: now}, Issuers: []did.DID{authority.ID}}
	require.NoError(t, verify(checker, credential(t, record.Preventive, entry{"id": schemaURL, "type": "JsonSchemaCredential"})))

	// A digest says which credential it is, whatever its name; but not that its issuer is believed.
	renamed := secured(t, authority, "urn:uuid:1", "JsonSchemaCredential", `{"type":"JsonSchema","jsonSchema":`+preventive+`}`)
	digest := sha256.Sum256(renamed)
	e := entry{"id": schemaURL, "type": "JsonSchemaCredential", "digestMultibase": "u" + base64.RawURLEncoding.EncodeToString(append([]byte{0x12, 0x20}, digest[:]...))}
	checker = &schema.Checker{Source: schema.Static{schemaURL: renamed}, Verifier: &vc.Verifier{Now: now}, Issuers: []did.DID{authority.ID}}
	require.NoError(t, verify(checker, credential(t, record.Preventive, e)))
	checker = &schema.Checker{Source: schema.Static{schemaURL: renamed}, Verifier: &vc.Verifier{Now: now}}
	require.ErrorContains(t, verify(checker, credential(t, record.Preventive, e)), "was not named")
}

// A source counts what it is asked for.
type source struct {
	mu    sync.Mutex
	asked map[string]int
	docs  schema.Static
	wait  bool
}

func (s *source) Document(ctx context.Context, url, accept string) ([]byte, string, time.Time, error) {
	s.mu.Lock()
	s.asked[url]++
	wait := s.wait
	s.mu.Unlock()
	if wait {
		<-ctx.Done()
		return nil, "", time.Time{}, ctx.Err()
	}
	return s.docs.Document(ctx, url, accept)
}

func TestSchemasAreKept(t *testing.T) {
	ctx := context.Background()
	s := &source{asked: map[string]int{}, docs: schema.Static{schemaURL: []byte(preventive)}}
	clock := day
	checker := &schema.Checker{Source: s, Now: func() time.Time { return clock }}
	raw := credential(t, record.Preventive, plain(schemaURL))
	e := []byte(`{"id":"` + schemaURL + `","type":"JsonSchema"}`)

	var wait sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wait.Go(func() { errs[i] = checker.CheckSchema(ctx, e, raw) })
	}
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.asked[schemaURL], "many who ask at once cause one question")
	clock = day.Add(schema.DefaultMaxAge)
	require.NoError(t, checker.CheckSchema(ctx, e, raw))
	require.Equal(t, 1, s.asked[schemaURL])
	clock = clock.Add(time.Second)
	require.NoError(t, checker.CheckSchema(ctx, e, raw))
	require.Equal(t, 2, s.asked[schemaURL], "after an hour it is asked for again")

	// One that failed is not asked for again at once.
	none := []byte(`{"id":"https://depot.example/none","type":"JsonSchema"}`)
	for range 3 {
		require.Error(t, checker.CheckSchema(ctx, none, raw))
	}
	require.Equal(t, 1, s.asked["https://depot.example/none"])
	clock = clock.Add(10 * time.Second)
	require.Error(t, checker.CheckSchema(ctx, none, raw))
	require.Equal(t, 2, s.asked["https://depot.example/none"])

	// Those used longest ago are forgotten.
	for i := range 64 {
		url := fmt.Sprintf("https://depot.example/%d", i)
		s.docs[url] = []byte(preventive)
		require.NoError(t, checker.CheckSchema(ctx, []byte(`{"id":"`+url+`","type":"JsonSchema"}`), raw))
	}
	require.NoError(t, checker.CheckSchema(ctx, e, raw))
	require.Equal(t, 3, s.asked[schemaURL])

	// Who runs out of time takes no other with him.
	s.wait = true
	late := []byte(`{"id":"https://depot.example/late","type":"JsonSchema"}`)
	s.docs["https://depot.example/late"] = []byte(preventive)
	brief, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, checker.CheckSchema(brief, late, raw), context.DeadlineExceeded)
	s.mu.Lock()
	s.wait = false
	s.mu.Unlock()
	require.NoError(t, checker.CheckSchema(ctx, late, raw))
}

func BenchmarkCheckSchema(b *testing.B) {
	checker := &schema.Checker{Source: schema.Static{schemaURL: []byte(preventive)}}
	raw := credential(b, record.Preventive, plain(schemaURL))
	e := []byte(`{"id":"` + schemaURL + `","type":"JsonSchema"}`)
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := checker.CheckSchema(context.Background(), e, raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			fresh := &schema.Checker{Source: checker.Source}
			if err := fresh.CheckSchema(context.Background(), e, raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
