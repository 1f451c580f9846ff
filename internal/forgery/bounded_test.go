package forgery

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/status"
)

const (
	hostileBytes = 64 << 10
	patience     = time.Second
)

// repeat returns text as often as it fits into n bytes, with commas between; %d counts.
func repeat(n int, text string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		one := strings.ReplaceAll(text, "%d", fmt.Sprint(i))
		if b.Len()+len(one)+1 > n {
			return b.String()
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(one)
	}
}

// Somebody who may sign whatever they like keeps a verifier busy for less than a second with 64 kB: whatever the
// verdict. One that reads 60 of them a minute from each stranger is not stopped by a stranger.
func TestSixtyFourKilobytesTakeLessThanASecond(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	w := newWorld(t)
	mallory, malloryP256 := newParty(t, "mallory"), newParty(t, "mallory P-256")
	const room = hostileBytes - 2<<10 // without the proof and the rest
	credential := func(by party, context, members string) []byte {
		return []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"` + context + `],"type":["VerifiableCredential"],"issuer":"` + by.ID.String() + `",` + members + `}`)
	}
	signed := func(way any, context, members string) []byte {
		by := mallory
		if _, sd := way.(rdfc.ECDSASD2023); sd {
			by = malloryP256
		}
		raw, err := w.secure(by, way, credential(by, context, members), did.AssertionMethod)
		if err != nil { // what its own suite does not sign comes with a proof that does not hold
			t.Logf("not signed: %.200v", err)
			suite := way.(vc.Suite)
			return credential(by, context, members+`,"proof":{"type":"DataIntegrityProof","cryptosuite":"`+suite.Name()+`","proofPurpose":"assertionMethod","verificationMethod":"`+by.method().String()+`","proofValue":"z3hQpcZbyHyMa6p"}`)
		}
		return raw
	}
	jcsSuite, rdfcSuite, sd := vc.EdDSAJCS2022{}, rdfc.EdDSARDFC2022{Contexts: w.contexts}, rdfc.ECDSASD2023{Contexts: w.contexts, MandatoryPointers: []string{"/issuer"}}
	const any = `,{"@vocab":"https://x.example/"}` // every word is a term

	// proofs of one hand, each of which costs as much as the first
	proofs := func(n int, raw []byte, suite vc.Suite) []byte {
		for range n - 1 {
			more, err := mallory.issuer(suite, nil).AddProof(raw)
			if err != nil {
				t.Logf("not signed again: %.200v", err)
				break
			}
			raw = more
		}
		return raw
	}
	show := func(list string) []byte {
		raw, err := w.secure(mallory, jcsSuite, []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"VerifiablePresentation","verifiableCredential":[`+list+`]}`), did.Authentication)
		require.NoError(t, err)
		return raw
	}
	token := func(payload string) []byte {
		raw, err := jws.Sign(mallory.Key, jws.Header{Typ: "vc+jwt", Kid: mallory.method().String()}, []byte(payload))
		require.NoError(t, err)
		return raw
	}
	sdToken := func(payload string, disclosures ...string) []byte {
		raw, err := jws.Sign(mallory.Key, jws.Header{Typ: "vc+sd-jwt", Kid: mallory.method().String()}, []byte(payload))
		require.NoError(t, err)
		return []byte(string(raw) + "~" + strings.Join(append(disclosures, ""), "~"))
	}
	cwt := func(payload []byte) []byte {
		raw, err := cosesign1.Sign(mallory.Key, &cosesign1.Message{Kid: []byte(mallory.method().String()), Payload: payload})
		require.NoError(t, err)
		return raw
	}
	// forged adds proofs that do not hold, which a report checks one by one
	forged := func(n int, raw []byte) []byte {
		one := raw[bytes.LastIndex(raw, []byte(`"proof":`))+len(`"proof":`) : len(raw)-1]
		list := strings.TrimSuffix(strings.Repeat(string(one)+",", n), ",")
		return slices.Concat(raw[:len(raw)-1-len(one)], []byte("["+list+"]}"))
	}
	// blank nodes in two rings, and in a clique, which hashing tells apart only by trying
	ring := func(n int) string {
		var nodes []string
		for i := range n {
			nodes = append(nodes, fmt.Sprintf(`{"id":"_:a%d","p":{"id":"_:a%d"}},{"id":"_:b%d","p":{"id":"_:b%d"}}`, i, (i+1)%n, i, (i+1)%n))
		}
		return strings.Join(nodes, ",")
	}
	clique := func(n int) string {
		var nodes []string
		for i := range n {
			var links []string
			for j := range n {
				if i != j {
					links = append(links, fmt.Sprintf(`{"id":"_:a%d"}`, j))
				}
			}
			nodes = append(nodes, fmt.Sprintf(`{"id":"_:a%d","p":[%s]}`, i, strings.Join(links, ",")))
		}
		return strings.Join(nodes, ",")
	}
	packed := map[string][]byte{} // lists, and one that unpacks to more than is read
	for name, size := range map[string]int{"64 lists": status.MinEntries / 8, "a long list of statuses": status.MaxListBytes, "64 bombs": 2 * status.MaxListBytes} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(make([]byte, size))
		require.NoError(t, z.Close())
		packed[name] = b.Bytes()
	}
	listed := func(n int) string {
		return `"credentialStatus":[` + strings.TrimSuffix(many(n, `{"type":"BitstringStatusListEntry","statusPurpose":"revocation","statusListIndex":"1","statusListCredential":"https://mallory.example/%d"},`), ",") + `],`
	}

	subject := func(list string) string { return `"credentialSubject":[` + list + `]` }
	for name, raw := range map[string][]byte{
		"deep arrays":                    []byte(strings.Repeat("[", room)),
		"deep objects":                   []byte(strings.Repeat(`{"a":`, room/5)),
		"an object of one name":          []byte(`{` + repeat(room, `"a":1`) + `}`),
		"many members":                   signed(jcsSuite, any, subject(`{`+repeat(room, `"m%d":1`)+`}`)),
		"many members as RDF":            proofs(8, signed(rdfcSuite, any, subject(`{`+repeat(room-8<<10, `"m%d":1`)+`}`)), rdfcSuite),
		"many words as RDF":              proofs(8, signed(rdfcSuite, any, subject(`{"m":[`+repeat(room-8<<10, `"%d"`)+`]}`)), rdfcSuite),
		"many subjects":                  proofs(8, signed(rdfcSuite, any, subject(repeat(room-8<<10, `{"m":%d}`))), rdfcSuite),
		"subjects all alike":             proofs(8, signed(rdfcSuite, any, subject(`{"m":[`+repeat(room-8<<10, `{"n":1}`)+`]}`)), rdfcSuite),
		"a long list":                    proofs(8, signed(rdfcSuite, `,{"@vocab":"https://x.example/","l":{"@container":"@list"}}`, subject(`{"l":[`+repeat(room-8<<10, `1`)+`]}`)), rdfcSuite),
		"nested nodes":                   proofs(8, signed(rdfcSuite, any, subject(`{"m":[`+repeat(room-8<<10, strings.Repeat(`{"a":`, 25)+`1`+strings.Repeat(`}`, 25))+`]}`)), rdfcSuite),
		"rings of blank nodes":           signed(rdfcSuite, any, subject(`{"m":[`+ring(500)+`]}`)),
		"small rings":                    signed(rdfcSuite, any, subject(`{"m":[`+ring(20)+`]}`)),
		"a clique of 8":                  signed(rdfcSuite, any, subject(`{"m":[`+clique(8)+`]}`)),
		"eight proofs of a clique of 40": forged(8, signed(rdfcSuite, any, subject(`{"m":[`+clique(40)+`]}`))),
		"eight proofs of rings":          forged(8, signed(rdfcSuite, any, subject(`{"m":[`+ring(500)+`]}`))),
		"eight small cliques":            proofs(8, signed(rdfcSuite, any, subject(`{"m":[`+clique(5)+`]}`)), rdfcSuite),
		"eight small rings":              proofs(8, signed(rdfcSuite, any, subject(`{"m":[`+ring(60)+`]}`)), rdfcSuite),
		"many small cliques":             show(repeat(room, strings.ReplaceAll(string(signed(rdfcSuite, any, subject(`{"m":[`+clique(8)+`]}`))), "%", ""))),
		"a clique of 40":                 signed(rdfcSuite, any, subject(`{"m":[`+clique(40)+`]}`)),
		"a clique, disclosed":            signed(sd, any, subject(`{"m":[`+clique(8)+`]}`)),
		"many to disclose":               signed(sd, any, subject(`{`+repeat(4<<10, `"m%d":1`)+`}`)),
		"a wide context":                 signed(rdfcSuite, `,{"m":"x:m",`+repeat(8000, `"t%d":"x:t%d"`)+`}`, subject(`{"m":[`+repeat(room-16<<10, `{"t1":1}`)+`]}`)),
		"many contexts":                  proofs(8, signed(rdfcSuite, `,`+strings.TrimSuffix(many(14, `{"m":"x:m",`+repeat(500, `"t%d":"x:t"`)+`},`), ","), subject(`{"m":[`+repeat(room-16<<10, `{"t1":1}`)+`]}`)), rdfcSuite),
		"terms of terms":                 signed(rdfcSuite, `,{"t0":"https://x.example/",`+repeat(7900, `"u%d":"t0:%d"`)+`}`, subject(`{"u1":1}`)),
		"contexts in contexts":           signed(rdfcSuite, `,{"m":"x:m","t":{"@id":"x:t","@context":{`+repeat(7900, `"u%d":"x:u"`)+`}}}`, subject(`{"m":[`+repeat(room-16<<10, `{"t":{"u1":1}}`)+`]}`)),
		"types with contexts":            signed(rdfcSuite, `,{"m":"x:m",`+repeat(7900, `"T%d":{"@id":"x:T%d","@context":{"u":"x:u%d"}}`)+`}`, subject(`{"m":[`+repeat(room-16<<10, `{"type":["T1","T2","T3","T4","T5","T6"],"u":1}`)+`]}`)),
		"a context, again":               proofs(8, signed(rdfcSuite, `,`+strings.TrimSuffix(many(14, `"https://www.w3.org/ns/credentials/v2",`), ",")+any, subject(`{"m":[`+repeat(room-16<<10, `{"t1":1}`)+`]}`)), rdfcSuite),
		"small numbers in envelopes":     show(repeat(room, string(vc.Enveloped(jose.MediaTypeCredential, signed(jose.Format{}, any, subject(`{"m":[`+repeat(7*256, `5e-324`)+`]}`)))))),
		"long words":                     signed(rdfcSuite, any, subject(`{"m":"`+strings.Repeat(`\u0001`, room/6)+`"}`)),
		"a long number":                  signed(jcsSuite, any, subject(`{"m":`+strings.Repeat("9", room)+`}`)),
		"small numbers":                  signed(jcsSuite, any, subject(`{"m":[`+repeat(room, `5e-324`)+`]}`)),
		"a long base58":                  []byte(strings.Replace(string(signed(rdfcSuite, any, subject(`{"id":"x:y"}`))), `"proofValue":"`, `"proofValue":"`+strings.Repeat("z", room), 1)),
		"a long CBOR proof":              credential(malloryP256, "", subject(`{"id":"x:y"}`)+`,"proof":{"type":"DataIntegrityProof","cryptosuite":"ecdsa-sd-2023","proofPurpose":"assertionMethod","verificationMethod":"`+malloryP256.method().String()+`","proofValue":"u2V0BhVhA`+strings.Repeat("gYGB", room/4)+`"}`),
		"a long did:jwk":                 credential(party{ID: mallory.ID}, "", subject(`{"id":"x:y"}`)+`,"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod","verificationMethod":"did:jwk:`+strings.Repeat("e", room)+`#0","proofValue":"z1"}`),
		"a long URL":                     signed(jcsSuite, any, `"id":"urn:`+strings.Repeat("%41", room/3)+`",`+subject(`{"id":"x:y"}`)),
		"many languages":                 signed(jcsSuite, any, `"name":[`+repeat(room, `{"@value":"n","@language":"de-x-%d"}`)+`],`+subject(`{"id":"x:y"}`)),
		"many related resources":         signed(jcsSuite, any, `"relatedResource":[`+repeat(4<<10, `{"id":"https://x.example/%d","digestSRI":"sha384-`+strings.Repeat("A", 64)+`"}`)+`],`+subject(`{"id":"x:y"}`)),
		"64 lists":                       signed(jcsSuite, any, listed(64)+subject(`{"id":"x:y"}`)),
		"a long list of statuses":        signed(jcsSuite, any, listed(1)+subject(`{"id":"x:y"}`)),
		"64 bombs":                       signed(jcsSuite, any, listed(64)+subject(`{"id":"x:y"}`)),
		"64 schemas":                     signed(jcsSuite, any, `"credentialSchema":[`+strings.TrimSuffix(many(64, `{"type":"JsonSchema","id":"https://mallory.example/%d"},`), ",")+`],`+subject(`{"m":[`+repeat(room-8<<10, `"aaaaaaaaaaaa"`)+`]}`)),
		"a token of one name":            token(`{` + repeat(room*3/4, `"a":1`) + `}`),
		"a long token":                   token(`{"vc":{},` + repeat(room*3/4, `"a%d":1`) + `}`),
		"a deep token":                   token(`{"vc":` + strings.Repeat("[", room*3/4)),
		"many dots":                      []byte("eyJ" + strings.Repeat(".", room)),
		"many tildes":                    []byte("eyJhbGciOiJFZERTQSJ9.e30.AA" + strings.Repeat("~", room)),
		"digests of nothing":             sdToken(`{"_sd":[` + repeat(room*3/4-4<<10, `"%d"`) + `]}`),
		"an SD-JWT in itself":            sdToken(`{"a":`+strings.Repeat(`{"_sd":["x"],"b":`, 1000)+`1`+strings.Repeat(`}`, 1001), strings.Split(repeat(room/2, `WyJzIiwibiIsMV0`), ",")...),
		"a CWT, deep":                    cwt(bytes.Repeat([]byte{0x81}, room)),
		"a CWT, wide":                    cwt(append([]byte{0xb9, 0xf0, 0x00}, bytes.Repeat([]byte{0x00}, room-2048)...)),
		"a CWT of a long array":          cwt(append([]byte{0xa1, 0x01, 0x99, 0xf0, 0x00}, bytes.Repeat([]byte{0x01}, 0xf000)...)),
		"COSE, deep":                     append([]byte{0xd2, 0x84, 0x40, 0xa1, 0x01}, bytes.Repeat([]byte{0x81}, room)...),
		"envelopes in envelopes":         nested(room),
	} {
		t.Run(name, func(t *testing.T) {
			require.LessOrEqual(t, len(raw), hostileBytes+room/8)
			var took time.Duration
			for try := 0; try == 0 || try < 5 && took > patience*3/4; try++ { // the machine may be busy
				v := w.verifier()
				v.Status = &status.Checker{Source: published{mallory, packed[name]}, Verifier: &vc.Verifier{Now: now}}
				runtime.GC() // what others left behind is not its own
				start := spent()
				verdict := v.Report(t.Context(), raw, vc.AnyIssuer).Err // makes more checks than Verify
				credential := spent()
				p := v.ReportPresentation(t.Context(), raw, asked, vc.AnyIssuer)
				once := max(credential-start, spent()-credential)
				if bytes.Contains(raw, []byte(`"type":"VerifiablePresentation"`)) {
					verdict = p.Err
				}
				t.Logf("%6d bytes, %6s: %.160v", len(raw), once.Round(time.Millisecond), verdict)
				if try == 0 || once < took {
					took = once
				}
			}
			require.Less(t, took, patience)
		})
	}
}

// published is mallory's server: it has a list at every URL.
type published struct {
	mallory party
	packed  []byte
}

func (p published) Document(_ context.Context, url, _ string) ([]byte, string, time.Time, error) {
	raw, err := p.mallory.issuer(nil, nil).AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"` + url + `","type":["VerifiableCredential","BitstringStatusListCredential"],
		"issuer":"` + p.mallory.ID.String() + `","credentialSubject":{"id":"` + url + `#list","type":"BitstringStatusList","statusPurpose":"revocation","encodedList":"u` + base64.RawURLEncoding.EncodeToString(p.packed) + `"}}`))
	return raw, "", noon, err
}

// many is strings.Repeat that counts.
func many(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "%d", fmt.Sprint(i)))
	}
	return b.String()
}

// nested is an envelope around an envelope, as often as it fits.
func nested(n int) []byte {
	raw := []byte("eyJ.eyJ.AA")
	for {
		next := vc.Enveloped(jose.MediaTypeCredential, raw)
		if len(next) > n {
			return raw
		}
		raw = next
	}
}
