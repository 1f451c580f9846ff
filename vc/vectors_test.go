package vc

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func file(t testing.TB, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(shared.Path(t, append([]string{"vectors"}, elem...)...))
	require.NoError(t, err)
	return bytes.TrimSpace(b)
}

// secretKey reads the private half of a published key pair (multicodec ed25519-priv, p256-priv, p384-priv).
func secretKey(t testing.TB, text string) crypto.Signer {
	b, err := multikey.DecodeBase58(text, 128)
	require.NoError(t, err)
	switch string(b[:2]) {
	case "\x80\x26":
		return ed25519.NewKeyFromSeed(b[2:])
	case "\x86\x26":
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b[2:])
		require.NoError(t, err)
		return key
	case "\x87\x26":
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), b[2:])
		require.NoError(t, err)
		return key
	}
	t.Fatalf("unknown secret key prefix %x", b[:2])
	return nil
}

// The W3C's vectors print every intermediate value: ours are the same.
func TestW3CVectors(t *testing.T) {
	for _, tt := range []struct{ name, folder, suffix, keys string }{
		{"eddsa-jcs-2022", "w3c-vc-di-eddsa", "JCS", "keyPair.json"},
		{"ecdsa-jcs-2019-p256", "w3c-vc-di-ecdsa", "JCSECDSAP256", "p256KeyPair.json"},
		{"ecdsa-jcs-2019-p384", "w3c-vc-di-ecdsa", "JCSECDSAP384", "p384KeyPair.json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vector := func(name, ext string) string {
				return string(file(t, tt.folder, tt.name, name+tt.suffix+ext))
			}
			var keys map[string]string
			require.NoError(t, json.Unmarshal(file(t, tt.folder, tt.keys), &keys))
			key := secretKey(t, keys["secretKeyMultibase"]+keys["privateKeyMultibase"])
			multi, err := multikey.Encode(key.Public())
			require.NoError(t, err)
			require.Equal(t, keys["publicKeyMultibase"], multi)

			document, err := jcs.Canonical(file(t, tt.folder, "unsigned.json"))
			require.NoError(t, err)
			require.Equal(t, vector("canonDoc", ".txt"), string(document))
			options, err := jcs.Canonical([]byte(vector("proofConfig", ".json")))
			require.NoError(t, err)
			require.Equal(t, vector("proofCanon", ".txt"), string(options))

			suite, err := suiteFor(key.Public())
			require.NoError(t, err)
			want, err := hex.DecodeString(vector("sigHex", ".txt"))
			require.NoError(t, err)
			require.NoError(t, suite.Verify(key.Public(), document, options, multikey.EncodeBase58(want)))
			want[7] ^= 1
			require.Error(t, suite.Verify(key.Public(), document, options, multikey.EncodeBase58(want)))
			want[7] ^= 1
			ours, err := suite.Sign(key, document, options)
			require.NoError(t, err)
			require.NoError(t, suite.Verify(key.Public(), document, options, ours))
			if _, deterministic := key.(ed25519.PrivateKey); deterministic {
				require.Equal(t, multikey.EncodeBase58(want), ours)
			}

			// The signed document: everything holds but the issuer, an https URL
			// that nothing binds to the did:key of the proof.
			report := new(Verifier).Report(t.Context(), []byte(vector("signed", ".json")), AnyIssuer)
			outcomes := map[Check]Outcome{}
			for _, f := range report.Findings {
				outcomes[f.Check] = f.Outcome
			}
			require.Equal(t, map[Check]Outcome{
				CheckJSON: Pass, CheckDataModel: Pass, CheckContext: Pass, CheckProof: Pass,
				CheckIssuer: Fail, CheckPeriod: Pass, CheckAccept: Skipped,
			}, outcomes)
			require.ErrorIs(t, report.Err, ErrIssuer)
			require.Nil(t, report.Verified)

			broken := strings.Replace(vector("signed", ".json"), "The School of Examples", "the School of Examples", 1)
			_, err = new(Verifier).Verify(t.Context(), []byte(broken), AnyIssuer)
			require.ErrorIs(t, err, ErrProof)
		})
	}
	shared.Tally(t, "eddsa-jcs-2022, ecdsa-jcs-2019", "W3C, every intermediate value", 3, 3, "")
}

// A proof in a chain signs the document with the proofs it names: the W3C's
// rdfc vectors print that intermediate document, which no suite changes.
func TestW3CProofChainDocuments(t *testing.T) {
	for signed, temporary := range map[string]string{
		"signedProofChain1.json": "proofChainTempDoc1.json",
		"signedProofChain2.json": "proofChainTempDoc2.json",
	} {
		doc, err := strictjson.Parse(file(t, "w3c-vc-di-eddsa", "proof-set-chain", signed), strictjson.Limits{})
		require.NoError(t, err)
		proofs, err := readProofs(nil, doc.Root().Member("proof"), did.AssertionMethod, []Suite{named("eddsa-rdfc-2022")})
		require.NoError(t, err)
		got, err := proofs[len(proofs)-1].unsecured(nil, doc.Root(), proofs)
		require.NoError(t, err)
		want, err := jcs.Canonical(file(t, "w3c-vc-di-eddsa", "proof-set-chain", temporary))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), signed)
	}
}

type named string

var errNotMade = errors.New("this suite is a name only")

func (s named) Name() string                                        { return string(s) }
func (named) Sign(crypto.Signer, []byte, []byte) (string, error)    { return "", errNotMade }
func (named) Verify(crypto.PublicKey, []byte, []byte, string) error { return errNotMade }
