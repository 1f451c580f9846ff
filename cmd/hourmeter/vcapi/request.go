package vcapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxDepth is how deep a request nests: a presentation of credentials, which go 32 deep, in a request.
const maxDepth = 40

// A request is one that was let in.
type request struct {
	http     *http.Request
	instance *Instance // whose key is to sign; nil for other endpoints
	route    route
	root     strictjson.Value // the body, an object
}

// read reads the body.
func (in *request) read(w http.ResponseWriter, most int) *reply {
	if in.route.name == "/challenges" && in.http.ContentLength == 0 {
		return nil // as the VC API has it: there is nothing to say
	}
	kind, _, err := mime.ParseMediaType(in.http.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/ld+json" {
		return problem(http.StatusUnsupportedMediaType, "want a body of application/json")
	}
	if encoding := in.http.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		return problem(http.StatusUnsupportedMediaType, "want a body that is not compressed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, in.http.Body, int64(most)))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("at most %d bytes are read", most))
	} else if err != nil {
		return problem(http.StatusBadRequest, "the request was cut off")
	}
	doc, err := strictjson.Parse(body, strictjson.Limits{Bytes: most, Depth: maxDepth})
	if err != nil {
		return problem(http.StatusBadRequest, err.Error())
	}
	if in.root = doc.Root(); in.root.Kind() != strictjson.Object {
		return problem(http.StatusBadRequest, "want a JSON object")
	}
	return nil
}

// document returns the member of the body that it is all about, as it is written: an object or, of
// a format such as JWT, a string.
func (in *request) document(name string) ([]byte, error) {
	m := in.root.Member(name)
	switch m.Kind() {
	case strictjson.Object:
		return []byte(m.Raw()), nil
	case strictjson.String:
		return []byte(m.Text()), nil
	}
	return nil, fmt.Errorf("%s: want an object or a string", name)
}

// options are those of all requests. Empty ones were not given.
type options struct {
	challenge, domain, purpose string
	checks                     []string
	givenChecks                bool
	pointers                   []string
	givenPointers              bool
}

// options reads the member options, of which those are named that are the request's business.
func (in *request) options(pointers string) (o options, err error) {
	root := in.root.Member("options")
	if kind := root.Kind(); root.Exists() && kind != strictjson.Null && kind != strictjson.Object {
		return o, errors.New("options: want an object")
	}
	for name, into := range map[string]*string{"challenge": &o.challenge, "domain": &o.domain, "expectedProofPurpose": &o.purpose} {
		if m := root.Member(name); m.Exists() && m.Kind() != strictjson.Null {
			if *into = m.Text(); *into == "" {
				return o, fmt.Errorf("options: %s: want a string", name)
			}
		}
	}
	if o.checks, o.givenChecks, err = texts(root.Member("checks")); err != nil {
		return o, fmt.Errorf("options: checks: %w", err)
	}
	if pointers != "" {
		if o.pointers, o.givenPointers, err = texts(root.Member(pointers)); err != nil {
			return o, fmt.Errorf("options: %s: %w", pointers, err)
		}
	}
	return o, nil
}

// texts reads an array of strings.
func texts(v strictjson.Value) (list []string, given bool, err error) {
	if !v.Exists() || v.Kind() == strictjson.Null {
		return nil, false, nil
	}
	if v.Kind() != strictjson.Array {
		return nil, true, errors.New("want an array of strings")
	}
	for e := range v.All() {
		if e.Kind() != strictjson.String {
			return nil, true, errors.New("want an array of strings")
		}
		list = append(list, e.Text())
	}
	return list, true, nil
}
