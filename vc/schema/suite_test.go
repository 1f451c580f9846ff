package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// The tests of the JSON Schema organisation that end otherwise here, by the beginning of their names,
// and why.
var otherwise = []struct {
	name  string
	tests int
	why   string
}{
	{"draft2020-12/format.json: ", 18, "formats are held to: VC JSON Schema §5.2 has an address that is none fail"},
	{"draft2020-12/vocabulary.json: ", 5, "a $schema of somebody's own is not one that is read"},
	{"draft2020-12/optional/format-assertion.json: ", 4, "a $schema of somebody's own is not one that is read"},
	{"draft2020-12/const.json: float and integers", 4, "integers beyond 2^53-1, which readers of JSON disagree about"},
	{"draft7/const.json: float and integers", 4, "integers beyond 2^53-1, which readers of JSON disagree about"},
	{"draft2020-12/optional/bignum.json: ", 7, "integers beyond 2^53-1, which readers of JSON disagree about"},
	{"draft7/optional/bignum.json: ", 7, "integers beyond 2^53-1, which readers of JSON disagree about"},
	{"draft2020-12/optional/cross-draft.json: ", 1, "refers to a document of draft 2019-09 that is not among the vectors"},
	{"draft7/optional/cross-draft.json: ", 2, "refers to a document of draft 2019-09 that is not among the vectors"},
	{"draft7/optional/content.json: ", 4, "contentEncoding and contentMediaType are annotations, as in later drafts"},
	{"draft2020-12/optional/format/ecmascript-regex.json: ", 4, "patterns are RE2: no lookbehind, back-reference, [] or [^]"},
	{"draft7/optional/format/ecmascript-regex.json: ", 4, "patterns are RE2: no lookbehind, back-reference, [] or [^]"},
	{"draft2020-12/optional/format/hostname.json: validation of A-label", 23, "IDNA is not looked at"},
	{"draft7/optional/format/hostname.json: validation of A-label", 23, "IDNA is not looked at"},
	{"draft2020-12/optional/format/idn-hostname.json: ", 54, "IDNA is not looked at"},
	{"draft7/optional/format/idn-hostname.json: ", 54, "IDNA is not looked at"},
}

func TestSuite(t *testing.T) {
	root := shared.Path(t, "vectors", "json-schema")
	remote := func(url string) ([]byte, error) {
		name, ok := strings.CutPrefix(url, "http://localhost:1234/")
		if !ok {
			return nil, fs.ErrNotExist
		}
		text, err := os.ReadFile(filepath.Join(root, "remotes", filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) { // those of no one draft, which lie there once more
			text, err = os.ReadFile(filepath.Join(root, "remotes", "draft2020-12", filepath.FromSlash(name)))
		}
		return text, err
	}
	all, passed := map[string]int{}, map[string]int{}
	others := map[string]int{}
	for _, draft := range []struct{ folder, schema string }{
		{"draft2020-12", "https://json-schema.org/draft/2020-12/schema"}, {"draft7", "http://json-schema.org/draft-07/schema#"},
	} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, "tests", draft.folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(filepath.Join(root, "tests"), path)
			require.NoError(t, err)
			rel = filepath.ToSlash(rel)
			kind := draft.folder
			if strings.Contains(rel, "/optional/") {
				kind += " optional"
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			var groups []struct {
				Description string
				Schema      json.RawMessage
				Tests       []struct {
					Description string
					Data        json.RawMessage
					Valid       bool
				}
			}
			require.NoError(t, json.Unmarshal(text, &groups))
			for _, group := range groups {
				s, unread := compile("http://localhost:1234/the-test", inDraft(draft.schema, string(group.Schema)), remote)
				for _, test := range group.Tests {
					err := unread
					if err == nil {
						var doc *strictjson.Document
						if doc, err = strictjson.Parse(test.Data, strictjson.Limits{}); err == nil {
							err = s.validate(value(doc.Root()))
						}
					}
					all[kind]++
					if fits := err == nil; fits == test.Valid && (fits || errors.Is(err, vc.ErrSchema)) {
						passed[kind]++
						continue
					}
					name := fmt.Sprintf("%s: %s: %s", rel, group.Description, test.Description)
					known := false
					for _, o := range otherwise {
						if strings.HasPrefix(name, o.name) {
							others[o.name]++
							known = true
						}
					}
					if !known {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
			return nil
		}))
	}
	for _, o := range otherwise {
		if others[o.name] != o.tests {
			t.Errorf("%s: %d tests end otherwise, not %d", o.name, others[o.name], o.tests)
		}
	}
	const standard = "JSON Schema (VC JSON Schema)"
	shared.Tally(t, standard, "JSON-Schema-Test-Suite, 2020-12", passed["draft2020-12"], all["draft2020-12"],
		"18 have formats be remarks, which are held to here; 5 have a $schema of their own; 4 integers beyond 2^53-1")
	shared.Tally(t, standard, "JSON-Schema-Test-Suite, draft-07", passed["draft7"], all["draft7"], "4 integers beyond 2^53-1")
	const optional = "IDNA, lookbehind and back-references, content, large integers: named in the test"
	shared.Tally(t, standard, "JSON-Schema-Test-Suite, 2020-12, optional", passed["draft2020-12 optional"], all["draft2020-12 optional"], optional)
	shared.Tally(t, standard, "JSON-Schema-Test-Suite, draft-07, optional", passed["draft7 optional"], all["draft7 optional"], optional)
}

// inDraft makes a schema say of which draft it is.
func inDraft(draft, schema string) []byte {
	switch {
	case !strings.HasPrefix(schema, "{"): // true or false
		return fmt.Appendf(nil, `{"$schema":%q,"allOf":[%s]}`, draft, schema)
	case strings.Contains(schema, `"$schema"`):
		return []byte(schema)
	case strings.Trim(schema[1:], " \n\t}") == "":
		return fmt.Appendf(nil, `{"$schema":%q}`, draft)
	}
	return fmt.Appendf(nil, `{"$schema":%q,%s`, draft, schema[1:])
}

// The W3C's schemas of VCDM 2.0 take its examples, and what they do not take is refused.
func TestExamplesOfTheDataModel(t *testing.T) {
	folder := shared.Path(t, "vectors", "w3c-vcdm-schema-examples", "schema")
	n := 0
	for _, kind := range []string{"verifiable-credential", "verifiable-presentation"} {
		text, err := os.ReadFile(filepath.Join(folder, kind, kind+"-schema.json"))
		require.NoError(t, err)
		s, err := compile("https://www.w3.org/2022/credentials/v2/"+kind+"-schema.json", text, func(url string) ([]byte, error) {
			require.Equal(t, "https://www.w3.org/2022/credentials/v2/verifiable-credential-schema.json", url) // which that of presentations refers to
			return os.ReadFile(filepath.Join(folder, "verifiable-credential", "verifiable-credential-schema.json"))
		})
		require.NoError(t, err)
		examples, err := filepath.Glob(filepath.Join(folder, kind, "example-*.json"))
		require.NoError(t, err)
		for _, path := range examples {
			n++
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			root, err := parse(text)
			require.NoError(t, err)
			require.NoError(t, s.validate(value(root)), path)

			without := value(root).(map[string]any)
			delete(without, "type")
			require.ErrorIs(t, s.validate(without), vc.ErrSchema)
		}
	}
	require.Equal(t, 12, n)
	shared.Tally(t, "JSON Schema (VC JSON Schema)", "W3C, examples of VCDM 2.0 against its schemas", n, n, "")
}
