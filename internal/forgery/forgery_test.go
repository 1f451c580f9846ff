// Package forgery gives the whole of verification, with every suite and format enabled, whatever
// comes to a fuzzer's mind, and asks more of it than not to panic: what verifies was said by those
// whose keys are here, in these words. The rest is refused, and by the right kind of error.
//
//	go test ./internal/forgery -run '^$' -fuzz '^FuzzVerify$' -fuzztime 5m
//
// It stands apart because no single package is meant: what one format reads, another has to have refused.
//
// Logs of did:webvh are among it: see FuzzForgedLogs.
//
// What may differ from the genuine, since nobody signs it: white space, escapes and the order of members;
// (r, n-s) for an ECDSA signature (r, s); how many of a set's proofs there are; the unprotected header of
// COSE; the envelope's own envelope; how a document that was signed as RDF is written; and what its holder
// leaves out of what may be left out.
package forgery

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/mldsa"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/schema"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
	"github.com/hourmeter/hourmeter/vc/status"
)

// A world is a verifier of everything, and what was issued in it.
type world struct {
	lists     status.Static
	schemas   schema.Static
	verified  map[string]*vc.Verified     // of the genuine credentials, by name
	shown     map[string]*vc.Presentation // likewise
	revoked   map[string]bool             // names of what is genuine, and refused for its status or schema
	raw       map[string][]byte
	contexts  *vc.Contexts
	nquads    map[string][]string // of those signed as RDF: their statements, labels taken off
	canonical map[string]string   // likewise: canonical, with labels
	signed    map[string]string   // of SD-JWTs: the part that the issuer signed
	resolver  did.Resolver
}

func newWorld(t testing.TB) *world {
	w := &world{
		raw: genuine(t), contexts: contexts(), verified: map[string]*vc.Verified{}, shown: map[string]*vc.Presentation{},
		revoked: map[string]bool{}, nquads: map[string][]string{}, canonical: map[string]string{}, signed: map[string]string{},
	}
	_, _, log := fleet(t)
	w.resolver = methods(log)
	w.lists = status.Static{bitstringURL: {Body: w.raw["evidence-bitstring"], Fetched: noon}, tokenURL: {Body: w.raw["evidence-token-cwt"], Fetched: noon}}
	w.schemas = schema.Static{plainURL: w.raw["evidence-plain-schema"], securedURL: w.raw["evidence-schema"]}
	v := w.verifier()
	for name, raw := range w.raw {
		credential, err := v.Verify(t.Context(), raw, vc.AnyIssuer)
		presentation, errP := v.VerifyPresentation(t.Context(), raw, asked, vc.AnyIssuer)
		switch {
		case strings.HasSuffix(name, "-ended") || strings.HasSuffix(name, "revoked") || strings.HasSuffix(name, "unfit"):
			require.Error(t, err, name)
			require.Error(t, errP, name)
			w.revoked[name] = true
		case strings.HasPrefix(name, "presentation-"):
			require.NoError(t, errP, name)
			w.shown[name] = presentation
			if !strings.HasPrefix(name, "presentation-bound") { // an SD-JWT with a key binding is a credential too
				require.Error(t, err, name)
			} else {
				require.NoError(t, err, name)
			}
		case strings.HasPrefix(name, "evidence-token") || name == "evidence-plain-schema":
			require.Error(t, err, name) // no credentials
		default:
			require.NoError(t, err, name)
			require.Error(t, errP, name)
			w.verified[name] = credential
		}
	}
	for name, v := range w.verified {
		if v.MediaType() == "application/vc" && signedAsRDF(v) {
			w.canonical[name], w.nquads[name] = w.statements(t, v)
		}
		if v.Selective() && v.MediaType() != "application/vc" {
			w.signed[name] = issuerSigned(t, v)
		}
	}
	return w
}

// verifier reads everything. Each has checkers of its own, which remember nothing of another's.
func (w *world) verifier() *vc.Verifier {
	v := &vc.Verifier{
		Resolver: w.resolver, Certificates: didx509.Resolver{}.Presented,
		Suites:   append(rdfc.Suites(w.contexts), mldsa.MLDSA44JCS2024{}),
		Formats:  []vc.Format{jose.Format{}, sdjwt.Format{}, cose.Format{}, cose.CWT{}},
		Contexts: w.contexts, Now: now, V1: true,
	}
	evidence := *v
	v.Status = &status.Checker{Source: w.lists, Verifier: &evidence}
	v.Schema = &schema.Checker{Source: w.schemas, Verifier: &evidence, Now: now}
	return v
}

