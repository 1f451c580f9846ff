package resolver_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/resolver"
)

// What the W3C's did-resolution-test-suite asks of a resolver (tests/3-did-parameters.js and
// 4-did-resolution.js of October 2025, 10-bindings.js of 2026), asked over TLS by a client as it is used there:
// one that follows redirects unless told, and that keeps fragments to itself.
func TestHandlerPassesTheW3CResolutionSuite(t *testing.T) {
	doc, b := newYard(t)
	gone := did.MustParse("did:web:gone.example")
	mux := http.NewServeMux()
	mux.Handle("/", b)
	mux.Handle("/gone/", http.StripPrefix("/gone/", &resolver.Handler{Resolver: resolver.Static{gone: {{Document: documentOf(t, gone, 1), Created: day(1), Deactivated: true}}}}))
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)
	endpoint := srv.URL + "/1.0/identifiers"
	fetch := func(method, target, accept string) (status int, header http.Header, body map[string]any, raw string) {
		req, err := http.NewRequest(method, target, nil)
		require.NoError(t, err)
		if accept == "" {
			accept = "*/*" // as fetch does
		}
		req.Header.Set("Accept", accept)
		client := &http.Client{Transport: srv.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.GreaterOrEqual(t, resp.TLS.Version, uint16(tls.VersionTLS12))
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		_ = json.Unmarshal(text, &body)
		return resp.StatusCode, resp.Header, body, string(text)
	}
	passed := 0
	assert := func(name string, ok bool, why ...any) {
		require.True(t, ok, append([]any{name}, why...)...)
		passed++
	}

	// Results, for each DID that is valid, as it is and encoded.
	for _, id := range []string{edKey, doc.ID.String()} {
		for _, target := range []string{endpoint + "/" + id, endpoint + "/" + url.QueryEscape(id)} {
			status, header, body, raw := fetch("GET", target, resolver.MediaTypeResolution)
			assert("GET is implemented, 200", status == 200, raw)
			assert("a resolution result", body["didResolutionMetadata"] != nil && body["didDocumentMetadata"] != nil, raw)
			assert("the document of the DID", at(t, body, "didDocument", "id") == id, raw)
			assert("Content-Type includes contentType", strings.Contains(header.Get("Content-Type"), at(t, body, "didResolutionMetadata", "contentType").(string)))
			assert("contentType is application/did", at(t, body, "didResolutionMetadata", "contentType") == "application/did")
			_, header, _, _ = fetch("GET", target, "")
			assert("a resolution result without Accept", strings.Contains(header.Get("Content-Type"), "application/did-resolution"))
			for _, accept := range []string{"application/did", "application/did+json"} {
				_, _, body, raw = fetch("GET", target, accept)
				assert("the document alone", body["id"] == id && body["didResolutionMetadata"] == nil, raw)
			}
		}
	}

	// Errors and their statuses.
	for _, tc := range []struct {
		target string
		status int
		typ    string
	}{
		{"/", 400, "INVALID_DID"}, {"/not-a-did", 400, "INVALID_DID"}, {"/did:example", 400, "INVALID_DID"},
		{"/did:unsupported:123456789abcdefghi", 501, "METHOD_NOT_SUPPORTED"}, {"/did:example:nobody", 404, "NOT_FOUND"},
	} {
		status, _, body, raw := fetch("GET", endpoint+tc.target, resolver.MediaTypeResolution)
		assert("status of "+tc.typ, status == tc.status, raw)
		_, has := body["didDocument"]
		assert("an error object, and null for the document", has && body["didDocument"] == nil && at(t, body, "didResolutionMetadata", "error", "type") == "https://www.w3.org/ns/did#"+tc.typ, raw)
	}
	status, _, _, raw := fetch("GET", endpoint+"/"+edKey, "application/x-unsupported-did-representation-99999")
	assert("REPRESENTATION_NOT_SUPPORTED, 406", status == 406, raw)
	status, _, body, raw := fetch("GET", srv.URL+"/gone/"+gone.String(), resolver.MediaTypeResolution)
	assert("deactivated, 410", status == 410 && at(t, body, "didDocumentMetadata", "deactivated") == true, raw)

	// Parameters.
	with := func(name, value string) string {
		return endpoint + "/" + edKey + "?" + url.Values{name: {value}}.Encode()
	}
	for _, name := range []string{"service", "serviceType", "relativeRef", "versionId", "versionTime", "hl", "accept"} {
		for _, value := range []string{"🔥💥🚫", "Привет", "こんにちは", "مرحبا", "foo\u200Bbar"} {
			status, _, _, raw := fetch("GET", with(name, value), "")
			assert(name+" that is not ASCII", status == 400, raw)
		}
	}
	for _, value := range []string{"my path/file", "file#section", "dir/with?query=value"} {
		status, _, _, raw := fetch("GET", with("relativeRef", value), "")
		assert("relativeRef that is not encoded", status == 400, raw)
	}
	for _, value := range []string{"2025-10-07 12:30:45", "2025/10/07T12:30:45", "2025-13-07T12:30:45", "2025-10-32T12:30:45", "2025-10-07T25:00:00", "2025-10-07T12:30:60",
		"2025-10-07T12:30:45+24:00", "2025-10-07", "2025-10-07T12:30:45abc", "T12:30:45",
		"2025-10-07T00:00:00+02:00", "2025-10-07T00:00:00-05:00", "2025-10-07T00:00:00", "2025-10-07T00:00:00.123Z", "2025-10-07T00:00:00.999+01:00"} {
		status, _, _, raw := fetch("GET", with("versionTime", value), "")
		assert("versionTime "+value, status == 400, raw)
	}
	for name, value := range map[string]string{"service": "linkedDomain", "serviceType": "LinkedDomain", "relativeRef": "my%20path/file", "versionTime": "2025-10-07T14:30:00Z"} {
		status, _, _, raw := fetch("GET", with(name, value), "")
		assert(name+" "+value, status == 200, raw)
	}

	// Dereferencing: a DID URL with a fragment, of which the client sends no more than the DID, and with options,
	// for which it encodes it; and services.
	for _, target := range []string{doc.ID.String(), url.QueryEscape(doc.ID.String()+"#k") + "?verificationRelationship=assertionMethod"} {
		status, header, body, raw := fetch("GET", endpoint+"/"+target, resolver.MediaTypeDereferencing)
		assert("200", status == 200, raw)
		_, isObject := body["contentMetadata"].(map[string]any)
		assert("a dereferencing result", body["dereferencingMetadata"] != nil && body["contentStream"] != nil && isObject, raw)
		assert("Content-Type includes contentType", strings.Contains(header.Get("Content-Type"), at(t, body, "dereferencingMetadata", "contentType").(string)))
		_, _, body, raw = fetch("GET", endpoint+"/"+target, "application/json")
		assert("the content alone", body != nil && body["dereferencingMetadata"] == nil, raw)
	}
	status, header, _, raw := fetch("GET", endpoint+"/"+url.QueryEscape(doc.ID.String()+"?service=files&relativeRef=a.pdf"), resolver.MediaTypeDereferencing)
	assert("303", status == 303, raw)
	assert("Location", header.Get("Location") == "https://files.example/yard/a.pdf")
	assert("no body", raw == "")
	shared.Tally(t, "DID Resolution 1.0", "W3C did-resolution-test-suite: its assertions, made here", passed, passed, "")
}
