package resolver

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
)

// A resolutionResult is DID Resolution §9.
type resolutionResult struct {
	Context            string               `json:"@context,omitzero"`
	DIDDocument        jsontext.Value       `json:"didDocument"` // null on errors
	ResolutionMetadata httpMetadata         `json:"didResolutionMetadata"`
	DocumentMetadata   httpDocumentMetadata `json:"didDocumentMetadata"`
}

// A dereferencingResult is DID Resolution §10. That section calls the content "content", and §5
// and the W3C's test suite call it "contentStream": clients look for either.
type dereferencingResult struct {
	Metadata        httpMetadata         `json:"dereferencingMetadata"`
	Content         jsontext.Value       `json:"content"`
	ContentStream   jsontext.Value       `json:"contentStream"`
	ContentMetadata httpDocumentMetadata `json:"contentMetadata"`
}

// httpMetadata is DID Resolution §4.2 and §5.2.
type httpMetadata struct {
	ContentType string     `json:"contentType,omitzero"`
	Retrieved   string     `json:"retrieved,omitzero"` // as in §9.1
	Stale       bool       `json:"stale,omitzero"`     // no name of a standard
	Error       *httpError `json:"error,omitzero"`
}

// A httpError is an error of DID Resolution §11, a problem of RFC 9457.
type httpError struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitzero"`
}

// httpDocumentMetadata is DID Resolution §4.3, with what the method adds.
type httpDocumentMetadata struct{ res did.Resolution }

// MarshalJSONTo implements json.MarshalerTo.
func (m httpDocumentMetadata) MarshalJSONTo(enc *jsontext.Encoder) error {
	var failed error
	token := func(t jsontext.Token) { failed = errors.Join(failed, enc.WriteToken(t)) }
	text := func(name, value string) {
		if value != "" {
			token(jsontext.String(name))
			token(jsontext.String(value))
		}
	}
	// Whole seconds are all that may be written and asked for. Rounded up they say the same of every whole
	// second; rounded down, nextUpdate would lead back to the document that it ends, and nobody who follows a
	// key from one to the next would get further.
	at := func(name string, t time.Time) {
		if !t.IsZero() {
			text(name, stamp(t.Add(time.Second-1)))
		}
	}
	token(jsontext.BeginObject)
	at("created", m.res.Created)
	at("updated", m.res.Updated)
	if m.res.Deactivated {
		token(jsontext.String("deactivated"))
		token(jsontext.True)
	}
	at("nextUpdate", m.res.NextUpdate)
	text("versionId", m.res.VersionID)
	text("nextVersionId", m.res.NextVersionID)
	if len(m.res.EquivalentID) > 0 {
		token(jsontext.String("equivalentId"))
		token(jsontext.BeginArray)
		for _, id := range m.res.EquivalentID {
			token(jsontext.String(id.String()))
		}
		token(jsontext.EndArray)
	}
	text("canonicalId", m.res.CanonicalID.String())
	for _, e := range m.res.Extra {
		switch e.Name {
		case "created", "updated", "deactivated", "nextUpdate", "versionId", "nextVersionId", "equivalentId", "canonicalId":
			continue // the method does not say them twice
		}
		token(jsontext.String(e.Name))
		failed = errors.Join(failed, enc.WriteValue(jsontext.Value(e.Value)))
	}
	token(jsontext.EndObject)
	return failed
}

func resolutionMetadata(res *did.Resolution) httpMetadata {
	m := httpMetadata{ContentType: MediaTypeDocument, Stale: res.Stale}
	if !res.Retrieved.IsZero() {
		m.Retrieved = stamp(res.Retrieved)
	}
	return m
}

// text returns the document as it was published, or with its relative URLs written out.
func (q httpRequest) text(doc *did.Document) (jsontext.Value, error) {
	if doc.Raw != "" && !q.expand {
		return jsontext.Value(doc.Raw), nil
	}
	text, err := doc.ExpandRelative()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", did.ErrInvalidDocument, err)
	}
	return text, nil
}

// problemOf returns an error as it is told.
func problemOf(err error, ofURL bool) *httpError {
	typ := did.ErrorType(err)
	if _, ok := errors.AsType[*did.SyntaxError](err); ok && ofURL {
		typ = "https://www.w3.org/ns/did#INVALID_DID_URL" // also if the mistake is in the DID (§5.4.1, step 1)
	}
	code := typ[strings.LastIndexByte(typ, '#')+1:]
	e := &httpError{Type: typ, Title: strings.ToLower(strings.ReplaceAll(code, "_", " "))}
	// What went wrong inside, and with which server, is not for strangers.
	if did.IsAnswer(err) || errors.Is(err, did.ErrVersionUnknown) {
		e.Detail = strings.ToValidUTF8(err.Error(), "\uFFFD")
	}
	return e
}

// failure is the answer for an error.
func failure(q httpRequest, err error) httpAnswer {
	null := jsontext.Value("null")
	var metadata httpMetadata
	var about did.Resolution
	a := httpAnswer{mediaType: MediaTypeResolution}
	switch {
	case errors.Is(err, did.ErrDeactivated):
		// No error object: its status would be another (§4.4, step 5.2, and §12.1, step 8).
		a.status, about.Deactivated = http.StatusGone, true
	case errors.Is(err, did.ErrKeyNotSupported) && q.relationship == "":
		// A DID that is a key of a kind not known here: the method is not supported in full.
		err = fmt.Errorf("%w: %w", did.ErrFeatureNotSupported, err)
		fallthrough
	default:
		metadata.Error = problemOf(err, q.dereference)
		a.status = statusOf(metadata.Error.Type)
	}
	if retry, ok := errors.AsType[*RetryError](err); ok {
		a.after = retry.After
	}
	a.result = resolutionResult{"", null, metadata, httpDocumentMetadata{about}}
	if q.dereference {
		a.mediaType, a.result = MediaTypeDereferencing, dereferencingResult{metadata, null, null, httpDocumentMetadata{about}}
	}
	return a
}

// statusOf returns the status that goes with an error (DID Resolution §12.1, step 7).
func statusOf(typ string) int {
	code, ok := strings.CutPrefix(typ, "https://www.w3.org/ns/did#")
	if !ok {
		return http.StatusInternalServerError // "any other error URI"
	}
	switch code {
	case "INVALID_DID", "INVALID_DID_URL", "INVALID_OPTIONS":
		return http.StatusBadRequest
	case "NOT_FOUND":
		return http.StatusNotFound
	case "REPRESENTATION_NOT_SUPPORTED":
		return http.StatusNotAcceptable
	case "METHOD_NOT_SUPPORTED", "FEATURE_NOT_SUPPORTED":
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}
