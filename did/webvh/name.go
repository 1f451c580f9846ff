package webvh

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/internal/webname"
)

// Method is the name of the method.
const Method = "webvh"

// Names of the two files of a DID (did:webvh, "The DID to HTTPS Transformation").
const (
	logFile     = "did.jsonl"
	witnessFile = "did-witness.json"
)

// placeholder stands for the SCID where it is not known yet (did:webvh, "Create"). It cannot stand in a
// DID, so that drafts have another.
const (
	placeholder = "{SCID}"
	draftSCID   = "_SCID_"
)

// Draft returns a stand-in for the DID of a log that is yet to be created at a host and path, such as
// "fleet.example:machines:42"; a port is "fleet.example%3A8443". Write the document with it and give
// that to [Create], which puts the identifier in its place. "{SCID}" in the path becomes the identifier
// as well.
func Draft(location string) (did.DID, error) {
	location = strings.ReplaceAll(ascii(location), placeholder, draftSCID)
	if _, err := webname.Parse(location); err != nil {
		return did.DID{}, fmt.Errorf("%w: %w", did.ErrInvalidDID, err)
	}
	return did.Parse("did:" + Method + ":" + draftSCID + ":" + location)
}

// ascii returns a location as it can stand in a DID, which has no other characters (DID Core 1.1 §3.1).
func ascii(location string) string {
	b := strings.Builder{}
	for _, c := range []byte(location) {
		if c < 0x80 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// LogURL returns the https URL of the log of id: its did.jsonl (did:webvh, "The DID to HTTPS Transformation").
func LogURL(id did.DID) (string, error) {
	_, name, err := split(id)
	if err != nil {
		return "", err
	}
	return name.URL(logFile), nil
}

// WitnessURL returns the https URL of the proofs of witnesses of id: its did-witness.json, beside the log.
func WitnessURL(id did.DID) (string, error) {
	_, name, err := split(id)
	if err != nil {
		return "", err
	}
	return name.URL(witnessFile), nil
}

// WebDID returns the did:web of the same host and path, as which the newest document may be published
// too: see [Log.ParallelDIDWeb].
func WebDID(id did.DID) (did.DID, error) {
	if _, _, err := split(id); err != nil {
		return did.DID{}, err
	}
	_, location, _ := strings.Cut(id.Identifier(), ":")
	return did.Parse("did:web:" + location)
}

// Subject returns the DID that the last line of a log says it is about. Nothing is checked: this is
// for who has a file, and wants to know what to ask [Verify] for.
func Subject(log []byte) (did.DID, error) {
	log = bytes.TrimSpace(log[:min(len(log), MaxLogBytes)])
	last := log[bytes.LastIndexByte(log, '\n')+1:]
	doc, err := strictjson.Parse(last, strictjson.Limits{Bytes: MaxEntryBytes})
	if err != nil {
		return did.DID{}, &LogError{Entry: bytes.Count(log, []byte("\n")) + 1, Rule: RuleJSON, Msg: "is not strict JSON", Err: err}
	}
	id, err := did.Parse(doc.Root().Member("state").Member("id").Text())
	if err != nil {
		return id, &LogError{Entry: bytes.Count(log, []byte("\n")) + 1, Rule: RuleState, Msg: "names no DID", Err: err}
	}
	return id, nil
}

// split returns the SCID of a did:webvh, and where it is published (did:webvh, "Method-Specific Identifier").
func split(id did.DID) (scid string, name webname.Name, err error) {
	scid, location, ok := strings.Cut(id.Identifier(), ":")
	switch {
	case id.Method() != Method:
		return "", name, fmt.Errorf("%w: %.100q is no did:webvh", did.ErrInvalidDID, id)
	case !ok || !isMultihash(scid):
		return "", name, fmt.Errorf("%w: %.100q does not begin with a hash and a colon", did.ErrInvalidDID, id)
	}
	if name, err = webname.Parse(location); err != nil {
		return "", name, fmt.Errorf("%w: %.100q: %w", did.ErrInvalidDID, id, err)
	}
	return scid, name, nil
}

// isMultihash reports whether s is a SHA-256 multihash in base58btc, the one kind that did:webvh 1.0
// has: for SCIDs, entries and keys to come.
func isMultihash(s string) bool {
	b, err := multikey.DecodeBase58("z"+s, 34)
	return err == nil && len(b) == 34 && b[0] == 0x12 && b[1] == 32
}
