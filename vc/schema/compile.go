package schema

import (
	stdjson "encoding/json" // for the type that the library holds numbers in; nothing is read with it
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// MaxSteps is how much work one validation may be. A step is one subschema on one value, about a
// microsecond; a realistic credential and schema need some hundreds. JSON Schema can ask for 2^n
// steps in n lines, so the work is counted, not the lines.
const MaxSteps = 250_000

// version returns the version of JSON Schema that $schema names, nil if it is none that is read (VC
// JSON Schema §3). A schema has to say which is its own; of another it cannot be checked (§5.2).
func version(schema string) *jsonschema.Draft {
	switch strings.TrimSuffix(schema, "#") {
	case "https://json-schema.org/draft/2020-12/schema":
		return jsonschema.Draft2020
	case "https://json-schema.org/draft/2019-09/schema":
		return jsonschema.Draft2019
	case "http://json-schema.org/draft-07/schema":
		return jsonschema.Draft7
	}
	return nil
}

// errSteps is what a validation panics with that takes too many steps.
var errSteps = fmt.Errorf("it would take more than %d steps", MaxSteps)

// A meter counts down the steps of a validation.
type meter struct{ left int }

func (m *meter) spend(n int) {
	if m.left -= n; m.left < 0 {
		panic(errSteps)
	}
}

// A compiled schema is ready for one validation at a time.
type compiled struct {
	schema *jsonschema.Schema
	meter  *meter
	steps  int // of a validation; MaxSteps
}

// compile reads a schema, and with load what it refers to.
func compile(at string, text []byte, load func(string) ([]byte, error)) (s *compiled, err error) {
	defer recovered(&err)
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	draft := version(root.Member("$schema").Text())
	if draft == nil {
		return nil, fmt.Errorf("$schema: JSON Schema %.80q is not read here: 2020-12, 2019-09 and draft-07 are", root.Member("$schema").Text())
	}
	if u, err := url.Parse(at); err != nil || !u.IsAbs() {
		return nil, fmt.Errorf("%.80q is not an absolute URL", at)
	}

	m := &meter{left: MaxSteps}
	documents, all := 0, value(root)
	values := weigh(all)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(draft) // of documents that it refers to, and that do not say theirs
	c.AssertFormat()      // §5.2: an address of no e-mail is a failure
	for _, f := range formats() {
		c.RegisterFormat(f)
	}
	c.UseRegexpEngine(func(pattern string) (jsonschema.Regexp, error) { return compilePattern(pattern, m) })
	c.UseLoader(loader(func(url string) (any, error) {
		if documents++; documents > MaxDocuments {
			return nil, fmt.Errorf("more than %d documents", MaxDocuments)
		}
		text, err := load(url)
		if err != nil {
			return nil, err
		}
		root, err := parse(text)
		if err != nil {
			return nil, err
		}
		v := value(root)
		if values += weigh(v); values > maxValues {
			return nil, fmt.Errorf("more than %d JSON values in all documents together", maxValues)
		}
		return v, nil
	}))
	// The library calls a vocabulary for every subschema that it compiles. This one has no keywords of
	// its own: it collects them, for the meter.
	var subschemas []*subschema
	c.AssertVocabs()
	c.RegisterVocabulary(&jsonschema.Vocabulary{
		URL: "urn:hourmeter:every-subschema",
		Compile: func(ctx *jsonschema.CompilerContext, _ map[string]any) (jsonschema.SchemaExt, error) {
			subschemas = append(subschemas, &subschema{schema: ctx.Enqueue(nil), meter: m}) // the subschema itself
			return subschemas[len(subschemas)-1], nil
		},
	})
	if err := c.AddResource(at, all); err != nil {
		return nil, err
	}
	schema, err := c.Compile(at)
	if err != nil {
		return nil, err
	}
	for _, sub := range subschemas {
		sub.metered()
	}
	return &compiled{schema, m, MaxSteps}, nil
}

// A subschema is one with its work behind a meter.
type subschema struct {
	schema   *jsonschema.Schema
	meter    *meter
	values   []any // of enum, or of const
	isConst  bool
	weight   int // JSON values in values
	required int // names that an object may have to have
}

// metered puts a meter before the keywords that lead to other subschemas or go through lists. Format is
// what the library looks at before them; const and enum come even earlier, so they are taken from it.
func (s *subschema) metered() {
	c, own := s.schema, s.schema.Format
	if c.Const != nil {
		s.values, s.isConst, c.Const = []any{*c.Const}, true, nil
	} else if c.Enum != nil {
		s.values, c.Enum = c.Enum.Values, nil
	}
	s.weight = weigh(s.values)
	s.required = len(c.Required) + len(c.DependentSchemas)
	for _, names := range c.DependentRequired {
		s.required += 1 + len(names)
	}
	for _, d := range c.Dependencies {
		names, _ := d.([]string)
		s.required += 1 + len(names)
	}
	f := &jsonschema.Format{Validate: func(v any) error {
		n := 1 + len(c.AllOf) + len(c.AnyOf) + len(c.OneOf)
		switch v := v.(type) {
		case map[string]any:
			n += len(v)*(1+len(c.PatternProperties)) + s.required/4
		case []any:
			n += 2 * len(v) // items and contains
			if c.UniqueItems {
				n += weigh(v) * min(len(v), 20) / 4 // of 20 and fewer each is compared with each
			}
		case string:
			n += len(v) >> 10
		}
		s.meter.spend(n)
		if own != nil {
			return own.Validate(v)
		}
		return nil
	}}
	if own != nil {
		f.Name = own.Name
	}
	c.Format = f
}

// Validate implements [jsonschema.SchemaExt] for const and enum.
func (s *subschema) Validate(ctx *jsonschema.ValidatorContext, v any) {
	if s.values == nil {
		return
	}
	s.meter.spend(1 + s.weight/4) // four comparisons take as long as a step, if they are of numbers
	for _, want := range s.values {
		if ok, err := ctx.Equals(v, want); ok || err != nil {
			ctx.AddErr(err)
			return
		}
	}
	if s.isConst {
		ctx.AddError(&kind.Const{Got: v, Want: s.values[0]})
	} else {
		ctx.AddError(&kind.Enum{Got: v, Want: s.values})
	}
}

// weigh counts the JSON values in v.
func weigh(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += weigh(e)
		}
	case []any:
		for _, e := range v {
			n += weigh(e)
		}
	}
	return n
}

