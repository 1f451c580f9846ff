package resolver

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Bounds of a request.
const (
	// maxQuery bounds the options of a request, in bytes: two DID URLs in full, and a chain of
	// certificates of a device. It is also that of a POST's body.
	maxQuery = 2*did.MaxLength + 16<<10
	// maxOptions is how many options and DID parameters a request has. There are a dozen; reading takes
	// the square of their number in time.
	maxOptions = 32
	// maxAccept bounds the header Accept. Browsers send 200 bytes.
	maxAccept = 2 << 10
)

// A httpRequest is what a client asks for.
type httpRequest struct {
	target       did.URL // if it is resolved and not dereferenced, only the DID counts
	version      did.Version
	dereference  bool
	form         string // media type of the answer
	browser      bool
	expand       bool
	noCache      bool
	relationship did.Relationship
	chain        didx509.Chain // nil if there is none
}

// readRequest reads a request. The error wraps one of did's; what was read before it is returned
// all the same, since it says in which form the error is told.
func readRequest(w http.ResponseWriter, r *http.Request) (q httpRequest, err error) {
	// 1. Whose document? A path that starts with did: is the DID as it stands, and the
	// percent signs in it are its own.
	path := r.URL.EscapedPath()
	if !strings.HasPrefix(path, "did:") {
		if decoded, err := url.PathUnescape(path); err == nil {
			path = decoded
		}
	}
	target, errTarget := did.ParseURL(path)
	named := errTarget == nil && target != target.DID.URL("")

	// 2. The options, and which of the two functions they are for.
	o, errOptions := readOptions(w, r)
	q.form, q.dereference, q.browser = negotiate(o.accept, named)
	q.target = target
	q.expand, q.noCache, q.relationship, q.chain = o.expand, o.noCache, did.Relationship(o.relationship), o.chain
	if o.services && isDocumentType(q.form) || o.relationship != "" {
		q.dereference = true // the document with these services only; a method for a purpose
		switch q.form {
		case MediaTypeResolution, "application/did-resolution-result", profileResolution:
			q.form = MediaTypeDereferencing
		}
	}
	switch {
	case errTarget != nil:
		return q, errTarget
	case errOptions != nil:
		return q, errOptions
	case q.form == "":
		return q, fmt.Errorf("%w: no media type of Accept: %.100q is served; %s is", did.ErrRepresentationNotSupported, o.accept, MediaTypeResolution)
	}

	// 3. To resolve a DID, the parameters are options (§4.1).
	if !q.dereference {
		q.version = o.version
		if err := q.version.Validate(); err != nil {
			return q, err
		}
		if o.unknown != "" {
			return q, fmt.Errorf("%w: the option %.40q", did.ErrFeatureNotSupported, o.unknown)
		}
		if u, err := url.Parse(o.relativeRef); err != nil || u.Scheme != "" || u.Host != "" || strings.ContainsAny(o.relativeRef, " ?#\"<>\\^`{|}") {
			return q, fmt.Errorf("%w: relativeRef: %.40q is no relative reference: percent-encode it", did.ErrInvalidOptions, o.relativeRef)
		}
		return q, nil
	}

	// 4. To dereference a DID URL, they are a part of it (§12.1, examples 25 and 29).
	if o.parameters == "" {
		return q, nil
	}
	text, fragment, hasFragment := strings.Cut(target.String(), "#")
	separator := "?"
	if strings.Contains(text, "?") {
		separator = "&"
	}
	text += separator + o.parameters
	if hasFragment {
		text += "#" + fragment
	}
	whole, err := did.ParseURL(text)
	if err == nil {
		q.target = whole
	}
	return q, err
}

// httpOptions are options and DID parameters.
type httpOptions struct {
	accept          string
	expand, noCache bool
	relationship    string
	chain           didx509.Chain
	version         did.Version
	relativeRef     string
	services        bool   // a service or serviceType is named
	parameters      string // the DID parameters as they stand in a query, percent-encoded
	unknown         string // the first that is neither
	seen            map[string]bool
}

// readOptions reads the query, the body of a POST, and the header Accept, for which the option
// accept stands in. What is wrong with them wraps did.ErrInvalidOptions.
func readOptions(w http.ResponseWriter, r *http.Request) (o httpOptions, err error) {
	o.seen = make(map[string]bool)
	o.accept = strings.Join(r.Header.Values("Accept"), ",")
	if len(o.accept) > maxAccept {
		o.accept = ""
		return o, fmt.Errorf("%w: an Accept of more than %d bytes", did.ErrInvalidOptions, maxAccept)
	}
	if len(r.URL.RawQuery) > maxQuery {
		return o, fmt.Errorf("%w: %d bytes of options, at most %d are read", did.ErrInvalidOptions, len(r.URL.RawQuery), maxQuery)
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(rawName)
		value, errValue := url.QueryUnescape(rawValue)
		if errName != nil || errValue != nil {
			return o, fmt.Errorf("%w: the query is malformed", did.ErrInvalidOptions)
		}
		if err := o.set(name, value, pair); err != nil {
			return o, fmt.Errorf("%w: %v", did.ErrInvalidOptions, err)
		}
	}
	if r.Method == http.MethodPost {
		if err := o.readBody(w, r); err != nil {
			return o, fmt.Errorf("%w: %v", did.ErrInvalidOptions, err)
		}
	}
	return o, nil
}

