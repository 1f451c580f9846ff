package linkage_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/linkage"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func newKey(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", ed25519.SeedSize))[:ed25519.SeedSize]))
}

// web is a did:web and its issuer.
func web(id string) *vc.Issuer {
	d := did.MustParse(id)
	return &vc.Issuer{ID: d, Key: newKey(id), Method: d.URL("k"), Now: clock}
}

// document gives i's key all it takes, and claims origins.
func document(t testing.TB, i *vc.Issuer, origins ...string) *did.Document {
	t.Helper()
	m, err := did.NewVerificationMethod(i.Method, did.Multikey, i.ID, i.Key.Public())
	require.NoError(t, err)
	d := &did.Document{ID: i.ID, VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
	if len(origins) > 0 {
		var list []linkage.Origin
		for _, o := range origins {
			list = append(list, origin(t, o))
		}
		s, err := linkage.Service(i.ID.URL("sites"), list...)
		require.NoError(t, err)
		d.Service = append(d.Service, s)
	}
	return d
}

func origin(t testing.TB, text string) linkage.Origin {
	t.Helper()
	o, err := linkage.ParseOrigin(text)
	require.NoError(t, err)
	return o
}

// world is documents by DID; others are asked for offline.
type world map[did.DID]*did.Resolution

func (w world) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if res, ok := w[id]; ok && res == nil {
		return nil, errors.New("network is down")
	} else if ok && v.IsZero() {
		return res, nil
	} else if ok {
		return nil, did.ErrVersionUnknown
	}
	return did.Offline{}.Resolve(ctx, id, v)
}

func documents(list ...*did.Document) world {
	w := world{}
	for _, d := range list {
		w[d.ID] = &did.Resolution{Document: d}
	}
	return w
}

// published is what is published, by URL.
type published map[string]string

func (p published) Document(_ context.Context, url, accept string) ([]byte, string, time.Time, error) {
	text, ok := p[url]
	if !ok || accept != "application/json" {
		return nil, "", time.Time{}, fmt.Errorf("%w: %s", fs.ErrNotExist, url)
	}
	return []byte(text), "application/json", noon, nil
}

// configuration is the file with these credentials.
func configuration(t testing.TB, credentials ...[]byte) string {
	t.Helper()
	text, err := json.Marshal(&linkage.Configuration{Credentials: credentials})
	require.NoError(t, err)
	return string(text)
}

const site = "https://shop.example"

