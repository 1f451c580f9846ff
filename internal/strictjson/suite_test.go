package strictjson_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// JSONTestSuite (https://github.com/nst/JSONTestSuite) says of each text whether a reader must accept
// it (y_), must refuse it (n_), or may do either (i_). Of the last, this reader accepts none.
func TestJSONTestSuite(t *testing.T) {
	// What a reader must accept and this one does not. RFC 8259 §4 only wishes names to be unique.
	deliberate := map[string]string{
		"y_object_duplicated_key.json":           "second member",
		"y_object_duplicated_key_and_value.json": "second member",
	}
	files, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "json-test-suite", "test_parsing"), "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		why, refuse := deliberate[name]
		refuse = refuse || !strings.HasPrefix(name, "y_")
		_, err = strictjson.Parse(text, strictjson.Limits{})
		switch {
		case refuse && err == nil:
			t.Errorf("%s: accepted", name)
		case !refuse && err != nil:
			t.Errorf("%s: %v", name, err)
		case refuse && !strings.Contains(err.Error(), why):
			t.Errorf("%s: refused as %q, want %q", name, err, why)
		}
	}
	shared.Tally(t, "strict JSON (RFC 8259, I-JSON)", "JSONTestSuite", len(files)-len(deliberate), len(files), "2 with duplicate names, refused on purpose")
}

// The texts on which readers are known to differ, from the same source: what is not accepted with one
// meaning is refused.
func TestJSONTestSuiteTransform(t *testing.T) {
	accepted := map[string]string{
		"number_1.0.json":                  "[1.0]",
		"number_1.000000000000000005.json": "[1.000000000000000005]",
		"number_1000000000000000.json":     "[1000000000000000]",
		"number_1e6.json":                  "[1E6]",
		"object_key_nfc_nfd.json":          "{\"\u00e9\":\"NFC\",\"e\u0301\":\"NFD\"}", // two names
		"object_key_nfd_nfc.json":          "{\"e\u0301\":\"NFD\",\"\u00e9\":\"NFC\"}",
		"string_with_escaped_NULL.json":    `["A\u0000B"]`,
	}
	files, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "json-test-suite", "test_transform"), "*.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		doc, err := strictjson.Parse(text, strictjson.Limits{})
		if want, ok := accepted[name]; ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		} else if ok && doc.Root().Raw() != want {
			t.Errorf("%s: %s, want %s", name, doc.Root().Raw(), want)
		}
	}
}
