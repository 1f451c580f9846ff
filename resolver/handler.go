package resolver

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
)

// The media types of DID Resolution (§10.1) and DID Core 1.1 (§6).
const (
	MediaTypeDocument      = "application/did"                   // a DID document
	MediaTypeResolution    = "application/did-resolution"        // a DID resolution result
	MediaTypeDereferencing = "application/did-url-dereferencing" // the same of a DID URL
)

// maxQuery bounds a request's options, in bytes: two DID URLs in full.
const maxQuery = 2 * did.MaxLength

// A Handler answers the GET binding of DID Resolution (§10.1) with the answers of any
// [did.Resolver]. It serves the URL that is left when the prefix is stripped:
//
//	mux.Handle("/1.0/identifiers/", http.StripPrefix("/1.0/identifiers/", &resolver.Handler{}))
//
// The DID stands in the path as it is, or percent-encoded as a whole. The header Accept, or
// the option accept, asks for a resolution result (the default), for the document alone
// (application/did, did+json, did+ld+json), or, of a DID URL with a fragment, for the
// dereferencing result. Options are versionId and versionTime; service, serviceType and
// relativeRef are checked, and are no part of resolving a DID. hl, whose hash nobody would
// compare, is answered by FEATURE_NOT_SUPPORTED.
//
// What a resolver says is for anybody to ask: give a Handler that strangers can reach a
// Resolver that opens no connections on their behalf to where they could not go themselves.
type Handler struct {
	Resolver did.Resolver // nil means did.Offline{}: no network
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "a DID is resolved by GET", http.StatusMethodNotAllowed)
		return
	}
	a := h.answer(r)
	body, err := json.Marshal(a.result, json.Deterministic(true))
	if err != nil { // a Resolver's document that cannot be written
		a = failure(didErrors+"INTERNAL_ERROR", errors.New("the document cannot be written"))
		body, _ = json.Marshal(a.result, json.Deterministic(true))
	}
	header := w.Header()
	header.Set("Content-Type", a.mediaType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-cache") // how old an answer may be is the Resolver's business
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(a.status)
	w.Write(body)
}

// A httpAnswer is what goes back.
type httpAnswer struct {
	status    int
	mediaType string
	result    any
}

// A resolutionResult is the result of DID Resolution §4, as JSON.
type resolutionResult struct {
	Context            string           `json:"@context,omitzero"`
	DIDDocument        jsontext.Value   `json:"didDocument"` // null on errors
	ResolutionMetadata httpMetadata     `json:"didResolutionMetadata"`
	DocumentMetadata   documentMetadata `json:"didDocumentMetadata"`
}

// A dereferencingResult is the result of DID Resolution §5, as JSON.
type dereferencingResult struct {
	Metadata        httpMetadata     `json:"dereferencingMetadata"`
	ContentStream   jsontext.Value   `json:"contentStream"`
	ContentMetadata documentMetadata `json:"contentMetadata"`
}

type httpMetadata struct {
	ContentType string     `json:"contentType,omitzero"`
	Error       *httpError `json:"error,omitzero"`
}

// A httpError is an error of DID Resolution §11, a problem of RFC 9457.
type httpError struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitzero"`
}

// documentMetadata is DID Resolution §4.3.
type documentMetadata struct {
	Created       string    `json:"created,omitzero"`
	Updated       string    `json:"updated,omitzero"`
	NextUpdate    string    `json:"nextUpdate,omitzero"`
	Deactivated   bool      `json:"deactivated,omitzero"`
	VersionID     string    `json:"versionId,omitzero"`
	NextVersionID string    `json:"nextVersionId,omitzero"`
	CanonicalID   did.DID   `json:"canonicalId,omitzero"`
	EquivalentID  []did.DID `json:"equivalentId,omitempty"`
}

const didErrors = "https://www.w3.org/ns/did#"

