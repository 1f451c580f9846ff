package forgery

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/schema"
	"github.com/hourmeter/hourmeter/vc/status"
)

// Nobody can make a credential of what others have issued, but in the ways that the package names.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	for _, name := range w.names() {
		f.Add(w.raw[name])
	}
	v := w.verifier()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if verified, err := verify(t, v, raw); err == nil {
			require.NoError(t, w.origin(t, verified))
		}
	})
}

// Nobody can answer a challenge with what others have shown, but as they did.
func FuzzVerifyPresentation(f *testing.F) {
	w := newWorld(f)
	for _, name := range w.names() {
		if strings.HasPrefix(name, "presentation-") {
			f.Add(w.raw[name])
		}
	}
	f.Add(w.raw["sdjwt-part"]) // of which the bound one is a presentation
	v := w.verifier()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := verifyPresentation(t, v, raw); err == nil {
			require.NoError(t, w.presented(t, p))
		}
	})
}

// Whatever a server has in the place of a list or a schema, it can neither end a credential nor
// keep one alive: unless its issuer said so, nothing is known of it.
func FuzzEvidence(f *testing.F) {
	w := newWorld(f)
	for _, name := range w.names() {
		if strings.HasPrefix(name, "evidence-") {
			f.Add(w.raw[name])
		}
	}
	ended := map[string]error{"status-bitstring-revoked": vc.ErrStatus, "status-token-revoked": vc.ErrStatus, "schema-secured-unfit": vc.ErrSchema}
	inForce := []string{"status-bitstring-good", "status-token-good", "schema-secured-good"}
	f.Fuzz(func(t *testing.T, body []byte) {
		own := *w // with another server
		own.lists = status.Static{bitstringURL: {Body: body, Fetched: noon}, tokenURL: {Body: body, Fetched: noon}}
		own.schemas = schema.Static{plainURL: body, securedURL: body}
		v := own.verifier()
		for name, reason := range ended {
			_, err := verify(t, v, w.raw[name])
			require.Error(t, err, name)
			if rej, bad := errors.AsType[*vc.RejectError](err); bad {
				require.ErrorIs(t, rej, reason, name)
			}
		}
		for _, name := range inForce {
			_, err := verify(t, v, w.raw[name])
			_, bad := errors.AsType[*vc.RejectError](err)
			require.False(t, bad, "%s: %v", name, err)
		}
		// A plain schema is what the server says it is: it may refuse, and it is read in bounded time.
		_, err := verify(t, v, w.raw["schema-plain-good"])
		if rej, bad := errors.AsType[*vc.RejectError](err); bad {
			require.ErrorIs(t, rej, vc.ErrSchema)
		}
	})
}
