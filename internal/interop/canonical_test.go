package interop

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
)

// The canonical forms agree with ECMAScript's own JSON.stringify, from which
// RFC 8785 takes its numbers and strings.
func TestCanonicalJSONAgrees(t *testing.T) {
	t.Parallel()
	p := start(t, "canonical")
	random := rand.New(rand.NewPCG(8785, 1))
	for i := range times(2000) {
		text := value(random, 4)
		var theirs struct{ Text string }
		p.ask("canonicalize", object{"text": text}, &theirs)
		ours, err := jcs.Canonical([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, theirs.Text, string(ours), "case %d: %s", i, text)
	}
}

// value writes a random JSON value: names of several planes, numbers of all sizes.
func value(r *rand.Rand, depth int) string {
	text := func() string {
		alphabet := []rune("aZ09_\"\\/\b\f\n\r\t\u0001\u007f\u00e9\u20ac\u2028\ud7ff\ue000\ufb33\U0001F600\U0010FFFF")
		var s []rune
		for range r.IntN(6) {
			s = append(s, alphabet[r.IntN(len(alphabet))])
		}
		b, _ := json.Marshal(string(s))
		return string(b)
	}
	switch k := r.IntN(8); {
	case k < 2 && depth > 0:
		members, seen := []string{}, map[string]bool{}
		for range r.IntN(5) {
			if name := text(); !seen[name] {
				seen[name] = true
				members = append(members, name+" : "+value(r, depth-1))
			}
		}
		return "{ " + strings.Join(members, ",\n") + " }"
	case k < 4 && depth > 0:
		var elements []string
		for range r.IntN(4) {
			elements = append(elements, value(r, depth-1))
		}
		return "[" + strings.Join(elements, " , ") + "]"
	case k < 5:
		return text()
	case k < 6:
		return []string{"true", "false", "null", "-0", "0.0", "1E2", "1e-7", "123456789012345.5", "5e-324", "1.7976931348623157e308"}[r.IntN(10)]
	case k < 7:
		return fmt.Sprint(r.Int64N(1<<53) * int64(1-2*r.IntN(2)))
	default:
		f := r.NormFloat64()
		for range r.IntN(40) {
			f *= []float64{10, 0.1, 7}[r.IntN(3)]
		}
		if size := math.Abs(f); size >= 1<<53 && size < 1e21 {
			f /= 1e30 // would canonicalize to a plain integer that strict JSON refuses
		}
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
}
