package vcapi

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
	"github.com/hourmeter/hourmeter/vc/status"
)

// Conformance is the profile for conformance suites, which bring keys of their own, say by options
// what is to be checked, and have no tokens. A Handler with it
//
//   - signs for everybody;
//   - checks status and schemas of a credential only if options.checks is absent or names them;
//   - takes challenges that suites made up, though none of its own twice; and where the
//     [vc.Verifier] has InsecureAnyChallenge, does not compare what the options do not name
//     (VC Data Integrity 1.0 §4.4);
//   - adds the context of Data Integrity to credentials of VCDM 1.1 that it issues with a proof;
//   - answers 400, and never 503, for what could not be checked;
//   - serves /conformance.json.
//
// It is for test keys and this machine only.
type Conformance struct {
	Identifiers map[string]did.DID // what /conformance.json says: who issues here, by type of key
}

// NewConformance returns a server for conformance suites that is reached at url, such as
// "https://localhost:8443", with new keys: an instance for each way to secure a credential, and a
// verifier of all of them, which takes any issuer.
func NewConformance(url string) (*Handler, error) {
	// 1. A key of each kind.
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	profile := &Conformance{Identifiers: map[string]did.DID{}}
	contexts := rdfc.Contexts().WithInline()
	issuer := func(kind string, key crypto.Signer, suite vc.Suite, format vc.Format) *vc.Issuer {
		id, failed := did.NewKey(key.Public())
		err = errors.Join(err, failed)
		profile.Identifiers[kind] = id
		return &vc.Issuer{ID: id, Key: key, Suite: suite, Format: format, Contexts: contexts, V1: true, InsecureUnboundIssuer: true}
	}

	// 2. The instances. That of status lists keeps one for revocations only, so that credentialStatus is an object.
	rdf, ecdsaRDF, sd := rdfc.EdDSARDFC2022{Contexts: contexts}, rdfc.ECDSARDFC2019{Contexts: contexts}, rdfc.ECDSASD2023{Contexts: contexts}
	h := &Handler{
		Accept: vc.AnyIssuer, Conformance: profile, Rate: 1 << 16, TotalRate: 1 << 16, Derive: sd.Derive,
		Instances: []Instance{
			{Name: "eddsa-rdfc-2022", Issuer: issuer("ed25519", edKey, rdf, nil)},
			{Name: "eddsa-jcs-2022", Issuer: issuer("ed25519", edKey, vc.EdDSAJCS2022{}, nil)},
			{Name: "ecdsa-rdfc-2019-p256", Issuer: issuer("p256", p256, ecdsaRDF, nil)},
			{Name: "ecdsa-rdfc-2019-p384", Issuer: issuer("p384", p384, ecdsaRDF, nil)},
			{Name: "ecdsa-jcs-2019-p256", Issuer: issuer("p256", p256, vc.ECDSAJCS2019{}, nil)},
			{Name: "ecdsa-jcs-2019-p384", Issuer: issuer("p384", p384, vc.ECDSAJCS2019{}, nil)},
			{Name: "ecdsa-sd-2023", Issuer: issuer("p256", p256, sd, nil), Mandatory: func(pointers []string) vc.Suite {
				return rdfc.ECDSASD2023{Contexts: contexts, MandatoryPointers: pointers}
			}},
			{Name: "bitstring-status-list", Issuer: issuer("ed25519", edKey, rdf, nil)},
			{Name: "vc-jwt", Issuer: issuer("ed25519", edKey, nil, jose.Format{})},
		},
	}
	for i := range h.Instances {
		own := h.Instances[i].Issuer
		h.Instances[i].Holder = &vc.Holder{ID: own.ID, Key: own.Key, Suite: own.Suite, Format: own.Format}
		if h.Instances[i].Mandatory != nil {
			h.Instances[i].Holder.Suite = ecdsaRDF // nobody discloses a part of a presentation
		}
	}

	// 3. The verifier.
	h.Verifier = &vc.Verifier{
		Resolver: resolver.Offline(), Certificates: didx509.Resolver{}.Presented,
		Suites: rdfc.Suites(contexts), Formats: []vc.Format{jose.Format{}, sdjwt.Format{}, cose.Format{}}, Contexts: contexts,
		V1: true, AnySubject: true, InsecureUnboundIssuer: true, InsecureAnyChallenge: true,
	}
	for i := range h.Instances {
		if h.Instances[i].Name != "bitstring-status-list" {
			continue
		}
		lists, failed := OpenStatusLists(StatusConfig{URL: url + "/status-lists/", Purposes: []string{status.Revocation}, Issuer: h.Instances[i].Issuer, Again: true})
		if failed != nil {
			return nil, failed
		}
		ofLists := *h.Verifier
		h.Instances[i].Statuses, h.Verifier.Status = lists, lists.Checker(&ofLists, nil)
	}
	return h, err
}

const (
	contextV1            = "https://www.w3.org/2018/credentials/v1"
	contextDataIntegrity = "https://w3id.org/security/data-integrity/v2"
)

func (h *Handler) conformance(context.Context, *request) reply {
	return reply{status: http.StatusOK, body: h.Conformance.Identifiers}
}

// withDataIntegrity returns the text of a credential, and if its context is that of VCDM 1.1, in which
// no proof of Data Integrity is defined, with the context that does.
func withDataIntegrity(credential strictjson.Value) []byte {
	context := credential.Member("@context")
	if context.Kind() != strictjson.Array || context.First().Text() != contextV1 {
		return []byte(credential.Raw())
	}
	for c := range context.All() {
		if c.Text() == contextDataIntegrity {
			return []byte(credential.Raw())
		}
	}
	return replace(credential, "@context", func(old strictjson.Value) []byte {
		list := []byte{'['}
		for c := range old.All() {
			list = append(append(list, c.Raw()...), ',')
		}
		list, _ = jsontext.AppendQuote(list, contextDataIntegrity)
		return append(list, ']')
	})
}
