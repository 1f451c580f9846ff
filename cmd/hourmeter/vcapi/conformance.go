package vcapi

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
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