// statusOf returns the status that goes with an error (DID Resolution §10.1).
func statusOf(code string) int {
	switch code {
	case "INVALID_DID", "INVALID_DID_URL", "INVALID_OPTIONS":
		return http.StatusBadRequest
	case "NOT_FOUND":
		return http.StatusNotFound
	case "REPRESENTATION_NOT_SUPPORTED":
		return http.StatusNotAcceptable
	case "METHOD_NOT_SUPPORTED", "FEATURE_NOT_SUPPORTED", "INVALID_VERIFICATION_METHOD": // a did:key of a type not known here
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}

// failure is the answer for an error.
func failure(typ string, err error) httpAnswer {
	code := typ[strings.LastIndexByte(typ, '#')+1:]
	status := statusOf(code)
	title := strings.ToLower(strings.ReplaceAll(code, "_", " "))
	result := resolutionResult{DIDDocument: jsontext.Value("null")}
	result.ResolutionMetadata.Error = &httpError{Type: typ, Title: title}
	// What went wrong inside, and with which server, is not for strangers.
	if status != http.StatusInternalServerError || did.IsAnswer(err) {
		result.ResolutionMetadata.Error.Detail = strings.ToValidUTF8(err.Error(), "\uFFFD")
	}
	if errors.Is(err, did.ErrDeactivated) {
		status, result.DocumentMetadata.Deactivated = http.StatusGone, true
	}
	return httpAnswer{status, MediaTypeResolution, result}
}

func (h *Handler) answer(r *http.Request) httpAnswer {
	// 1. Whose document? A path that starts with did: is the DID as it stands, and the
	// percent signs in it are its own.
	path := r.URL.EscapedPath()
	if !strings.HasPrefix(path, "did:") {
		if decoded, err := url.PathUnescape(path); err == nil {
			path = decoded
		}
	}
	target, err := did.ParseURL(path)
	if err != nil {
		return failure(did.ErrorType(err), err)
	}

	// 2. Which version of it, in which form?
	version, accept, err := options(r)
	if err == nil && (target.Path != "" || target.Query != "") {
		return failure(didErrors+"FEATURE_NOT_SUPPORTED", errors.New("of DID URLs, only those with a fragment are dereferenced"))
	}
	if errors.Is(err, errHashLink) {
		return failure(didErrors+"FEATURE_NOT_SUPPORTED", err)
	}
	if err != nil {
		return failure(didErrors+"INVALID_OPTIONS", err)
	}
	form := negotiate(accept, target.Fragment != "")
	if form == "" {
		return failure(didErrors+"REPRESENTATION_NOT_SUPPORTED", fmt.Errorf("no media type of Accept: %.100q is served; %s is", accept, MediaTypeResolution))
	}

	// 3. The document.
	resolver := h.Resolver
	if resolver == nil {
		resolver = did.Offline{}
	}
	res, err := resolver.Resolve(r.Context(), target.DID, version)
	if err == nil && (res == nil || res.Document == nil || res.Document.ID != target.DID) {
		err = errors.New("resolver: another document came back, or none")
	}
	if err != nil {
		return failure(did.ErrorType(err), err)
	}
	document := jsontext.Value(res.Document.Raw)
	if len(document) == 0 {
		if document, err = res.Document.MarshalJSON(); err != nil {
			return failure(didErrors+"INVALID_DID_DOCUMENT", err)
		}
	}
	status, about := http.StatusOK, metadata(res)
	if res.Deactivated {
		status = http.StatusGone
	}

	// 4. In the form asked for.
	content := httpMetadata{ContentType: MediaTypeDocument}
	if target.Fragment != "" {
		if document, err = fragment(res.Document, target); err != nil {
			return failure(did.ErrorType(err), err)
		}
	}
	switch form {
	case MediaTypeDereferencing:
		return httpAnswer{status, form, dereferencingResult{content, document, about}}
	case MediaTypeResolution, "application/did-resolution-result", "application/json":
		return httpAnswer{status, form, resolutionResult{"", document, content, about}}
	case profileResolution:
		return httpAnswer{status, form, resolutionResult{"https://w3id.org/did-resolution/v1", document, content, about}}
	}
	if form == "application/did+ld+json" && len(res.Document.Context) == 0 {
		return failure(didErrors+"REPRESENTATION_NOT_SUPPORTED", errors.New("the document has no @context: it is not JSON-LD"))
	}
	return httpAnswer{status, form, document}
}

func metadata(res *did.Resolution) documentMetadata {
	text := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return stamp(t)
	}
	return documentMetadata{
		Created: text(res.Created), Updated: text(res.Updated), NextUpdate: text(res.NextUpdate),
		Deactivated: res.Deactivated, VersionID: res.VersionID, NextVersionID: res.NextVersionID,
		CanonicalID: res.CanonicalID, EquivalentID: res.EquivalentID,
	}
}

