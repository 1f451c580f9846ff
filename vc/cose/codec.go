package cose

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// appendValue appends a JSON value. The map's keys are in the bytewise order of their encodings
// (RFC 8949 §4.2.1), and t numbers texts in the order in which they are written.
func (t *texts) appendValue(dst []byte, v strictjson.Value) []byte {
	switch v.Kind() {
	case strictjson.Object:
		type pair struct {
			key   []byte
			value strictjson.Value
		}
		var few [16]pair
		pairs, keys := few[:0], make([]byte, 0, 32)
		for m := v.First(); m.Exists(); m = m.Next() {
			name, start := m.Name(), len(keys)
			if label, ok := registry().names[name]; ok {
				keys = cbor.AppendInt(keys, label)
			} else {
				keys = cbor.AppendText(keys, name)
			}
			pairs = append(pairs, pair{keys[start:len(keys):len(keys)], m})
		}
		slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
		dst = cbor.AppendMap(dst, len(pairs))
		for _, p := range pairs {
			dst = t.appendValue(append(dst, p.key...), p.value)
		}
		return dst
	case strictjson.Array:
		if len(v.Raw()) <= maxList {
			if label, ok := registry().values[string(jcs.Append(nil, v))]; ok {
				return appendLabel(dst, label)
			}
		}
		dst = cbor.AppendArray(dst, v.Len())
		for e := v.First(); e.Exists(); e = e.Next() {
			dst = t.appendValue(dst, e)
		}
		return dst
	case strictjson.String:
		return t.appendString(dst, v.Text())
	case strictjson.Number:
		// What is an integer in the canonical form is one here: 1.0 and 1e2 are, too.
		if n, err := strconv.ParseInt(string(jcs.Append(nil, v)), 10, 64); err == nil {
			return cbor.AppendInt(dst, n)
		}
		f, _ := strconv.ParseFloat(v.Raw(), 64)
		return cbor.AppendFloat(dst, f)
	case strictjson.True, strictjson.False:
		return cbor.AppendBool(dst, v.Kind() == strictjson.True)
	}
	return cbor.AppendNull(dst)
}

// A decoder writes the JSON of a document while it reads the CBOR.
type decoder struct {
	texts
	*cbor.Reader
	limit int // bytes of JSON
}

// value appends the next value to dst as JSON text, in which a name may still be there twice.
func (d *decoder) value(dst []byte, depth int) ([]byte, error) {
	start := d.Offset()
	i, err := d.Next()
	if err != nil {
		return nil, err
	}
	if (i.Kind == cbor.Array || i.Kind == cbor.Map) && depth == 0 {
		return nil, fmt.Errorf("nested more than the %d deep that are read", maxDepth)
	}
	switch i.Kind {
	case cbor.Map:
		dst = append(dst, '{')
		for n := range i.N {
			if n > 0 {
				dst = append(dst, ',')
			}
			if dst, err = d.name(dst); err != nil {
				return nil, err
			}
			if dst, err = d.value(append(dst, ':'), depth-1); err != nil {
				return nil, err
			}
		}
		dst = append(dst, '}')
	case cbor.Array:
		dst = append(dst, '[')
		for n := range i.N {
			if n > 0 {
				dst = append(dst, ',')
			}
			if dst, err = d.value(dst, depth-1); err != nil {
				return nil, err
			}
		}
		dst = append(dst, ']')
	case cbor.Uint, cbor.Nint:
		n, ok := i.Int64()
		if !ok {
			return nil, errors.New("an integer of more than 63 bits")
		}
		dst = strconv.AppendInt(dst, n, 10)
	case cbor.Float:
		dst = jcs.AppendNumber(dst, i.Float)
	case cbor.False, cbor.True:
		dst = strconv.AppendBool(dst, i.Kind == cbor.True)
	case cbor.Null:
		dst = append(dst, "null"...)
	default:
		text, err := d.text(i)
		switch short := i.Kind == cbor.Bytes && len(i.Data) <= 2; { // a label or a reference
		case err != nil:
			return nil, err
		case short && text[0] == '[' && (len(i.Data) == 1 || i.Data[0] > 0):
			dst = append(dst, text...)
		default:
			if !short {
				d.add(text, d.Offset()-start)
			}
			dst = quote(dst, text)
		}
	}
	if len(dst) > d.limit {
		return nil, fmt.Errorf("more than the %d bytes of JSON that are read", d.limit)
	}
	return dst, nil
}

// name appends a member's name.
func (d *decoder) name(dst []byte) ([]byte, error) {
	key, err := d.Next()
	if err != nil {
		return nil, err
	}
	if key.Kind == cbor.Text {
		return quote(dst, string(key.Data)), nil
	}
	label, ok := key.Int64()
	if !ok {
		return nil, fmt.Errorf("%s as a member's name", key.Kind)
	}
	if label == labelVersion {
		return nil, errors.New("a later version of the label registry than 1, which is known here")
	}
	name, ok := nameOf(label)
	if !ok {
		return nil, fmt.Errorf("the label %d, which version 1 of the registry does not have", label)
	}
	return quote(dst, name), nil
}

// text returns the string that an item stands for.
func (d *decoder) text(i cbor.Item) (string, error) {
	switch {
	case i.Kind == cbor.Text:
		return string(i.Data), nil
	case i.Kind == cbor.Tag && i.N == 1:
		n, err := d.Int()
		if err == nil && (n < minStamp || n > maxTime) {
			err = fmt.Errorf("the time %d: want one of the years 0 to 9999", n)
		}
		return stamp(time.Unix(n, 0)), err
	case i.Kind == cbor.Tag:
		return "", fmt.Errorf("the tag %d: known is that of a time, 1", i.N)
	case len(i.Data) > 2:
		return unpack(i.Data)
	case len(i.Data) == 2 && i.Data[0] == 0:
		if n := int(i.Data[1]); n < len(d.list) {
			return d.list[n], nil
		}
		return "", fmt.Errorf("a reference to text %d, of %d so far", i.Data[1], len(d.list))
	case len(i.Data) > 0:
		label := 0
		for _, b := range i.Data {
			label = label<<8 | int(b)
		}
		if label < len(values) {
			return values[label], nil
		}
		return "", fmt.Errorf("the value %d, which version 1 of the registry does not have", label)
	}
	return "", errors.New("an empty byte string")
}

// minStamp is the beginning of the year 0.
const minStamp = -62167219200

// parseStamp returns the seconds since 1970 of a time that [stamp] writes back as s.
func parseStamp(s string) (int64, bool) {
	if len(s) != len("2006-01-02T15:04:05Z") || s[len(s)-1] != 'Z' {
		return 0, false
	}
	when, err := time.Parse(time.RFC3339, s)
	return when.Unix(), err == nil && stamp(when) == s
}
