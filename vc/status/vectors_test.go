package status

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func document(t testing.TB, text string) strictjson.Value {
	t.Helper()
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	require.NoError(t, err)
	return doc.Root()
}

func read(t testing.TB, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(shared.Path(t, append([]string{"vectors"}, elem...)...))
	require.NoError(t, err)
	return string(text)
}

// The lists of the W3C's text, and those made with another maker's library, say what they should,
// and so do the same lists as this package writes them.
func TestBitstringVectors(t *testing.T) {
	n := 0
	for v := range document(t, read(t, "bitstring-status-list", "generated-digitalbazaar.json")).All() {
		n++
		length, _ := v.Member("length").Int64()
		set := map[int]bool{}
		switch text := v.Member("set").Text(); text {
		case "":
			for i := range v.Member("set").All() {
				at, _ := i.Int64()
				set[int(at)] = true
			}
		case "all":
			for i := range int(length) {
				set[i] = true
			}
		case "every third index from 0":
			for i := 0; i < int(length); i += 3 {
				set[i] = true
			}
		default:
			t.Fatalf("unknown set %q", text)
		}
		theirs, err := DecodeBitstringList(v.Member("encodedList").Text(), 1)
		require.NoError(t, err)
		ours, err := NewBitstringList(int(length), 1)
		require.NoError(t, err)
		require.Equal(t, int(length), theirs.Len())
		for i := range int(length) {
			value, err := theirs.Get(i)
			require.NoError(t, err)
			if (value == 1) != set[i] {
				t.Fatalf("list %d, index %d: %d", n, i, value)
			}
			require.NoError(t, ours.Set(i, value))
		}
		require.Equal(t, theirs.bits, ours.bits)
		encoded, err := ours.Encode()
		require.NoError(t, err)
		again, err := DecodeBitstringList(encoded, 1)
		require.NoError(t, err)
		require.Equal(t, ours, again)
	}
	require.Equal(t, 8, n)

	for v := range document(t, read(t, "bitstring-status-list", "spec-encodedLists.json")).All() {
		n++
		list, err := DecodeBitstringList(v.Text(), 1)
		require.NoError(t, err)
		require.Equal(t, MinEntries, list.Len())
		require.Zero(t, len(bytes.Trim(list.bits, "\x00")))
	}
	require.Equal(t, 9, n)
	shared.Tally(t, "Bitstring Status List 1.0", "W3C text, and lists of @digitalbazaar/vc-bitstring-status-list", n, n, "")
}

// What the lists of Token Status List are said to hold (§4.1, §10, Appendix "Test vectors"), of 2^20
// entries if they are long.
var tokenVectors = map[string]struct {
	bits   int
	values map[int]int // those that are not 0
	length int
}{
	"encoding":  {1, map[int]int{0: 1, 3: 1, 4: 1, 5: 1, 7: 1, 8: 1, 9: 1, 13: 1, 15: 1}, 16},
	"encoding2": {2, map[int]int{0: 1, 1: 2, 3: 3, 5: 1, 7: 1, 8: 1, 9: 2, 10: 3, 11: 3}, 12},
	"encoding1_long": {1, map[int]int{0: 1, 1993: 1, 25460: 1, 159495: 1, 495669: 1, 554353: 1, 645645: 1, 723232: 1, 854545: 1,
		934534: 1, 1000345: 1}, 1 << 20},
	"encoding2_long": {2, map[int]int{0: 1, 1993: 2, 25460: 1, 159495: 3, 495669: 1, 554353: 1, 645645: 2, 723232: 1, 854545: 1,
		934534: 2, 1000345: 3}, 1 << 20},
}

// whole takes the line breaks of a printed example out, and the sentences before it.
func whole(text, start string) string {
	return text[strings.Index(text, start):]
}