// fragment returns the verification method or service that target names.
func fragment(doc *did.Document, target did.URL) (jsontext.Value, error) {
	text, err := doc.MarshalJSON() // with absolute ids
	if err != nil {
		return nil, fmt.Errorf("%w: %w", did.ErrInvalidDocument, err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("%w: %w", did.ErrInvalidDocument, err)
	}
	for _, name := range []string{"verificationMethod", "authentication", "assertionMethod", "keyAgreement",
		"capabilityInvocation", "capabilityDelegation", "service"} {
		var entries []jsontext.Value
		if json.Unmarshal(members[name], &entries) != nil {
			continue
		}
		for _, entry := range entries {
			var object map[string]jsontext.Value
			var id string
			if json.Unmarshal(entry, &object) != nil || json.Unmarshal(object["id"], &id) != nil || id != target.String() {
				continue
			}
			if context := members["@context"]; context != nil {
				object["@context"] = context
			}
			return json.Marshal(object, json.Deterministic(true))
		}
	}
	return nil, fmt.Errorf("%w: %s in the document of %s", did.ErrNotFound, target, doc.ID)
}

var errHashLink = errors.New("hl: hashes of documents are not compared")

// options reads the query and the header Accept, for which the option accept stands in.
func options(r *http.Request) (v did.Version, accept string, err error) {
	if len(r.URL.RawQuery) > maxQuery {
		return v, "", fmt.Errorf("%d bytes of options, at most %d are read", len(r.URL.RawQuery), maxQuery)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return v, "", errors.New("the query is malformed")
	}
	accept = strings.Join(r.Header.Values("Accept"), ",")
	for name, values := range query {
		value := values[0]
		switch {
		case len(values) > 1:
			return v, "", fmt.Errorf("%.40q is given more than once", name)
		case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c >= 0x7f }):
			return v, "", fmt.Errorf("%.40q: want ASCII", name)
		}
		switch name {
		case "accept":
			if accept = value; accept == "" {
				return v, "", errors.New("accept: want a media type")
			}
		case "versionId":
			if v.ID = value; value == "" {
				return v, "", errors.New("versionId: is empty")
			}
		case "versionTime":
			// An XML datetime in UTC without fractions (DID Resolution §3.1).
			if v.Time, err = time.Parse("2006-01-02T15:04:05Z", value); err != nil || len(value) != len("2006-01-02T15:04:05Z") {
				return v, "", fmt.Errorf("versionTime: %.40q is no time like 2026-11-22T08:30:00Z", value)
			}
		case "relativeRef":
			if u, err := url.Parse(value); err != nil || u.Scheme != "" || u.Host != "" || strings.ContainsAny(value, " ?#\"<>\\^`{|}") {
				return v, "", fmt.Errorf("relativeRef: %.40q is no relative reference: percent-encode it", value)
			}
		case "hl":
			return v, "", errHashLink
		}
	}
	if !v.Time.IsZero() && v.ID != "" {
		return v, "", errors.New("versionId and versionTime: want one of them")
	}
	return v, accept, nil
}

const profileResolution = `application/ld+json;profile="https://w3id.org/did-resolution"`

// negotiate picks what of accept (RFC 9110 §12.5.1) is served, "" if nothing is. Of several that
// are liked the same, the first counts.
func negotiate(accept string, dereference bool) (best string) {
	usual := MediaTypeResolution
	if dereference {
		usual = MediaTypeDereferencing
	}
	if strings.TrimSpace(accept) == "" {
		return usual
	}
	liking := 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := parameters["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		form := ""
		switch kind {
		case "*/*", "application/*":
			form = usual
		case MediaTypeResolution, "application/did-resolution-result", "application/json":
			if form = kind; dereference {
				form = usual
			}
		case "application/ld+json":
			if form = profileResolution; dereference {
				form = usual
			}
		case MediaTypeDereferencing:
			form = kind
		case MediaTypeDocument, "application/did+json", "application/did+ld+json":
			form = kind
		}
		if form != "" && q > liking {
			best, liking = form, q
		}
	}
	return best
}
