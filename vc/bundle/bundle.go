// Package bundle packs into one file what it takes to verify a presentation or
// credentials without a network: an evidence bundle.
//
//   - A [Recorder] stands between a verifier and the network, and remembers what
//     was fetched. [Recorder.Pack] puts it into a [Bundle].
//   - [Bundle.Encode] writes the file, [Parse] reads it.
//   - [Bundle.Open] gives a verifier what it needs instead of a network, and says
//     how old each part is, and on whose word it counts.
//
// The danger: a bundle is what a stranger hands over. Nothing in it is believed
// because it is in it. What is signed counts by its signature, and as old as its
// signature says; what names itself by its content counts by that; a DID document
// or context that a server had counts only if the reader has its digest from
// elsewhere: see [Pins]. The rest could not be checked. Fetch times are the word
// of whoever made the bundle, and make nothing count.
//
// A log of a did:webvh counts by its own signatures, for all that is in it. It cannot
// show that it is whole: whoever packs it can leave the newest entries off, and with
// them that a key was rotated or stolen. So it answers for times up to when it was
// fetched, which whoever packed it can set too late, and never earlier than his credentials
// need: a reader who cannot live with that pins the log, or asks its host. Nor does it show that its host
// ever had it: anybody can make a did:webvh with the name of a bank in it. Who it is says its first part, the
// SCID, which nobody else can have.
package bundle

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// Version is the member "hourmeterBundle" of the files that this package writes and reads.
const Version = 1

// Limits on a bundle that is read.
const (
	MaxBytes = 64 << 20 // of the file: a presentation of 16 MiB, escaped, and as much again in lists
	MaxParts = 10_000   // of each kind: a presentation has at most as many credentials, each of another issuer
	maxDepth = 16       // of the file's own JSON; what it carries is text
)

// A Bundle is a presentation or credentials, and the evidence beside it.
type Bundle struct {
	Created      time.Time    // when it was packed, by the packer's word
	Challenge    vc.Challenge // that Presentation answers; zero if there is none
	Presentation []byte       // as it was received; nil if there is none
	Credentials  [][]byte     // as they were received
	Resolutions  []Resolution // DID documents, but of DIDs that need no network, or have a log
	DIDLogs      []DIDLog     // logs of did:webvh
	Documents    []Document   // status lists, schemas and contexts
	Logs         []tlog.Kept  // what logs hold of records; see [tlog.Trust.View]
}

// A Resolution is what a resolver answered.
type Resolution struct {
	DID      did.DID
	Version  did.Version // what was asked for; zero is the latest
	Document []byte      // the DID document, JSON
	Fetched  time.Time
}

// A DIDLog is the log of a did:webvh, as its host had it.
type DIDLog struct {
	DID     did.DID // as it was asked for: the log may be of a newer name
	Log     []byte  // the did.jsonl
	Witness []byte  // the did-witness.json; nil if there is none
	Fetched time.Time
}

// A Document is what a server had at a URL.
type Document struct {
	URL       string
	MediaType string // "" if the server did not say
	Body      []byte
	Fetched   time.Time
}

// Digest is how [Pins] name content: SHA-256 of its bytes.
func Digest(content []byte) vc.Digest { return sha256.Sum256(content) }

// The file. Content is text where it can be, so that people can read it.
type (
	file struct {
		Version      int              `json:"hourmeterBundle"`
		Created      time.Time        `json:"created"`
		Challenge    *vc.Challenge    `json:"challenge,omitzero"`
		Presentation *content         `json:"presentation,omitzero"`
		Credentials  []content        `json:"credentials,omitempty"`
		Resolutions  []fileResolution `json:"resolutions,omitempty"`
		DIDLogs      []fileDIDLog     `json:"didLogs,omitempty"`
		Documents    []fileDocument   `json:"documents,omitempty"`
		Logs         []tlog.Kept      `json:"logs,omitempty"`
	}
	fileResolution struct {
		DID         did.DID   `json:"did"`
		VersionTime time.Time `json:"versionTime,omitzero"`
		VersionID   string    `json:"versionId,omitzero"`
		Fetched     time.Time `json:"fetched"`
		content
	}
	fileDIDLog struct {
		DID     did.DID   `json:"did"`
		Fetched time.Time `json:"fetched"`
		Log     string    `json:"log"`
		Witness string    `json:"witness,omitzero"`
	}
	fileDocument struct {
		URL       string    `json:"url"`
		MediaType string    `json:"mediaType,omitzero"`
		Fetched   time.Time `json:"fetched"`
		content
	}
	content struct {
		Text   string `json:"text,omitzero"`
		Base64 string `json:"base64,omitzero"`
	}
)

func pack(b []byte) content {
	if utf8.Valid(b) {
		return content{Text: string(b)}
	}
	return content{Base64: base64.StdEncoding.EncodeToString(b)}
}