func TestTokenVectors(t *testing.T) {
	files, err := os.ReadDir(shared.Path(t, "vectors", "token-status-list"))
	require.NoError(t, err)
	seen := 0
	for _, f := range files {
		text := read(t, "token-status-list", f.Name())
		name := strings.TrimSuffix(strings.TrimPrefix(f.Name(), "status_list_"), ".md")
		t.Run(name, func(t *testing.T) {
			var list *TokenList
			var err error
			switch {
			case strings.HasSuffix(name, "_json"):
				name = strings.TrimSuffix(name, "_json")
				text = regexp.MustCompile(`\n +([A-Za-z0-9_-]+)`).ReplaceAllString(whole(text, "{"), "$1")
				var token signedToken
				require.NoError(t, token.readList(document(t, text)))
				list = token.List
			case strings.HasSuffix(name, "_cbor"):
				name = strings.TrimSuffix(name, "_cbor")
				raw, err := hex.DecodeString(strings.Join(strings.Fields(whole(text, "a2646269")), ""))
				require.NoError(t, err)
				r := cbor.NewReader(raw)
				list, _, err = readCBORList(r)
				require.NoError(t, err)
				require.NoError(t, r.End())
				// The same list as it is written here, whose ZLIB may be other bytes of the same.
				packed, err := list.Pack()
				require.NoError(t, err)
				again, _, err := readCBORList(cbor.NewReader((&Token{List: list}).appendList(packed)))
				require.NoError(t, err)
				require.Equal(t, list, again)
			case strings.HasSuffix(name, "_diag"):
				name = strings.TrimSuffix(name, "_cbor_diag")
				var raw []byte
				for _, line := range regexp.MustCompile(`(?m)^ *([0-9a-f]+) +#`).FindAllStringSubmatch(text, -1) {
					b, err := hex.DecodeString(line[1])
					require.NoError(t, err)
					raw = append(raw, b...)
				}
				list, _, err = readCBORList(cbor.NewReader(raw))
				require.NoError(t, err)
			case name == "jwt":
				header, payload, _ := strings.Cut(text, "\n.\n")
				require.Equal(t, typeJWT, document(t, header).Member("typ").Text())
				token := signedToken{}
				require.NoError(t, token.readClaims([]byte(payload)))
				require.Equal(t, "https://example.com/statuslists/1 2023-06-16 12:56:10 +0000 UTC 2042-08-15 12:56:10 +0000 UTC 12h0m0s",
					fmt.Sprint(token.URI, " ", token.Issued, " ", token.Expires, " ", token.TTL))
				name, list = "encoding", token.List
			case name == "jwt_raw":
				raw := strings.Join(strings.Fields(text), "")
				signed, err := jws.Parse(raw, 0)
				require.NoError(t, err)
				token := signedToken{}
				require.NoError(t, token.readClaims(signed.Payload))
				require.Equal(t, "https://example.com", token.issuer)
				name, list = "encoding", token.List
				// Its kid is "12": no verification method that anybody could look up.
				_, err = readJWT([]byte(raw))
				require.ErrorContains(t, err, "kid")
			default:
				t.Fatal("a vector that is not tested")
			}
			want, ok := tokenVectors[name]
			require.True(t, ok)
			require.Equal(t, want.bits, list.Bits())
			require.Equal(t, want.length, list.Len())
			for i := range list.Len() {
				value, err := list.Get(i)
				require.NoError(t, err)
				if value != want.values[i] {
					t.Fatalf("index %d is %d, want %d", i, value, want.values[i])
				}
			}
		})
		seen++
	}
	require.Equal(t, 12, seen)
	shared.Tally(t, "Token Status List (draft)", "IETF OAuth working group, JSON, CBOR and JWT", seen, seen, "")
}

// The lists of 4 and 8 bits in the same appendix, made here from what it says they hold.
func TestTokenListOfFourAndEightBits(t *testing.T) {
	four := map[int]int{0: 1, 1993: 2, 35460: 3, 459495: 4, 595669: 5, 754353: 6, 845645: 7, 923232: 8, 924445: 9,
		934534: 10, 1004534: 11, 1000345: 12, 1030203: 13, 1030204: 14, 1030205: 15}
	eight := map[int]int{233478: 0, 52451: 1, 576778: 2, 513575: 3, 152133: 254, 19535: 255, 1046963: 78, 83344: 240}
	for bits, values := range map[int]map[int]int{4: four, 8: eight} {
		list, err := NewTokenList(1<<20, bits)
		require.NoError(t, err)
		for i, v := range values {
			require.NoError(t, list.Set(i, v))
		}
		lst, err := list.Encode()
		require.NoError(t, err)
		again, err := DecodeTokenList(lst, bits)
		require.NoError(t, err)
		require.Equal(t, 1<<20, again.Len())
		for i := range again.Len() {
			value, err := again.Get(i)
			require.NoError(t, err)
			if value != values[i] {
				t.Fatalf("%d bits, index %d: %d", bits, i, value)
			}
		}
		// Every value has all its bits, and disturbs no neighbour.
		for v := range 1 << bits {
			require.NoError(t, again.Set(7, v))
			got, err := again.Get(7)
			require.NoError(t, err)
			require.Equal(t, v, got)
		}
		require.ErrorContains(t, again.Set(7, 1<<bits), "does not fit")
		require.NoError(t, again.Set(7, 0))
		require.Equal(t, list, again)
		packed, err := base64.RawURLEncoding.DecodeString(lst)
		require.NoError(t, err)
		require.Equal(t, []byte{0x78, 0xda}, packed[:2], "§4.1 recommends the highest compression")
	}
}