func TestDomain(t *testing.T) {
	shop, rival := web("did:web:shop.example"), web("did:web:rival.example")
	from, until := noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0)
	sign := func(f func(*vc.Issuer, linkage.Origin, time.Time, time.Time) ([]byte, error), i *vc.Issuer, o string, from, until time.Time) []byte {
		raw, err := f(i, origin(t, o), from, until)
		require.NoError(t, err)
		return raw
	}
	proof, token := sign(linkage.Issue, shop, site, from, until), sign(linkage.IssueJWT, shop, site, from, until)
	other := func(change func(text string) string) []byte { // signed by the shop, and not as it should be
		text := string(proof)
		text = change(text[:strings.Index(text, `,"proof":`)] + "}")
		contexts, err := rdfc.Contexts().With(linkage.ContextURL, []byte(`{"@context":{"DomainLinkageCredential":"https://x.example/D","origin":"https://x.example/o"}}`))
		require.NoError(t, err)
		signer := *shop
		signer.Contexts, signer.V1 = contexts, true
		raw, err := signer.AddProof([]byte(text))
		require.NoError(t, err, text)
		return raw
	}
	replace := func(old, new string) []byte {
		return other(func(text string) string {
			require.Contains(t, text, old)
			return strings.Replace(text, old, new, 1)
		})
	}
	claims := document(t, shop, "https://other.example", site)
	silent := document(t, shop)
	revoked := document(t, shop, site)
	revoked.VerificationMethod[0].Revoked = noon.AddDate(0, 0, -1)
	rotated := document(t, shop, site)
	rotated.VerificationMethod[0] = document(t, rival).VerificationMethod[0]
	rotated.VerificationMethod[0].ID, rotated.VerificationMethod[0].Controller = shop.Method, shop.ID
	forged := []byte(strings.Replace(string(proof), site+`"`, `https://bank.example"`, 1))

	oneSided := func(claims, silent string) string {
		return claims + " claims to be linked to " + silent
	}
	shopSays, siteSays := oneSided("did:web:shop.example", site), oneSided(site, "did:web:shop.example")
	for _, tt := range []struct {
		name     string
		document *did.Document
		site     string
		reason   error
		says     string
	}{
		{"with a proof", claims, configuration(t, proof), nil, ""},
		{"as a JWT", claims, configuration(t, token), nil, ""},
		{"in both formats", claims, configuration(t, proof, token), nil, ""},
		{"beside others", claims, configuration(t, sign(linkage.IssueJWT, rival, site, from, until), []byte("x.y.z"), token), nil, ""},
		{"beside an old one", claims, configuration(t, sign(linkage.IssueJWT, shop, site, from.AddDate(-1, 0, 0), from), token), nil, ""},
		{"of VCDM 2.0", claims, configuration(t, other(func(text string) string {
			return strings.NewReplacer("https://www.w3.org/2018/credentials/v1", vc.ContextCredentials, "issuanceDate", "validFrom", "expirationDate", "validUntil").Replace(text)
		})), nil, ""},

		{"the document does not claim it", silent, configuration(t, token), linkage.ErrOneSided, siteSays},
		{"nobody claims anything", silent, configuration(t), linkage.ErrUnlinked, "neither side"},
		{"the site has none", claims, configuration(t), linkage.ErrOneSided, shopSays},
		{"the site has another's", claims, configuration(t, sign(linkage.IssueJWT, rival, site, from, until)), linkage.ErrOneSided, shopSays},
		{"ended", claims, configuration(t, sign(linkage.Issue, shop, site, from, noon.Add(-time.Hour))), linkage.ErrOneSided, "expired"},
		{"ended, as a JWT", claims, configuration(t, sign(linkage.IssueJWT, shop, site, from, noon.Add(-time.Hour))), linkage.ErrOneSided, "expired"},
		{"not begun", claims, configuration(t, sign(linkage.Issue, shop, site, until, until.Add(time.Hour))), linkage.ErrOneSided, "not valid yet"},
		{"of another origin", claims, configuration(t, sign(linkage.Issue, shop, "https://other.example", from, until)), linkage.ErrOneSided, "for the origin https://other.example"},
		{"of another port", claims, configuration(t, sign(linkage.IssueJWT, shop, site+":8443", from, until)), linkage.ErrOneSided, "for the origin " + site + ":8443"},
		{"of a host above", claims, configuration(t, replace(`"origin":"https://shop.example"`, `"origin":"https://example"`)), linkage.ErrOneSided, "not an origin"},
		{"of no origin", claims, configuration(t, replace(`,"origin":"https://shop.example"`, ``)), linkage.ErrOneSided, "not an origin"},
		{"of an origin and a path", claims, configuration(t, replace(site, site+"/page")), linkage.ErrOneSided, "not an origin"},
		{"of two origins", claims, configuration(t, replace(`"origin":"https://shop.example"`, `"origin":["https://shop.example"]`)), linkage.ErrOneSided, "unmarshal JSON array"},
		{"about another", claims, configuration(t, replace(`{"id":"did:web:shop.example"`, `{"id":"did:web:rival.example"`)), linkage.ErrOneSided, "by and about"},
		{"about two", claims, configuration(t, other(func(text string) string {
			i := strings.Index(text, `{"id":`)
			return text[:i] + `[` + text[i:len(text)-1] + `,{"id":"did:web:rival.example"}]}`
		})), linkage.ErrOneSided, ""},
		{"of another type", claims, configuration(t, replace(`,"DomainLinkageCredential"]`, `]`)), linkage.ErrOneSided, "not a DomainLinkageCredential"},
		{"with an id", claims, configuration(t, replace(`"type":`, `"id":"urn:x","type":`)), linkage.ErrOneSided, "it has an id"},
		{"for ever", claims, configuration(t, replace(`,"expirationDate":"2027-11-22T12:00:00Z"`, ``)), linkage.ErrOneSided, "from when until when"},
		{"forged", claims, configuration(t, forged), linkage.ErrOneSided, "proof does not hold"},
		{"by a key that was revoked since", revoked, configuration(t, proof), linkage.ErrOneSided, "revoked"},
		{"by a key that was rotated since", rotated, configuration(t, token), linkage.ErrOneSided, "proof does not hold"},
		{"forged, and not claimed", silent, configuration(t, forged), linkage.ErrUnlinked, "proof does not hold"},
		{"no configuration", claims, `{"linked_dids":[]}`, linkage.ErrConfiguration, "@context"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &linkage.Checker{Resolver: documents(tt.document, document(t, rival)), Source: published{site + linkage.WellKnown: tt.site}, Now: clock}
			link, err := c.Domain(t.Context(), shop.ID, origin(t, site))
			if tt.reason == nil {
				require.NoError(t, err)
				require.Equal(t, shop.ID, link.DID)
				require.Equal(t, site, link.Origin.String())
				require.Equal(t, until, link.Until.UTC())
				require.Equal(t, shop.ID, link.Credential.Issuer())
				return
			}
			require.ErrorIs(t, err, tt.reason)
			require.ErrorContains(t, err, tt.says)
			require.True(t, did.IsAnswer(err))
			if side, ok := errors.AsType[*linkage.OneSidedError](err); ok {
				require.ErrorIs(t, side, linkage.ErrOneSided)
			} else {
				require.NotErrorIs(t, err, linkage.ErrOneSided)
			}
		})
	}
}