// validate holds v against the schema. The error wraps vc.ErrSchema if it does not fit.
func (c *compiled) validate(v any) (err error) {
	defer recovered(&err)
	c.meter.left = c.steps
	err = c.schema.Validate(v)
	if bad, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return misfit{describe(bad)}
	}
	return err
}

// recovered makes an error of a panic: of the meter's, or of the library's over a schema that
// nobody thought of. Neither may take the program with it.
func recovered(err *error) {
	switch r := recover(); r := r.(type) {
	case nil:
	case error:
		*err = r
	default:
		*err = fmt.Errorf("the schema cannot be read: %.200s", fmt.Sprint(r))
	}
}

// A misfit says what does not fit. It is vc.ErrSchema, with no words of its own for that.
type misfit struct{ text string }

func (m misfit) Error() string        { return m.text }
func (m misfit) Is(target error) bool { return target == vc.ErrSchema }

// maxDescribed is how many of the places that do not fit a message names.
const maxDescribed = 5

// describe names the places that do not fit, and not the values: they may be nobody else's business.
func describe(e *jsonschema.ValidationError) string {
	var text []string
	more := 0
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) > 0 {
			for _, c := range e.Causes {
				walk(c)
			}
			return
		}
		if len(text) == maxDescribed {
			more++
			return
		}
		var keyword, place string
		if e.ErrorKind != nil {
			keyword = strings.Join(e.ErrorKind.KeywordPath(), "/")
			switch k := e.ErrorKind.(type) {
			case *kind.Required:
				keyword += fmt.Sprintf(" %q", k.Missing)
			case *kind.AdditionalProperties:
				keyword += fmt.Sprintf(" without %q", k.Properties)
			case *kind.Type:
				keyword += fmt.Sprintf(" %s, not %s", strings.Join(k.Want, " or "), k.Got)
			}
		}
		for _, name := range e.InstanceLocation {
			place += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		}
		text = append(text, fmt.Sprintf("%.200q: %.200s", place, keyword))
	}
	walk(e)
	if more > 0 {
		text = append(text, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(text, "; ")
}

// parse reads a schema as strictly as everything else that strangers write.
func parse(text []byte) (strictjson.Value, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxSchemaBytes, Depth: maxDepth, Values: maxValues})
	if err != nil {
		return strictjson.Value{}, err
	}
	return doc.Root(), nil
}

// value returns v as the library wants it.
func value(v strictjson.Value) any {
	switch v.Kind() {
	case strictjson.Object:
		object := make(map[string]any, v.Len())
		for m := range v.All() {
			object[m.Name()] = value(m)
		}
		return object
	case strictjson.Array:
		array := make([]any, 0, v.Len())
		for e := range v.All() {
			array = append(array, value(e))
		}
		return array
	case strictjson.String:
		return v.Text()
	case strictjson.Number:
		return stdjson.Number(v.Raw())
	case strictjson.True, strictjson.False:
		return v.Kind() == strictjson.True
	}
	return nil
}

// loader adapts a function.
type loader func(string) (any, error)

func (l loader) Load(url string) (any, error) { return l(url) }
