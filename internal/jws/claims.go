package jws

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxTime is the last second of the year 9999, the last that RFC 3339 can write.
const maxTime = 253402300799

// Time reads a NumericDate (RFC 7519 §2): seconds since 1970 began, as digits, with a
// fraction or without. Exponents, times before 1970 and times after the year 9999 are
// refused: readers that hold numbers in other ways would see another time. Of a fraction
// nine digits count.
func Time(v strictjson.Value) (time.Time, error) {
	whole, fraction, dotted := strings.Cut(v.Raw(), ".")
	bad := fmt.Errorf("want a time in seconds since 1970, got %.40q", v.Raw())
	if v.Kind() != strictjson.Number {
		return time.Time{}, bad
	}
	// ParseUint takes neither signs nor exponents; JSON has no leading zeros.
	seconds, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || seconds > maxTime {
		return time.Time{}, bad
	}
	var nanos uint64
	if dotted {
		if strings.Trim(fraction, "0123456789") != "" {
			return time.Time{}, bad
		}
		nanos, _ = strconv.ParseUint((fraction + "000000000")[:9], 10, 64)
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), nil
}

// Text reads a string that is not empty.
func Text(v strictjson.Value) (string, error) {
	if v.Text() == "" {
		return "", errors.New("want a string that is not empty")
	}
	return v.Text(), nil
}

// maxStrings bounds a list of strings, such as the audiences of a token.
const maxStrings = 64

// Strings reads a string, or an array of one or more, none of them empty, as aud is (RFC 7519 §4.1.3).
func Strings(v strictjson.Value) ([]string, error) {
	if v.Kind() == strictjson.String {
		text, err := Text(v)
		return []string{text}, err
	}
	if n := v.Len(); v.Kind() != strictjson.Array || n == 0 || n > maxStrings {
		return nil, fmt.Errorf("want a string, or an array of 1 to %d", maxStrings)
	}
	var list []string
	for e := v.First(); e.Exists(); e = e.Next() {
		text, err := Text(e)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}