// What could not be asked is no answer.
func TestDomainCouldNotBeChecked(t *testing.T) {
	shop := web("did:web:shop.example")
	token, err := linkage.IssueJWT(shop, origin(t, site), noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0))
	require.NoError(t, err)
	up := published{site + linkage.WellKnown: configuration(t, token)}
	for name, c := range map[string]*linkage.Checker{
		"the site is down":           {Resolver: documents(document(t, shop, site)), Source: published{}},
		"the document is not to get": {Resolver: world{shop.ID: nil}, Source: up},
		"nobody to ask":              {Resolver: documents(document(t, shop, site))},
		"neither document nor error": {Resolver: world{shop.ID: {}}, Source: up},
	} {
		c.Now = clock
		_, err := c.Domain(t.Context(), shop.ID, origin(t, site))
		require.Error(t, err, name)
		require.False(t, did.IsAnswer(err), "%s: %v", name, err)
	}
	lying := document(t, web("did:web:lying.example"), site)
	_, err = (&linkage.Checker{Resolver: world{shop.ID: {Document: lying}}, Source: up, Now: clock}).Domain(t.Context(), shop.ID, origin(t, site))
	require.ErrorIs(t, err, did.ErrInvalidDocument)
	_, err = (&linkage.Checker{}).Verify(t.Context(), shop.ID, linkage.Origin{}, nil)
	require.ErrorContains(t, err, "required")
	_, err = (&linkage.Checker{Source: up}).Fetch(t.Context(), linkage.Origin{})
	require.ErrorContains(t, err, "an origin")

	results, err := (&linkage.Checker{Resolver: documents(document(t, shop, "https://other.example", site)), Source: up, Now: clock}).Domains(t.Context(), shop.ID)
	require.NoError(t, err)
	require.Len(t, results, 2)
	require.ErrorIs(t, results[0].Err, fs.ErrNotExist)
	require.Equal(t, shop.ID, results[1].Link.DID)
	_, err = (&linkage.Checker{Resolver: world{shop.ID: nil}}).Domains(t.Context(), shop.ID)
	require.Error(t, err)
}

