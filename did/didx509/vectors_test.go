package didx509_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// reasons says by which refusal each published message is meant.
var reasons = map[string]error{
	"Certificate chain verification failed: certificate signature failure.":   didx509.ErrSignature,
	"Certificate chain verification failed: invalid CA certificate.":          didx509.ErrNotCA,
	"Certificate chain verification failed: unhandled critical extension.":    didx509.ErrCriticalExtension,
	"Certificate chain verification failed: path length constraint exceeded.": didx509.ErrPathLength,
	"Certificate chain verification failed: permitted subtree violation.":     didx509.ErrNameConstraints,
	"Certificate chain verification failed: excluded subtree violation.":      didx509.ErrNameConstraints,
	"Supplied chain does not match the verified chain.":                       didx509.ErrOrder,
	"Certificate chain must contain at least two certificates.":               didx509.ErrTooShort,
	"Certificate name contains duplicate attributes.":                         didx509.ErrDuplicateAttribute,
	"Certificate contains an unsupported SAN type.":                           didx509.ErrSANType,
	"Certificate does not contain a Fulcio issuer extension.":                 didx509.ErrNoExtension,
	"Certificate does not contain an EKU extension.":                          didx509.ErrNoExtension,
	"Leaf certificate key usage does not support DID operations.":             didx509.ErrKeyUsage,
	"CA fingerprint does not match the certificate chain.":                    didx509.ErrFingerprint,
	"SAN predicate does not match the certificate.":                           didx509.ErrNoMatch,
	"EKU predicate does not match the certificate.":                           didx509.ErrNoMatch,
	"Subject predicate does not match the certificate.":                       didx509.ErrNoMatch,
	"Fulcio issuer predicate does not match the certificate.":                 didx509.ErrNoMatch,
	"SAN predicate requires exactly one type and value.":                      didx509.ErrPredicateSyntax,
	"Subject predicate requires key-value pairs.":                             didx509.ErrPredicateSyntax,
	"Subject predicate contains duplicate fields.":                            didx509.ErrDuplicateKey,
	"Subject predicate contains an unknown key.":                              didx509.ErrUnknownKey,
	"DID contains an unknown predicate.":                                      didx509.ErrUnknownPredicate,
	"DID must contain at least one predicate.":                                didx509.ErrNoPredicate,
	"Fingerprint algorithm is not supported.":                                 didx509.ErrFingerprintSyntax,
	"DID prefix is invalid.":                                                  did.ErrMethodNotSupported,
	"DID URL paths are not supported.":                                        did.ErrInvalidDID, // it is no DID
	"DID URL queries are not supported.":                                      did.ErrInvalidDID,
}

// The vectors of the method: each gives the published document, or is refused for the same reason.
// They do not look at validity periods, and so the time is zero here.
func TestVectors(t *testing.T) {
	passed, total := run(t, shared.Path(t, "samples", "did-x509-test-vectors.json"))
	shared.Tally(t, "did:x509 version 0", "the method's vectors", passed, total, "")
}

// An older state of the same vectors, which other implementations were made by.
func TestOlderVectors(t *testing.T) {
	passed, total := run(t, shared.Path(t, "vectors", "did-x509", "test-vectors.json"))
	require.Equal(t, total, passed)
}

func run(t *testing.T, path string) (passed, total int) {
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var vectors []struct {
		ID    string
		Input struct {
			DID   string
			Chain []string
		}
		Output struct {
			Document json.RawMessage
			Error    string
		}
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		ok := t.Run(v.ID, func(t *testing.T) {
			// A fragment names something in the document; a path or query the method does not have.
			text, _, _ := strings.Cut(v.Input.DID, "#")
			doc, err := resolve(text, v.Input.Chain)
			if v.Output.Error != "" {
				want, known := reasons[v.Output.Error]
				require.True(t, known, "nobody says which refusal %q is", v.Output.Error)
				require.ErrorIs(t, err, want)
				require.True(t, did.IsAnswer(err))
				return
			}
			require.NoError(t, err)
			got, err := doc.MarshalJSON()
			require.NoError(t, err)
			published, err := did.ParseDocument(v.Output.Document)
			require.NoError(t, err)
			want, err := published.MarshalJSON() // one @context in a list, which is the same
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
			for _, m := range doc.KeyAgreement {
				_, err := doc.Key(m.ID, did.KeyAgreement)
				require.NoError(t, err)
			}
			for _, m := range doc.AssertionMethod {
				_, err := doc.Key(m.ID, did.AssertionMethod)
				require.NoError(t, err)
			}
		})
		if ok {
			passed++
		}
	}
	return passed, len(vectors)
}

// resolve does as a resolver that is given the option x509chain.
func resolve(text string, certificates []string) (*did.Document, error) {
	id, err := did.Parse(text)
	if err != nil {
		return nil, err
	}
	chain, err := didx509.ParseChain([]byte(strings.Join(certificates, ",")))
	if err != nil {
		return nil, err
	}
	doc, err := didx509.Resolve(id, chain, time.Time{})
	// The resolver of what a message brings along says the same.
	res, err2 := didx509.Resolver{AnyTime: true}.Presented(chain.DER()).Resolve(context.Background(), id, did.Version{})
	if (err == nil) != (err2 == nil) || err == nil && res.Document.ID != id {
		return nil, err2
	}
	return doc, err
}

// Microsoft's chain for signing code, as the method's own repository has it: RSA, and long ended.
func TestPublishedCodeSigningChain(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "did-x509", "test-data", "ms-code-signing.pem"))
	require.NoError(t, err)
	chain, err := didx509.ParseChain(raw)
	require.NoError(t, err)
	subject, err := chain.Subject()
	require.NoError(t, err)
	id, err := didx509.New(chain, didx509.Pin{CA: 1}, subject, didx509.EKU("1.3.6.1.4.1.311.10.3.21"))
	require.NoError(t, err)
	require.Equal(t, "did:x509:0:sha256:VtqHIq_ZQGb_4eRZVHOkhUiSuEOggn1T-32PSu7R4Ys::subject:C:US:ST:Washington:L:Redmond"+
		":O:Microsoft%20Corporation:CN:Microsoft%20Corporation::eku:1.3.6.1.4.1.311.10.3.21", id.String())

	then := time.Date(2022, 12, 1, 0, 0, 0, 0, time.UTC)
	doc, err := didx509.Resolve(id, chain, then)
	require.NoError(t, err)
	require.Contains(t, doc.VerificationMethod[0].Extra[0].Value, `"kty":"RSA"`)
	_, err = doc.MarshalJSON()
	require.NoError(t, err)
	_, err = didx509.Resolve(id, chain, then.AddDate(1, 0, 0))
	require.ErrorIs(t, err, didx509.ErrPeriod)
}
