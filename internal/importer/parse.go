package importer

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxDuration is a century: longer ones are slips of the unit.
const maxDuration = 100 * 366 * 24 * time.Hour

func (d *duration) UnmarshalText(text []byte) error {
	s := string(text)
	unit := time.Duration(0)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			unit = time.Duration(n) * 24 * time.Hour
		}
	} else if parsed, err := time.ParseDuration(s); err == nil {
		unit = parsed
	}
	if unit <= 0 || unit > maxDuration || unit%time.Second != 0 {
		return fmt.Errorf("%.40q is no duration such as 90d, 36h or 15m, above zero and at most a hundred years", s)
	}
	*d = duration(unit)
	return nil
}

// decode reads the JSON: strictly, and without unknown members.
func (m *Mapping) decode(text []byte, file *mappingFile) error {
	_, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxMappingBytes})
	if syntax, ok := errors.AsType[*strictjson.SyntaxError](err); ok {
		return m.fail(syntax.Pointer, "byte %d: %s", syntax.Offset, syntax.Msg)
	}
	if err != nil {
		return m.fail("", "%v", err)
	}
	err = json.Unmarshal(text, file, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	bad, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return m.fail("", "%v", err)
	}
	pointer := string(bad.JSONPointer)
	for { // the innermost says most
		inner, ok := errors.AsType[*json.SemanticError](bad.Err)
		if !ok {
			break
		}
		bad = inner
	}
	switch {
	case errors.Is(bad.Err, json.ErrUnknownName):
		return m.fail(pointer, "there is no such member")
	case bad.Err != nil:
		return m.fail(pointer, "%v", bad.Err)
	default:
		return m.fail(pointer, "%s cannot stand here", kindName(bad.JSONKind))
	}
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "this"
}

// rules checks what the validate tags say.
func (m *Mapping) rules(file *mappingFile) error {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("json") })
	err := v.Struct(file)
	broken, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		if err != nil {
			return m.fail("", "%v", err)
		}
		return nil
	}
	e := broken[0]
	rule := "breaks the rule " + e.Tag()
	switch e.Tag() {
	case "required":
		rule = "is required"
	case "required_with":
		rule = "is required of a source with a record"
	case "eq":
		rule = fmt.Sprintf("must be %q", e.Param())
	case "oneof":
		rule = "must be one of " + strings.ReplaceAll(e.Param(), " ", ", ")
	case "unique":
		rule = "must not hold anything twice"
	case "min":
		rule = "must have at least " + e.Param()
	case "max":
		rule = "must have at most " + e.Param()
		if e.Kind() == reflect.String {
			rule += " characters"
		}
	}
	return m.fail(pointerOf(e.Namespace()), "%s", rule)
}

// pointerOf makes a JSON Pointer of "mappingFile.sources[0].files".
func pointerOf(namespace string) string {
	_, rest, _ := strings.Cut(namespace, ".")
	var b strings.Builder
	for rest != "" {
		if strings.HasPrefix(rest, "[") {
			// A map key may hold anything; it ends where a member begins, or all ends.
			end := strings.Index(rest, "].")
			if end < 0 {
				end = len(rest) - 1
			}
			b.WriteString("/" + escape(rest[1:end]))
			rest = strings.TrimPrefix(rest[end+1:], ".")
			continue
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		b.WriteString("/" + rest[:end])
		rest = strings.TrimPrefix(rest[end:], ".")
	}
	return b.String()
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