// readBody reads the options of a POST (§12.1, step 5): a JSON object, or nothing.
func (o *httpOptions) readBody(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
	if err != nil {
		return fmt.Errorf("the body was cut off, or has more than %d bytes", maxQuery)
	}
	if len(body) == 0 {
		return nil
	}
	// The examples of the standard say nothing of what they send.
	if text := r.Header.Get("Content-Type"); text != "" {
		if kind, _, err := mime.ParseMediaType(text); err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
			return errors.New("want a body of application/json")
		}
	}
	doc, err := strictjson.Parse(body, strictjson.Limits{Bytes: maxQuery, Depth: 4})
	if err != nil {
		return err
	}
	if doc.Root().Kind() != strictjson.Object {
		return errors.New("want a JSON object")
	}
	for m := range doc.Root().All() {
		value := m.Text()
		switch m.Kind() {
		case strictjson.String:
		case strictjson.Null:
			continue
		case strictjson.Object, strictjson.Array:
			return fmt.Errorf("%.40q: want a string", m.Name())
		default: // a number or a boolean means what its text does
			value = m.Raw()
		}
		escape := strings.NewReplacer("+", "%20").Replace // a DID URL's query knows no other blank
		if err := o.set(m.Name(), value, escape(url.QueryEscape(m.Name()))+"="+escape(url.QueryEscape(value))); err != nil {
			return err
		}
	}
	return nil
}

// set takes an option or DID parameter; pair is as it stands in a query.
func (o *httpOptions) set(name, value, pair string) (err error) {
	switch {
	case o.seen[name]:
		return fmt.Errorf("%.40q is given more than once", name)
	case len(o.seen) == maxOptions:
		return fmt.Errorf("there are more than %d options", maxOptions)
	case strings.ContainsFunc(name+value, func(c rune) bool { return c < ' ' || c >= 0x7f }):
		return fmt.Errorf("%.40q: want ASCII", name)
	}
	o.seen[name] = true
	flag := func() (bool, error) {
		if value != "true" && value != "false" {
			return false, fmt.Errorf("%s: want true or false", name)
		}
		return value == "true", nil
	}
	switch name {
	case "accept":
		if o.accept = value; value == "" {
			return errors.New("accept: want a media type")
		}
		return nil
	case "expandRelativeUrls":
		o.expand, err = flag()
		return err
	case "noCache":
		o.noCache, err = flag()
		return err
	case "verificationRelationship":
		if o.relationship = value; value == "" {
			return errors.New("verificationRelationship: want one")
		}
		return nil
	case "x509chain": // an option of did:x509
		o.chain, err = didx509.ParseChain([]byte(value))
		return err
	case did.ParamVersionID:
		if o.version.ID = value; value == "" {
			return errors.New("versionId: is empty")
		}
	case did.ParamVersionTime:
		// An XML datetime in UTC without fractions (DID Resolution §3.1).
		const layout = "2006-01-02T15:04:05Z"
		if o.version.Time, err = time.Parse(layout, value); err != nil || len(value) != len(layout) {
			return fmt.Errorf("versionTime: %.40q is no time like 2026-11-22T08:30:00Z", value)
		}
	case did.ParamVersionNumber:
		if o.version.Number, err = strconv.Atoi(value); err != nil || o.version.Number < 1 || value[0] < '1' || value[0] > '9' {
			return fmt.Errorf("versionNumber: %.40q does not count from 1", value)
		}
	case did.ParamService, did.ParamServiceType:
		o.services = true
	case did.ParamRelativeRef:
		o.relativeRef = value
	default:
		if o.unknown == "" {
			o.unknown = name
		}
	}
	if o.parameters != "" {
		o.parameters += "&"
	}
	o.parameters += pair
	return nil
}

const profileResolution = `application/ld+json;profile="https://w3id.org/did-resolution"`

func isDocumentType(form string) bool {
	return form == MediaTypeDocument || form == "application/did+json" || form == "application/did+ld+json"
}

// negotiate picks what of accept (RFC 9110 §12.5.1) is served, "" if nothing is, and whether that
// comes of dereferencing. Of several that are liked the same, the first counts. named says that
// there is more than a DID. A browser also takes text/html.
func negotiate(accept string, named bool) (best string, dereference, browser bool) {
	usual := MediaTypeResolution
	if named {
		usual = MediaTypeDereferencing
	}
	if strings.TrimSpace(accept) == "" {
		return usual, named, false
	}
	dereference = named
	liking := 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		browser = browser || kind == "text/html"
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
		case MediaTypeResolution, "application/did-resolution-result":
			if form = kind; named {
				form = usual
			}
		case "application/ld+json":
			if form = profileResolution; named {
				form = usual
			}
		case MediaTypeDereferencing, did.MediaTypeURIList, MediaTypeDocument, "application/did+json", "application/did+ld+json", "application/json":
			form = kind
		}
		if form != "" && q > liking {
			best, liking = form, q
			dereference = named || form == MediaTypeDereferencing || form == did.MediaTypeURIList
		}
	}
	return best, dereference, browser
}
