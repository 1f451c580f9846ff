// Package webname reads what did:web and did:webvh have in common: a host, perhaps with a port, and
// a path, written with colons.
//
//	example.com%3A3000:dids:issuer   →   https://example.com:3000/dids/issuer/did.json
//
// The danger: the host is a stranger's word, and somebody is going to connect to it. Package resolver
// checks the address that it has.
package webname

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxHost is the length of a host's name in the DNS (RFC 1035 §2.3.4), less the dot of the root.
const maxHost = 253

// A Name is where something is published.
type Name struct {
	Host string   // in ASCII and lower case (RFC 5891), perhaps with ":" and a port
	Path []string // segments, decoded; none is empty, "." or "..", or has space around it
}

// hosts turns a host's name into that of the DNS, as browsers do (UTS #46), and refuses what cannot
// be registered.
var hosts = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// Parse reads a host and path as the methods' identifiers have them: percent-encoded segments between
// colons. The host has a dot and is no IP address.
func Parse(s string) (Name, error) {
	segments := strings.Split(s, ":")
	host, err := url.PathUnescape(segments[0])
	if err != nil || !utf8.ValidString(host) {
		return Name{}, errors.New("the host is not percent-encoded text")
	}
	host, port, hasPort := strings.Cut(host, ":")
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' || port[0] == '+' {
			return Name{}, fmt.Errorf("%.20q is no port", port)
		}
	}
	ascii, err := hosts.ToASCII(host)
	switch {
	case err != nil:
		return Name{}, fmt.Errorf("%.80q cannot be the name of a host: %w", host, err)
	case len(ascii) > maxHost || strings.HasSuffix(ascii, ".") || !strings.Contains(ascii, "."):
		return Name{}, fmt.Errorf("%.80q is no full name of a host, such as fleet.example", host)
	case isAddress(ascii):
		return Name{}, fmt.Errorf("%.80q is an address, where the name of a host is wanted", host)
	}
	name := Name{Host: ascii}
	if hasPort && port != "443" {
		name.Host += ":" + port
	}
	for _, segment := range segments[1:] {
		text, err := url.PathUnescape(segment)
		if err != nil || !utf8.ValidString(text) || text == "" || text == "." || text == ".." ||
			strings.ContainsAny(text, "/\\\x00") || strings.TrimSpace(text) != text {
			return Name{}, fmt.Errorf("%.80q cannot be a part of a path", segment)
		}
		name.Path = append(name.Path, text)
	}
	return name, nil
}

// isAddress reports whether some program might take a host's name for an IP address: one whose last
// label is a number (WHATWG URL, "ends in a number").
func isAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil {
		return true
	}
	return strings.Trim(last, "0123456789") == ""
}

// URL returns the https URL of a file there: in the folder of the path, or in /.well-known if there is
// no path.
func (n Name) URL(file string) string {
	if len(n.Path) == 0 {
		return "https://" + n.Host + "/.well-known/" + file
	}
	return n.Base() + file
}

// Base returns the https URL of the path, ending in "/", against which a DID URL's own path is read.
func (n Name) Base() string {
	b := strings.Builder{}
	b.WriteString("https://" + n.Host + "/")
	for _, segment := range n.Path {
		b.WriteString(url.PathEscape(segment) + "/")
	}
	return b.String()
}