func TestIssueRefuses(t *testing.T) {
	shop, o := web("did:web:shop.example"), origin(t, site)
	nameless := *shop
	nameless.Method = did.URL{}
	for name, tt := range map[string]struct {
		i           *vc.Issuer
		o           linkage.Origin
		from, until time.Time
		says        string
	}{
		"no origin":   {shop, linkage.Origin{}, noon, noon.Add(1), "origin are required"},
		"nobody":      {&vc.Issuer{}, o, noon, noon.Add(1), "required"},
		"no end":      {shop, o, noon, time.Time{}, "until when"},
		"no time":     {shop, o, noon, noon, "until when"},
		"no start":    {shop, o, time.Time{}, noon, "from which"},
		"no key name": {&nameless, o, noon, noon.Add(time.Hour), "Method"},
		"no key":      {&vc.Issuer{ID: shop.ID, Method: shop.Method}, o, noon, noon.Add(time.Hour), "Key"},
	} {
		_, err := linkage.Issue(tt.i, tt.o, tt.from, tt.until)
		require.ErrorContains(t, err, tt.says, name)
		_, err = linkage.IssueJWT(tt.i, tt.o, tt.from, tt.until)
		require.ErrorContains(t, err, tt.says, name)
	}
	_, err := linkage.Service(shop.ID.URL("s"))
	require.Error(t, err)
	_, err = linkage.Service(did.URL{DID: shop.ID}, o)
	require.Error(t, err)
	_, err = json.Marshal(&linkage.Configuration{Credentials: [][]byte{[]byte(`{"a":1`)}})
	require.Error(t, err)
	_, err = json.Marshal(&linkage.Configuration{Credentials: [][]byte{{0xff}}})
	require.Error(t, err)
}

func TestParseOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://shop.example":      site,
		"https://shop.example/":     site,
		"https://SHOP.example:443":  site,
		"https://shop.example:8443": site + ":8443",
		"https://bücher.example":    "https://xn--bcher-kva.example",
	} {
		o, err := linkage.ParseOrigin(text)
		require.NoError(t, err, text)
		require.Equal(t, want, o.String())
		require.Equal(t, want+"/.well-known/did-configuration.json", o.URL())
		var back linkage.Origin
		out, err := o.MarshalText()
		require.NoError(t, err)
		require.NoError(t, back.UnmarshalText(out))
		require.Equal(t, o, back)
	}
	for name, text := range map[string]string{
		"nothing": "", "http": "http://shop.example", "host alone": "shop.example", "no host": "https://", "path": "https://shop.example/x",
		"two slashes": "https://shop.example//", "query": "https://shop.example?x", "fragment": "https://shop.example#x", "user": "https://me@shop.example",
		"user and password": "https://me:pass@shop.example", "IPv4": "https://127.0.0.1", "IPv6": "https://[::1]", "local": "https://localhost",
		"port of letters": "https://shop.example:x", "port zero": "https://shop.example:0", "no port": "https://shop.example:", "percent": "https://shop%2eexample",
		"backslash": `https://shop.example\x`, "a DID": "did:web:shop.example", "capital scheme": "HTTPS://shop.example", "zero byte": "https://shop.example\x00",
	} {
		_, err := linkage.ParseOrigin(text)
		require.ErrorIs(t, err, linkage.ErrOrigin, name)
	}
	require.Zero(t, linkage.Origin{}.String())
}