func (c content) unpack() ([]byte, error) {
	switch {
	case c.Base64 == "" && c.Text != "":
		return []byte(c.Text), nil
	case c.Base64 == "" || c.Text != "":
		return nil, errors.New("want content, as either text or base64")
	}
	return base64.StdEncoding.Strict().DecodeString(c.Base64)
}

// Encode returns the file of b: JSON.
func (b *Bundle) Encode() ([]byte, error) {
	f := file{Version: Version, Created: b.Created.UTC(), Logs: b.Logs}
	if b.Presentation != nil {
		p := pack(b.Presentation)
		f.Presentation, f.Challenge = &p, &b.Challenge
	}
	for _, c := range b.Credentials {
		f.Credentials = append(f.Credentials, pack(c))
	}
	for _, r := range b.Resolutions {
		f.Resolutions = append(f.Resolutions, fileResolution{r.DID, r.Version.Time, r.Version.ID, r.Fetched.UTC(), pack(r.Document)})
	}
	for _, l := range b.DIDLogs {
		f.DIDLogs = append(f.DIDLogs, fileDIDLog{l.DID, l.Fetched.UTC(), string(l.Log), string(l.Witness)})
	}
	for _, d := range b.Documents {
		f.Documents = append(f.Documents, fileDocument{d.URL, d.MediaType, d.Fetched.UTC(), pack(d.Body)})
	}
	text, err := json.Marshal(&f, jsontext.WithIndent(" "))
	if err == nil {
		text = append(text, '\n')
		_, err = Parse(text) // whoever packs learns what a reader would not take
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: encode: %w", err)
	}
	return text, nil
}

// Parse reads the file of a bundle, strictly. It checks its form and nothing
// that is in it. The error is a *[vc.RejectError].
func Parse(text []byte) (*Bundle, error) {
	malformed := func(err error) error {
		return &vc.RejectError{Reason: vc.ErrMalformed, Detail: fmt.Errorf("bundle: %w", err)}
	}
	if len(text) > MaxBytes {
		return nil, &vc.RejectError{Reason: vc.ErrLimit, Detail: fmt.Errorf("bundle: %d bytes, at most %d are read", len(text), MaxBytes)}
	}
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxBytes, Depth: maxDepth})
	if err != nil {
		return nil, malformed(err)
	}
	root := doc.Root()
	if v := root.Member("hourmeterBundle"); v.Raw() != "1" {
		return nil, malformed(fmt.Errorf("hourmeterBundle is %.20q: version %d is read here", v.Raw(), Version))
	}
	for _, name := range []string{"credentials", "resolutions", "didLogs", "documents", "logs"} {
		if n := root.Member(name).Len(); n > MaxParts {
			return nil, &vc.RejectError{Reason: vc.ErrLimit, Detail: fmt.Errorf("bundle: %d %s, at most %d are read", n, name, MaxParts)}
		}
	}
	var f file
	if err := json.Unmarshal(text, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed(err)
	}
	b := &Bundle{Created: f.Created, Logs: f.Logs}
	if (f.Presentation == nil) != (f.Challenge == nil) {
		return nil, malformed(errors.New("presentation and challenge belong together"))
	}
	if f.Presentation != nil {
		b.Challenge = *f.Challenge
		if b.Presentation, err = f.Presentation.unpack(); err != nil {
			return nil, malformed(fmt.Errorf("presentation: %w", err))
		}
	}
	for i, c := range f.Credentials {
		raw, err := c.unpack()
		if err != nil {
			return nil, malformed(fmt.Errorf("credential %d: %w", i, err))
		}
		b.Credentials = append(b.Credentials, raw)
	}
	for i, r := range f.Resolutions {
		raw, err := r.unpack()
		if err == nil && r.DID.IsZero() {
			err = errors.New("it names no DID")
		}
		if err != nil {
			return nil, malformed(fmt.Errorf("resolution %d: %w", i, err))
		}
		b.Resolutions = append(b.Resolutions, Resolution{r.DID, did.Version{Time: r.VersionTime, ID: r.VersionID}, raw, r.Fetched})
	}
	for i, l := range f.DIDLogs {
		if l.DID.Method() != webvh.Method || l.Log == "" {
			return nil, malformed(fmt.Errorf("DID log %d: want a log, and the did:webvh that it is of", i))
		}
		kept := DIDLog{DID: l.DID, Log: []byte(l.Log), Fetched: l.Fetched}
		if l.Witness != "" {
			kept.Witness = []byte(l.Witness)
		}
		b.DIDLogs = append(b.DIDLogs, kept)
	}
	for i, d := range f.Documents {
		raw, err := d.unpack()
		if err == nil && d.URL == "" {
			err = errors.New("it names no URL")
		}
		if err != nil {
			return nil, malformed(fmt.Errorf("document %d: %w", i, err))
		}
		b.Documents = append(b.Documents, Document{d.URL, d.MediaType, raw, d.Fetched})
	}
	return b, nil
}
