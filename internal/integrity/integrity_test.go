package integrity

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

const document = "alert('Hello, world.');"

func sri(name string, digest []byte) string {
	return name + "-" + base64.StdEncoding.EncodeToString(digest)
}

func TestCheck(t *testing.T) {
	d256, d384, d512 := sha256.Sum256([]byte(document)), sha512.Sum384([]byte(document)), sha512.Sum512([]byte(document))
	other := sha512.Sum512([]byte("other"))
	hash := func(code byte, digest []byte) string {
		return multikey.EncodeBase64URL(append([]byte{code, byte(len(digest))}, digest...))
	}
	base58 := func(code byte, digest []byte) string {
		return multikey.EncodeBase58(append([]byte{code, byte(len(digest))}, digest...))
	}
	const mismatch = "another digest"
	for _, c := range []struct{ name, sri, multibase, err string }{
		// The digest that Subresource Integrity §3.1 gives of this very script.
		{"the standard's example", "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO", "", ""},
		{"sha256", sri("sha256", d256[:]), "", ""},
		{"sha512", sri("sha512", d512[:]), "", ""},
		{"options are passed over", sri("sha256", d256[:]) + "?ct=application/json", "", ""},
		{"one of two of a kind", sri("sha512", other[:]) + " " + sri("sha512", d512[:]), "", ""},
		{"one of two of a kind, the first", sri("sha512", d512[:]) + "\n" + sri("sha512", other[:]), "", ""},
		{"the strongest counts", sri("sha256", other[:32]) + "  " + sri("sha384", d384[:]), "", ""},
		{"the strongest counts, listed first", sri("sha384", d384[:]) + " " + sri("sha256", other[:32]), "", ""},
		{"a weak one does not save it", sri("sha256", d256[:]) + " " + sri("sha512", other[:]), "", mismatch},
		{"a weak one after it does not either", sri("sha512", other[:]) + " " + sri("sha256", d256[:]), "", mismatch},
		{"multihash sha2-256", "", hash(0x12, d256[:]), ""},
		{"multihash sha2-384", "", hash(0x20, d384[:]), ""},
		{"multihash sha2-512 in base58btc", "", base58(0x13, d512[:]), ""},
		{"both hold", sri("sha256", d256[:]), hash(0x12, d256[:]), ""},
		{"only the first holds", sri("sha256", d256[:]), hash(0x12, other[:32]), mismatch},
		{"only the second holds", sri("sha256", other[:32]), hash(0x12, d256[:]), mismatch},

		{"no digest", "", "", "neither"},
		{"white space", " \t", "", "0 hashes"},
		{"altered", sri("sha256", other[:32]), "", mismatch},
		{"sha1", "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "", "none of"},
		{"an unknown function beside a good one", "blake3-AAAA " + sri("sha256", d256[:]), "", "none of"},
		{"upper case", strings.Replace(sri("sha256", d256[:]), "sha", "SHA", 1), "", "none of"},
		{"base64url", "sha384-_rCVIV7fSXXTNIvpiq26jRDyj8JG8TDjij-tD0ewLk4JpnXEz6a5AeeY_1qQ0d0P", "", "base64"},
		{"too short", sri("sha256", d256[:31]), "", "32 bytes"},
		{"another's length", sri("sha512", d256[:]), "", "64 bytes"},
		{"stray bits", "sha256-" + strings.Repeat("A", 42) + "B=", "", "base64"},
		{"too many", strings.Repeat(sri("sha256", d256[:])+" ", maxHashes+1), "", "hashes"},
		{"too long", strings.Repeat(" ", maxSRI+1), "", "characters"},
		{"bare digest", "", multikey.EncodeBase64URL(d256[:]), "no multihash"},
		{"another function's code", "", hash(0x13, d256[:]), "no multihash"},
		{"sha1 multihash", "", hash(0x11, d256[:20]), "no multihash"},
		{"no multibase", "", "f1220", "base64url"},
		{"padded", "", hash(0x12, d256[:]) + "=", "without padding"},
		{"too long for any", "", hash(0x13, append(d512[:], 0)), "too many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check([]byte(document), c.sri, c.multibase)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
			if c.err == mismatch {
				require.ErrorIs(t, err, ErrMismatch)
			} else {
				require.NotErrorIs(t, err, ErrMismatch)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "uEiAAAA")
	f.Add("sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO?a=b  sha512-", "z1")
	f.Fuzz(func(t *testing.T, sri, multibase string) {
		// A digest holds for one document at most: nobody finds a second that it holds for.
		if Check([]byte(document), sri, multibase) == nil && Check([]byte("other"), sri, multibase) == nil && !strings.Contains(sri, "-") {
			t.Fatalf("%q %q hold for two documents", sri, multibase)
		}
	})
}