func TestClaimed(t *testing.T) {
	read := func(services string) ([]linkage.Origin, error) {
		d, err := did.ParseDocument([]byte(`{"@context":"https://www.w3.org/ns/did/v1","id":"did:web:a.example","service":[` + services + `]}`))
		require.NoError(t, err)
		return linkage.Claimed(d)
	}
	a, b := origin(t, "https://a.example"), origin(t, "https://b.example")
	for name, tt := range map[string]struct {
		services string
		want     []linkage.Origin
	}{
		"none":               {``, nil},
		"a string":           {`{"id":"#1","type":"LinkedDomains","serviceEndpoint":"https://a.example"}`, []linkage.Origin{a}},
		"origins":            {`{"id":"#1","type":"LinkedDomains","serviceEndpoint":{"origins":["https://a.example","https://b.example/"]}}`, []linkage.Origin{a, b}},
		"several, repeated":  {`{"id":"#1","type":["X","LinkedDomains"],"serviceEndpoint":["https://b.example",{"origins":["https://a.example"]}]},{"id":"#2","type":"LinkedDomains","serviceEndpoint":"https://a.example/"}`, []linkage.Origin{b, a}},
		"one, not in a list": {`{"id":"#1","type":"LinkedDomains","serviceEndpoint":{"origins":"https://a.example"}}`, []linkage.Origin{a}},
		"another service":    {`{"id":"#1","type":"Website","serviceEndpoint":"https://a.example"}`, nil},
		"no origins":         {`{"id":"#1","type":"LinkedDomains","serviceEndpoint":["http://a.example","https://a.example/page","urn:x",{"x":1},{"origins":[1,null,"ftp://a"]}]}`, nil},
	} {
		got, err := read(tt.services)
		require.NoError(t, err, name)
		require.Equal(t, tt.want, got, name)
	}
	var many []string
	for i := range linkage.MaxOrigins + 1 {
		many = append(many, fmt.Sprintf(`"https://h%d.example"`, i))
	}
	_, err := read(`{"id":"#1","type":"LinkedDomains","serviceEndpoint":{"origins":[` + strings.Join(many, ",") + `]}}`)
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

func TestParseConfiguration(t *testing.T) {
	head := `{"@context":"` + linkage.ContextURL + `","linked_dids":`
	c, err := linkage.ParseConfiguration([]byte(head + `[{"issuer":"did:web:a.example"},"a.b.c",{"issuer":{"id":"did:web:b.example"}},{"issuer":"did:web:a.example"},{"issuer":7}]}`))
	require.NoError(t, err)
	require.Len(t, c.Credentials, 5)
	require.Equal(t, []did.DID{did.MustParse("did:web:a.example"), did.MustParse("did:web:b.example")}, c.DIDs())
	for name, text := range map[string]string{
		"nothing":         ``,
		"no object":       `[]`,
		"no context":      `{"linked_dids":[]}`,
		"another context": `{"@context":"https://identity.foundation/.well-known/did-configuration/v0","linked_dids":[]}`,
		"contexts":        `{"@context":["` + linkage.ContextURL + `"],"linked_dids":[]}`,
		"no linked_dids":  `{"@context":"` + linkage.ContextURL + `"}`,
		"linked_dids":     head + `{}}`,
		"a number in it":  head + `[1]}`,
		"null in it":      head + `[null]}`,
		"one member more": head + `[],"other":1}`,
		"twice":           head + `[],"linked_dids":[]}`,
		"something after": head + `[]} x`,
		"too many":        head + `[` + strings.Repeat(`"",`, linkage.MaxLinked) + `""]}`,
		"too long":        head + `["` + strings.Repeat("x", linkage.MaxConfigurationBytes) + `"]}`,
		"in another case": `{"@context":"` + linkage.ContextURL + `","Linked_dids":[]}`,
		"not closed":      head + `[`,
	} {
		_, err := linkage.ParseConfiguration([]byte(text))
		require.ErrorIs(t, err, linkage.ErrConfiguration, name)
	}
}

func FuzzParseConfiguration(f *testing.F) {
	f.Add([]byte(`{"@context":"` + linkage.ContextURL + `","linked_dids":[{"issuer":"did:web:a.example"},"a.b.c"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := linkage.ParseConfiguration(text)
		if err != nil {
			require.ErrorIs(t, err, linkage.ErrConfiguration)
			return
		}
		c.DIDs()
		out, err := json.Marshal(c)
		if err != nil {
			return // what was no object, and begins like one
		}
		again, err := linkage.ParseConfiguration(out)
		require.NoError(t, err)
		require.Equal(t, len(c.Credentials), len(again.Credentials))
	})
}

func FuzzParseOrigin(f *testing.F) {
	for _, s := range []string{site, "https://bücher.example:8443/", "https://127.0.0.1", "https://a.example%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := linkage.ParseOrigin(text)
		if err != nil {
			require.ErrorIs(t, err, linkage.ErrOrigin)
			return
		}
		again, err := linkage.ParseOrigin(o.String())
		require.NoError(t, err)
		require.Equal(t, o, again)
	})
}

// The files of another implementation: one is a configuration, one has a member too many, one another
// context. Its credential is by a DID whose key is not published.
func TestVectorsOfIOTA(t *testing.T) {
	passed := 0
	for file, want := range map[string]error{
		"domain-config-valid.json": nil, "domain-config-extra-property.json": linkage.ErrConfiguration, "domain-config-invalid-context.json": linkage.ErrConfiguration,
	} {
		text, err := os.ReadFile(shared.Path(t, "vectors", "iota-identity", file))
		require.NoError(t, err)
		c, err := linkage.ParseConfiguration(text)
		require.ErrorIs(t, err, want, file)
		if err == nil {
			require.Equal(t, "did:example:DRvoazsGNr6asZSVPusX227vXVv3L58oYhfAeQMvorbx", c.DIDs()[0].String())
		}
		passed++
	}
	shared.Tally(t, "DIF Well Known DID Configuration", "iotaledger/identity", passed, 3, "")
}

// The credential that the DIF has published at https://identity.foundation/.well-known/did-configuration.json, by a
// did:key. Its origin has no scheme, as in the example of the standard.
func TestVectorOfTheDIF(t *testing.T) {
	const token = "eyJhbGciOiJFZERTQSIsImtpZCI6ImRpZDprZXk6ejZNa29USHNnTk5yYnk4SnpDTlExaVJMeVc1UVE2UjhYdXU2QUE4aWdHck1WUFVNI3o2TWtvVEhzZ05OcmJ5OEp6Q05RMWlSTHlXNVFRNlI4WHV1NkFBOGlnR3JNVlBVTSJ9." +
		"eyJleHAiOjE3NjQ4NzkxMzksImlzcyI6ImRpZDprZXk6ejZNa29USHNnTk5yYnk4SnpDTlExaVJMeVc1UVE2UjhYdXU2QUE4aWdHck1WUFVNIiwibmJmIjoxNjA3MTEyNzM5LCJzdWIiOiJkaWQ6a2V5Ono2TWtvVEhzZ05OcmJ5OEp6Q05RMWlSTHlXNVFRNlI4WHV1NkFBOGlnR3JNVlBVTSIsInZjIjp7IkBjb250ZXh0IjpbImh0dHBzOi8vd3d3LnczLm9yZy8yMDE4L2NyZWRlbnRpYWxzL3YxIiwiaHR0cHM6Ly9pZGVudGl0eS5mb3VuZGF0aW9uLy53ZWxsLWtub3duL2RpZC1jb25maWd1cmF0aW9uL3YxIl0sImNyZWRlbnRpYWxTdWJqZWN0Ijp7ImlkIjoiZGlkOmtleTp6Nk1rb1RIc2dOTnJieThKekNOUTFpUkx5VzVRUTZSOFh1dTZBQThpZ0dyTVZQVU0iLCJvcmlnaW4iOiJpZGVudGl0eS5mb3VuZGF0aW9uIn0sImV4cGlyYXRpb25EYXRlIjoiMjAyNS0xMi0wNFQxNDoxMjoxOS0wNjowMCIsImlzc3VhbmNlRGF0ZSI6IjIwMjAtMTItMDRUMTQ6MTI6MTktMDY6MDAiLCJpc3N1ZXIiOiJkaWQ6a2V5Ono2TWtvVEhzZ05OcmJ5OEp6Q05RMWlSTHlXNVFRNlI4WHV1NkFBOGlnR3JNVlBVTSIsInR5cGUiOlsiVmVyaWZpYWJsZUNyZWRlbnRpYWwiLCJEb21haW5MaW5rYWdlQ3JlZGVudGlhbCJdfX0." +
		"aUFNReA4R5rcX_oYm3sPXqWtso_gjPHnWZsB6pWcGv6m3K8-4JIAvFov3ZTM8HxPOrOL17Qf4vBFdY9oK0HeCQ"
	id := did.MustParse("did:key:z6MkoTHsgNNrby8JzCNQ1iRLyW5QQ6R8Xuu6AA8igGrMVPUM")
	c := &linkage.Checker{Now: func() time.Time { return time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC) }}
	config := &linkage.Configuration{Credentials: [][]byte{[]byte(token)}}
	_, err := c.Verify(t.Context(), id, origin(t, "https://identity.foundation"), config)
	side, ok := errors.AsType[*linkage.OneSidedError](err)
	require.True(t, ok, err)
	require.Equal(t, linkage.OneSidedError{Claims: "https://identity.foundation", Silent: id.String()}, *side, "a did:key has no services: it cannot claim an origin")

	c.Now = clock
	_, err = c.Verify(t.Context(), id, origin(t, "https://identity.foundation"), config)
	require.ErrorIs(t, err, linkage.ErrUnlinked)
	require.ErrorIs(t, err, vc.ErrExpired)
	shared.Tally(t, "DIF Well Known DID Configuration", "identity.foundation", 1, 1, "")
}
