package linkage

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/internal/webname"
)

// WellKnown is where an origin publishes its DID configuration (DID Configuration, "DID Configuration URI").
const WellKnown = "/.well-known/did-configuration.json"

// LinkedDomains is the type of the service by which a DID document claims origins (DID Configuration,
// "Linked Domain Service Endpoint").
const LinkedDomains = "LinkedDomains"

// An Origin is the scheme, host and port of a site (RFC 6454): https always, and never an IP address.
// Origins are comparable: == holds if they are one.
type Origin struct{ host string }

// ParseOrigin reads an origin such as "https://shop.example:8443". A slash at the end is left out, as is
// port 443; names in other scripts become those of the DNS (UTS #46). A path, query or user is refused.
func ParseOrigin(text string) (Origin, error) {
	rest, ok := strings.CutPrefix(text, "https://")
	if !ok {
		return Origin{}, fmt.Errorf("%w: %.80q does not begin with https://", ErrOrigin, text)
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsAny(rest, "/\\?#@%[]") || strings.Count(rest, ":") > 1 || strings.HasSuffix(rest, ":") {
		return Origin{}, fmt.Errorf("%w: %.80q is more than a host and a port", ErrOrigin, text)
	}
	name, err := webname.Parse(strings.Replace(rest, ":", "%3A", 1))
	if err != nil {
		return Origin{}, fmt.Errorf("%w: %v", ErrOrigin, err)
	}
	return Origin{name.Host}, nil
}

// IsZero reports whether o is no origin.
func (o Origin) IsZero() bool { return o.host == "" }

// String returns the origin as RFC 6454 §6.2 writes it, or "" for none.
func (o Origin) String() string {
	if o.IsZero() {
		return ""
	}
	return "https://" + o.host
}

// MarshalText implements [encoding.TextMarshaler].
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (o *Origin) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOrigin(string(text))
	return err
}

// URL returns where the origin publishes its DID configuration.
func (o Origin) URL() string { return o.String() + WellKnown }

// Claimed returns the origins that a document claims, in its order, each once: those of its services of
// type LinkedDomains, whose endpoint is an origin or an object with "origins". An endpoint that is
// neither claims nothing. A claim proves nothing: see [Checker.Domain].
func Claimed(d *did.Document) ([]Origin, error) {
	var list []Origin
	claim := func(text string) {
		if o, err := ParseOrigin(text); err == nil && !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	for _, s := range d.Service {
		if !slices.Contains(s.Type, LinkedDomains) {
			continue
		}
		for _, endpoint := range s.Endpoint {
			if !strings.HasPrefix(endpoint, "{") {
				claim(endpoint)
				continue
			}
			object, err := strictjson.Parse([]byte(endpoint), strictjson.Limits{Bytes: did.MaxDocumentBytes})
			if err != nil {
				continue
			}
			origins := object.Root().Member("origins")
			if origins.Kind() == strictjson.String {
				claim(origins.Text())
			}
			for v := range origins.All() {
				claim(v.Text())
			}
		}
	}
	if len(list) > MaxOrigins {
		return nil, fmt.Errorf("%w: %s claims %d origins, at most %d are read", did.ErrInvalidDocument, d.ID, len(list), MaxOrigins)
	}
	return list, nil
}

// Service returns the service by which id claims origins, for its document.
func Service(id did.URL, origins ...Origin) (did.Service, error) {
	if id.Fragment == "" || len(origins) == 0 || len(origins) > MaxOrigins || slices.ContainsFunc(origins, Origin.IsZero) {
		return did.Service{}, errors.New("linkage: a service has an id with a fragment, and origins")
	}
	s := did.Service{ID: id, Type: []string{LinkedDomains}}
	if len(origins) == 1 {
		s.Endpoint = []string{origins[0].String()}
		return s, nil
	}
	object := `{"origins":[`
	for i, o := range origins {
		if i > 0 {
			object += ","
		}
		object += `"` + o.String() + `"` // a host in ASCII: nothing in it needs an escape
	}
	s.Endpoint = []string{object + "]}"}
	return s, nil
}
