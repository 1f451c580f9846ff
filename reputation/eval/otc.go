package eval

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hourmeter/hourmeter/reputation"
)

// Limits on a file of ratings.
const (
	// MaxRatings bounds the lines of a file: 28 times the largest signed network that SNAP
	// publishes with times, and 128 MB of memory.
	MaxRatings = 1 << 22

	// maxRatingLine bounds one line, in bytes: four numbers of at most 19 digits, a fraction
	// of a second, and what editors add.
	maxRatingLine = 256

	// maxNode bounds the numbers by which a file names its nodes.
	maxNode = 1 << 53

	// maxOpinion is the best rating, and its negative the worst.
	maxOpinion = 10
)

// A SignedRating is one line of a rating network: what one node said of another.
type SignedRating struct {
	From, To int64 // nodes
	Value    int   // -10..10, never 0; above 0 is praise
	Time     int64 // Unix seconds
}

// Good reports whether the rating is praise: its sign.
func (r SignedRating) Good() bool { return r.Value > 0 }

// day is when evidence of the rating counts.
func (r SignedRating) day() reputation.Day { return reputation.Day(r.Time / (24 * 60 * 60)) }

// ReadRatings reads a rating network as SNAP publishes them (soc-sign-bitcoinotc,
// soc-sign-bitcoinalpha): lines of "from,to,rating,unix time", without a header and in any
// order. A fraction of a second is dropped; so is a rating of 0, which has no sign.
//
// It returns them sorted by time, then by nodes and value, so that the order of lines makes
// no difference. An error names the line and says what is wrong with it.
func ReadRatings(r io.Reader) ([]SignedRating, error) {
	var ratings []SignedRating
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxRatingLine), maxRatingLine)
	n := 0
	for lines.Scan() {
		if n++; n > MaxRatings {
			return nil, fmt.Errorf("line %d: more than %d ratings", n, MaxRatings)
		}
		rating, err := parseRating(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if rating.Value != 0 {
			ratings = append(ratings, rating)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: longer than %d bytes", n+1, maxRatingLine)
	} else if err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	slices.SortFunc(ratings, func(a, b SignedRating) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Value, b.Value))
	})
	return ratings, nil
}

// parseRating reads one line.
func parseRating(line string) (r SignedRating, err error) {
	fields := strings.Split(line, ",")
	if len(fields) != 4 {
		return r, fmt.Errorf("has %d fields: want from,to,rating,time", len(fields))
	}
	seconds, fraction, hasFraction := strings.Cut(fields[3], ".")
	if hasFraction && (fraction == "" || strings.Trim(fraction, "0123456789") != "") {
		return r, fmt.Errorf("time %q is no number", fields[3])
	}
	value := int64(0)
	for _, f := range [...]struct {
		name, text string
		min, max   int64
		to         *int64
	}{
		{"from", fields[0], 0, maxNode, &r.From},
		{"to", fields[1], 0, maxNode, &r.To},
		{"rating", fields[2], -maxOpinion, maxOpinion, &value},
		{"time", seconds, 0, int64(reputation.MaxDay)*24*60*60 - 1, &r.Time},
	} {
		v, err := strconv.ParseInt(f.text, 10, 64)
		if err != nil {
			return r, fmt.Errorf("%s %q is no whole number", f.name, f.text)
		}
		if v < f.min || v > f.max {
			return r, fmt.Errorf("%s is %d: want %d to %d", f.name, v, f.min, f.max)
		}
		*f.to = v
	}
	r.Value = int(value)
	return r, nil
}

// before cuts sorted ratings where the given share of them, in percent, has passed: the
// first part is what was known at that moment, the second what came then. Ratings of one
// second stay together, in the second part.
func before(ratings []SignedRating, percent int) (past, future []SignedRating) {
	cut := len(ratings) * percent / 100
	for cut > 0 && cut < len(ratings) && ratings[cut-1].Time == ratings[cut].Time {
		cut--
	}
	return ratings[:cut], ratings[cut:]
}
