package importer

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// factors are the conversions by name.
func factors(name string) (*big.Rat, bool) {
	switch name {
	case "days-to-seconds":
		return big.NewRat(24*60*60, 1), true
	case "hours-to-seconds":
		return big.NewRat(60*60, 1), true
	case "minutes-to-seconds":
		return big.NewRat(60, 1), true
	case "milliseconds-to-seconds":
		return big.NewRat(1, 1000), true
	case "seconds-to-hours":
		return big.NewRat(1, 60*60), true
	case "minutes-to-hours":
		return big.NewRat(1, 60), true
	case "metres-to-kilometres":
		return big.NewRat(1, 1000), true
	case "percent-to-permille":
		return big.NewRat(10, 1), true
	case "fraction-to-permille":
		return big.NewRat(1000, 1), true
	}
	return nil, false
}

// convert makes text what k asks for. Own says that the text is the mapping's:
// it is in the unit and form of the target.
func (c *valueCase) convert(text string, k kind, own bool, party func(string) (did.DID, bool)) (any, error) {
	switch k {
	case kindInt:
		factor, round := c.factor, c.Round
		if own && c.Constant == nil {
			factor, round = nil, ""
		}
		return whole(text, factor, round)
	case kindBool:
		switch text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("%.80q is neither true nor false", text)
	case kindTime:
		layout, zone := c.layout, c.zone
		if own || layout == "" {
			layout, zone = "rfc3339", nil
		}
		at, err := parseTime(text, layout, zone)
		return at.Add(time.Duration(c.Plus)), err
	case kindDID:
		if id, ok := party(text); ok {
			return id, nil
		}
		id, err := did.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%.80q is neither one of the mapping's parties nor a DID", text)
		}
		return id, nil
	case kindParty, kindCosigner:
		if k == kindCosigner && text == machineCosigner {
			return text, nil
		}
		if _, ok := party(text); !ok {
			return nil, fmt.Errorf("%.80q is none of the mapping's parties", text)
		}
		return text, nil
	case kindOutcome:
		switch chain.Outcome(text) {
		case chain.Good, chain.Degraded, chain.Breach:
			return text, nil
		}
		return nil, fmt.Errorf("%.80q is none of good, degraded, breach", text)
	default:
		if !own && strings.ContainsFunc(text, unicode.IsControl) {
			text = strings.Join(strings.Fields(text), " ") // claims hold no line ends
		}
		return text, nil
	}
}

// maxDigits is the longest decimal number that is read: more do not fit the result.
const maxDigits = 40

// whole reads a decimal number, multiplies it, and returns the integer that comes out.
func whole(text string, factor *big.Rat, round string) (int64, error) {
	digits, points := 0, 0
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.':
			points++
		case (r == '-' || r == '+') && i == 0:
		default:
			points = 2
		}
	}
	// big.Rat would also read fractions, and exponents that fill the memory.
	if digits == 0 || points > 1 || len(text) > maxDigits {
		return 0, fmt.Errorf("%.80q is no decimal number", text)
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, fmt.Errorf("%.80q is no decimal number", text)
	}
	if factor != nil {
		n.Mul(n, factor)
	}
	if !n.IsInt() {
		two := big.NewInt(2)
		num, den := n.Num(), n.Denom()
		switch round {
		case "nearest": // halves go up
			num = new(big.Int).Add(new(big.Int).Mul(num, two), den)
			den = new(big.Int).Mul(den, two)
		case "up":
			num = new(big.Int).Add(num, new(big.Int).Sub(den, big.NewInt(1)))
		case "down":
		default:
			return 0, fmt.Errorf("%.80q does not come out as a whole number, but as %s: say how to round", text, n.FloatString(3))
		}
		n.SetInt(new(big.Int).Div(num, den)) // Euclidean: floor for a positive denominator
	}
	if !n.Num().IsInt64() || n.Num().Int64() > strictjson.MaxInteger || n.Num().Int64() < -strictjson.MaxInteger {
		return 0, fmt.Errorf("%.80q is out of range", text)
	}
	return n.Num().Int64(), nil
}

// parseTime reads a time. See [Mapping] for what it does where clocks are changed.
func parseTime(text, layout string, zone *time.Location) (time.Time, error) {
	var at time.Time
	var err error
	switch layout {
	case "rfc3339":
		at, err = time.Parse(time.RFC3339, text)
	case "unix", "unix-milliseconds":
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		if at = time.Unix(n, 0); layout == "unix-milliseconds" {
			at = time.UnixMilli(n)
		}
	default:
		if zone == nil {
			at, err = time.Parse(layout, text)
			break
		}
		wall, e := time.Parse(layout, text)
		if at, err = time.ParseInLocation(layout, text, zone); err != nil || e != nil {
			break
		}
		const clock = "2006-01-02T15:04:05"
		if at.Format(clock) != wall.Format(clock) {
			return time.Time{}, fmt.Errorf("%.80q does not occur in %v: clocks are put forward over it", text, zone)
		}
		if before := at.Add(-time.Hour); before.Format(clock) == at.Format(clock) {
			at = before
		}
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%.80q is no time of layout %q", text, layout)
	}
	if y := at.UTC().Year(); y < 1 || y > 9999 || at.IsZero() {
		return time.Time{}, fmt.Errorf("%.80q lies outside the years 1 to 9999", text)
	}
	return at.UTC().Truncate(time.Second), nil
}
