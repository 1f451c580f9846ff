package importer

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// maxElements is the most elements of a list that a mapping fills: a machine has a
// handful of counters.
const maxElements = 16

// A field is one field of a claim, and where its value comes from.
type field struct {
	name  string
	path  []step
	kind  kind
	value value
}

// A step goes from a struct to a field of it, and from that, if it is a list, to
// an element.
type step struct {
	field   int
	element int // -1 if the field is no list
}

// fieldPath finds a field by its name in JSON, such as "maintenance.counters[0].value".
func fieldPath(t reflect.Type, name string) ([]step, kind, error) {
	var path []step
	for part := range strings.SplitSeq(name, ".") {
		element := -1
		if head, rest, ok := strings.Cut(part, "["); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			if err != nil || n < 0 || n >= maxElements || strconv.Itoa(n)+"]" != rest {
				return nil, 0, fmt.Errorf("%.80q is no element: want [0] to [%d]", part, maxElements-1)
			}
			part, element = head, n
		}
		if t.Kind() != reflect.Struct || leafKind(t) >= 0 {
			return nil, 0, fmt.Errorf("%.80q is below a field that has none", part)
		}
		found := -1
		for i := range t.NumField() {
			if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == part {
				found = i
			}
		}
		if found < 0 {
			return nil, 0, fmt.Errorf("%.80q is unknown", part)
		}
		t = t.Field(found).Type
		if (t.Kind() == reflect.Slice) != (element >= 0) {
			return nil, 0, fmt.Errorf("%.80q: elements of lists, and only they, are named as %s[0]", part, part)
		}
		if element >= 0 {
			t = t.Elem()
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		path = append(path, step{found, element})
	}
	k := leafKind(t)
	if k < 0 {
		return nil, 0, fmt.Errorf("it has fields of its own: name one of them")
	}
	return path, k, nil
}

// leafKind returns what a field of type t takes, -1 if it has fields of its own.
func leafKind(t reflect.Type) kind {
	switch t {
	case reflect.TypeFor[time.Time]():
		return kindTime
	case reflect.TypeFor[did.DID]():
		return kindDID
	case reflect.TypeFor[did.URL]():
		return kindKey
	}
	switch t.Kind() {
	case reflect.String:
		return kindText
	case reflect.Int64:
		return kindInt
	case reflect.Bool:
		return kindBool
	}
	return -1
}

// set puts a value of the field's kind into a claim, and makes what has to be
// there to hold it.
func (f *field) set(claim reflect.Value, to any) {
	at := claim
	for _, s := range f.path {
		at = at.Field(s.field)
		if s.element >= 0 {
			if at.Len() <= s.element {
				longer := reflect.MakeSlice(at.Type(), s.element+1, s.element+1)
				reflect.Copy(longer, at)
				at.Set(longer)
			}
			at = at.Index(s.element)
		}
		if at.Kind() == reflect.Pointer {
			if at.IsNil() {
				at.Set(reflect.New(at.Type().Elem()))
			}
			at = at.Elem()
		}
	}
	at.Set(reflect.ValueOf(to).Convert(at.Type()))
}