func signedAsRDF(v *vc.Verified) bool {
	return slices.ContainsFunc(v.Signatures(), func(s vc.Signature) bool {
		return slices.Contains([]string{"eddsa-rdfc-2022", "ecdsa-rdfc-2019", "ecdsa-sd-2023", "Ed25519Signature2020"}, s.Suite)
	})
}

// statements returns what v says in RDF: canonical, and one by one with all labels of blank nodes alike.
func (w *world) statements(t testing.TB, v *vc.Verified) (string, []string) {
	doc, err := strictjson.Parse([]byte(v.Raw()), strictjson.Limits{})
	require.NoError(t, err)
	canonical, err := w.contexts.CanonicalNQuads(jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"}), crypto.SHA256)
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(canonical)) {
		words := strings.Split(line, " ")
		for i, word := range words {
			if strings.HasPrefix(word, "_:") {
				words[i] = "_:"
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	slices.Sort(lines)
	return string(canonical), lines
}

// issuerSigned returns the part of an SD-JWT that its issuer signed.
func issuerSigned(t testing.TB, v *vc.Verified) string {
	token, err := sdjwt.Parse([]byte(v.Raw()))
	require.NoError(t, err)
	signed, _, _ := strings.Cut(token.String(), "~")
	return signed
}

// facts are what a credential says beside its content.
func facts(v *vc.Verified) string {
	return fmt.Sprint(v.ID(), " ", v.Issuer(), v.ValidFrom(), v.ValidUntil(), v.Expires(), v.MediaType(), v.DataModel(), v.Selective(), v.Status())
}

// origin returns the genuine credential that v is, or why it is none.
func (w *world) origin(t testing.TB, v *vc.Verified) error {
	enveloped := v.MediaType() != "application/vc"
	var same func(name string, g *vc.Verified) bool
	switch {
	case enveloped && v.Selective(): // an SD-JWT: its holder may have left out what may be left out
		signed := issuerSigned(t, v)
		same = func(name string, _ *vc.Verified) bool { return w.signed[name] == signed }
	case !v.Rewritable(): // the text was signed
		same = func(_ string, g *vc.Verified) bool { return g.Digest() == v.Digest() }
	case !v.Selective(): // the statements were signed
		canonical, _ := w.statements(t, v)
		same = func(name string, _ *vc.Verified) bool { return w.canonical[name] == canonical }
	default: // each statement was signed for itself, and what is mandatory as a whole
		_, lines := w.statements(t, v)
		same = func(name string, _ *vc.Verified) bool { return contained(lines, w.nquads[name]) }
	}
	nobody := errors.New("nobody issued it")
	err := nobody
	for name, g := range w.verified {
		if !same(name, g) {
			continue
		}
		if facts(g) != facts(v) {
			if err != nobody {
				continue // another comes closer
			}
			err = fmt.Errorf("of %s, but it says %s, and that %s", name, facts(v), facts(g))
			continue
		}
		signatures := g.Signatures()
		foreign := slices.IndexFunc(v.Signatures(), func(s vc.Signature) bool { return !slices.Contains(signatures, s) })
		if foreign < 0 {
			return nil
		}
		err = fmt.Errorf("of %s, but signed %v", name, v.Signatures()[foreign])
	}
	return err
}

// contained reports whether sorted some has no line more often than sorted all.
func contained(some, all []string) bool {
	for _, line := range some {
		i, ok := slices.BinarySearch(all, line)
		if !ok {
			return false
		}
		all = all[i+1:]
	}
	return true
}

// names of the genuine in order: seeds are the same every time.
func (w *world) names() []string {
	var names []string
	for name := range w.raw {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reasons are all that something is refused for.
var reasons = []error{
	vc.ErrMalformed, vc.ErrLimit, vc.ErrContext, vc.ErrResource, vc.ErrProof, vc.ErrIssuer, vc.ErrNotYetValid, vc.ErrExpired,
	vc.ErrStatus, vc.ErrSchema, vc.ErrNotAccepted, vc.ErrChallenge, vc.ErrDomain, vc.ErrHolder,
}

// maxMessage bounds an error's text: it goes to logs, and whoever is refused chooses a part of it. Most of it are
// the DIDs of the signer, its key and its document.
const maxMessage = 8 * did.MaxLength

// checkError holds an error against what package vc says of its errors.
func checkError(t testing.TB, err error) {
	t.Helper()
	require.True(t, utf8.ValidString(err.Error()), "%q", err)
	require.LessOrEqual(t, len(err.Error()), maxMessage, "%.1000s", err)
	if c, ok := errors.AsType[*vc.CredentialError](err); ok {
		err = c.Err
	}
	if rej, bad := err.(*vc.RejectError); bad {
		require.Contains(t, reasons, rej.Reason)
		require.Error(t, rej.Detail)
		return
	}
	_, unchecked := errors.AsType[*vc.UncheckedError](err)
	_, list := errors.AsType[*status.Error](err)
	_, fit := errors.AsType[*schema.Error](err)
	known := unchecked || list || fit || strings.HasPrefix(err.Error(), "vc: could not be checked: ")
	for _, unknown := range []error{did.ErrMethodNotSupported, did.ErrKeyNotSupported, did.ErrVersionUnknown} {
		known = known || errors.Is(err, unknown)
	}
	require.True(t, known, "it could have been checked: %v", err)
}

// checkFindings holds findings against the verdict.
func checkFindings(t testing.TB, findings []vc.Finding, err error) {
	t.Helper()
	_, bad := err.(*vc.RejectError)
	found := map[vc.Outcome]int{}
	for _, f := range findings {
		found[f.Outcome]++
		require.Equal(t, f.Outcome == vc.Fail || f.Outcome == vc.Indeterminate, f.Problem() != vc.Problem{}, "%v", f)
		require.LessOrEqual(t, len(f.Detail), maxMessage, "%.1000s", f.Detail)
	}
	if bad {
		require.NotZero(t, found[vc.Fail], "%v: %v", err, findings)
	} else if err != nil {
		if _, inside := err.(*vc.CredentialError); !inside {
			require.NotZero(t, found[vc.Indeterminate], "%v: %v", err, findings)
		}
	} else {
		require.Zero(t, found[vc.Fail]+found[vc.Indeterminate]+found[vc.Skipped], "%v", findings)
	}
}

// verify verifies a credential in two ways, which have to agree, and again what it says it is.
func verify(t testing.TB, v *vc.Verifier, raw []byte) (*vc.Verified, error) {
	t.Helper()
	ctx := context.Background()
	verified, err := v.Verify(ctx, raw, vc.AnyIssuer)
	require.NotEqual(t, err == nil, verified == nil)
	report := v.Report(ctx, raw, vc.AnyIssuer)
	require.Equal(t, verified == nil, report.Verified == nil)
	checkFindings(t, report.Findings, report.Err)
	_, marshalErr := json.Marshal(report)
	require.NoError(t, marshalErr)
	if err != nil {
		require.EqualError(t, report.Err, err.Error())
		checkError(t, err)
		return nil, err
	}
	require.NoError(t, report.Err)
	again, err := v.Verify(ctx, []byte(verified.JSON()), vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, verified.Digest(), again.Digest())
	require.Equal(t, facts(verified), facts(again))
	require.Equal(t, verified.Signatures(), again.Signatures())
	require.Equal(t, again.JSON(), verified.JSON())
	return verified, nil
}

// verifyPresentation is verify of a presentation.
func verifyPresentation(t testing.TB, v *vc.Verifier, raw []byte) (*vc.Presentation, error) {
	t.Helper()
	ctx := context.Background()
	p, err := v.VerifyPresentation(ctx, raw, asked, vc.AnyIssuer)
	require.NotEqual(t, err == nil, p == nil)
	report := v.ReportPresentation(ctx, raw, asked, vc.AnyIssuer)
	require.Equal(t, p == nil, report.Presentation == nil)
	checkFindings(t, report.Findings, report.Err)
	_, marshalErr := json.Marshal(report)
	require.NoError(t, marshalErr)
	if err != nil {
		require.EqualError(t, report.Err, err.Error())
		checkError(t, err)
		return nil, err
	}
	require.NoError(t, report.Err)
	for i, r := range report.Credentials {
		require.Equal(t, p.Credentials()[i].Digest(), r.Digest)
	}
	return p, nil
}

// What is in testdata/genuine verifies: newWorld says so. Every suite and format is among it.
func TestGenuine(t *testing.T) {
	w := newWorld(t)
	v := w.verifier()
	suites := map[string]bool{}
	for _, name := range w.names() {
		switch {
		case w.verified[name] != nil:
			verified, err := verify(t, v, w.raw[name])
			require.NoError(t, err, name)
			require.NoError(t, w.origin(t, verified), name)
			for _, s := range verified.Signatures() {
				suites[s.Suite] = true
			}
		case w.shown[name] != nil:
			p, err := verifyPresentation(t, v, w.raw[name])
			require.NoError(t, err, name)
			require.NoError(t, w.presented(t, p), name)
		default:
			_, err := verify(t, v, w.raw[name])
			require.Error(t, err, name)
			_, err = verifyPresentation(t, v, w.raw[name])
			require.Error(t, err, name)
		}
	}
	for _, s := range v.Suites {
		require.True(t, suites[s.Name()], s.Name())
	}
	for _, mediaType := range []string{jose.MediaTypeCredential, jose.MediaTypeJWT, sdjwt.MediaTypeCredential, cose.MediaTypeCredential, cose.MediaTypeCWT} {
		require.True(t, suites[mediaType], mediaType)
	}
}

// presented returns nil if some holder here has answered with just these credentials.
func (w *world) presented(t testing.TB, p *vc.Presentation) error {
	for _, c := range p.Credentials() {
		if err := w.origin(t, c); err != nil {
			return err
		}
	}
	for _, g := range w.shown {
		if g.Holder() == p.Holder() && slices.Equal(digests(g), digests(p)) {
			return nil
		}
	}
	return fmt.Errorf("%s did not show %v", p.Holder(), digests(p))
}

// digests are those of what is shown, in order, without those that can be written in another way.
func digests(p *vc.Presentation) (list []string) {
	for _, c := range p.Credentials() {
		if !c.Rewritable() {
			list = append(list, c.Digest().String())
		} else {
			list = append(list, c.Issuer().String())
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// What a key signs beside the genuine is told from it: the properties above can fail.
func TestOthersAreNotGenuine(t *testing.T) {
	w := newWorld(t)
	shop, drone, mallory := newParty(t, "shop"), newParty(t, "drone"), newParty(t, "mallory")
	doc, err := strictjson.Parse(w.raw["jcs-ed25519"], strictjson.Limits{})
	require.NoError(t, err)
	unsecured := jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})
	later := shop.issuer(nil, nil)
	later.Now = func() time.Time { return noon.Add(time.Second) }
	for name, tt := range map[string]struct {
		by       *vc.Issuer
		document []byte
		want     string
	}{
		"by somebody else":    {mallory.issuer(nil, nil), document(mallory.ID, drone.ID, "", ""), "nobody issued it"},
		"with another name":   {shop.issuer(nil, nil), document(shop.ID, drone.ID, "", `"name":"x"`), "nobody issued it"},
		"signed another time": {later, unsecured, "but signed"},
		"with another suite":  {shop.issuer(rdfc.EdDSARDFC2022{}, nil), document(shop.ID, drone.ID, "", `"name":"x"`), "nobody issued it"},
		"in another envelope": {shop.issuer(nil, sdjwt.Format{}), unsecured, "but it says"},
		"with more to leave":  {newParty(t, "shop P-256").issuer(nil, sdjwt.Format{Disclosable: []string{"/credentialSubject/name"}}), document(newParty(t, "shop P-256").ID, drone.ID, "", ""), "nobody issued it"},
	} {
		raw, err := tt.by.AddProof(tt.document)
		require.NoError(t, err, name)
		v, err := verify(t, w.verifier(), raw)
		require.NoError(t, err, name)
		require.ErrorContains(t, w.origin(t, v), tt.want, name)
	}
	holder := vc.Holder{ID: drone.ID, Key: drone.Key, Now: now}
	raw, err := holder.Present(asked, w.raw["rdfc-p256"])
	require.NoError(t, err)
	p, err := verifyPresentation(t, w.verifier(), raw)
	require.NoError(t, err)
	require.ErrorContains(t, w.presented(t, p), "did not show")
}
