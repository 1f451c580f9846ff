package status

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// The purposes that Bitstring Status List 1.0 §2.1 defines. Others are their users' business.
const (
	Revocation = "revocation" // the credential is not valid any more
	Suspension = "suspension" // the credential is not valid for some time
	Refresh    = "refresh"    // a newer credential is there; this one stays valid
	Message    = "message"    // the status is one of the entry's messages
)

// Limits on entries, which are read before anything else of a list is.
const (
	maxEntryBytes = 64 << 10 // 256 messages of some 200 bytes
	maxEntryDepth = 4        // entry, messages, message, and one for what others add
	maxURL        = 2 << 10  // bytes of a URL: longer ones are no addresses of lists
	maxReferences = 16       // of statusReference
)

// entryType is the type of an Entry (§2.1).
const entryType = "BitstringStatusListEntry"

// An Entry says where the status of a credential stands (BitstringStatusListEntry, Bitstring Status
// List 1.0 §2.1). It is a value for vc.Credential.Members["credentialStatus"], as is a slice of them.
type Entry struct {
	ID        string          // URL of the entry, not of the list; "" for none
	Purpose   string          // such as Revocation
	List      string          // statusListCredential: URL of the list
	Index     int             // statusListIndex: take it from Indexes
	Size      int             // statusSize: bits of a status; zero means 1
	Messages  []StatusMessage // statusMessage: one for each value, 2 to the power of Size; may be nil if Size is 1
	Reference []string        // statusReference: URLs of what explains the messages
}

// A StatusMessage says what a status means, for developers, not for users (§2.1).
type StatusMessage struct {
	Status  int
	Message string // "undefined" for a value to which nobody gave a meaning yet
}

type jsonEntry struct {
	ID        string        `json:"id,omitzero"`
	Type      string        `json:"type"`
	Purpose   string        `json:"statusPurpose"`
	Index     string        `json:"statusListIndex"` // an integer in base 10, as a string
	List      string        `json:"statusListCredential"`
	Size      int           `json:"statusSize,omitzero"`
	Messages  []jsonMessage `json:"statusMessage,omitempty"`
	Reference []string      `json:"statusReference,omitempty"`
}

type jsonMessage struct {
	Status  string `json:"status"` // hexadecimal behind 0x
	Message string `json:"message"`
}

// MarshalJSON writes e, if it is an entry that [ParseEntry] reads.
func (e Entry) MarshalJSON() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	j := jsonEntry{e.ID, entryType, e.Purpose, strconv.Itoa(e.Index), e.List, e.Size, nil, e.Reference}
	for _, m := range e.Messages {
		j.Messages = append(j.Messages, jsonMessage{fmt.Sprintf("0x%x", m.Status), m.Message})
	}
	return json.Marshal(j)
}

// UnmarshalJSON is [ParseEntry].
func (e *Entry) UnmarshalJSON(text []byte) (err error) {
	*e, err = ParseEntry(text)
	return err
}

// ParseEntry reads an entry. Its error is an [*Error] of [MalformedError].
func ParseEntry(entry []byte) (Entry, error) {
	doc, err := strictjson.Parse(entry, strictjson.Limits{Bytes: maxEntryBytes, Depth: maxEntryDepth})
	if err != nil {
		return Entry{}, malformed("", err)
	}
	return readEntry(doc.Root())
}

// malformed is an error for good: it is also [vc.ErrMalformed].
func malformed(list string, err error) error {
	return &Error{MalformedError, list, fmt.Errorf("%w: %w", vc.ErrMalformed, err)}
}

// The members of an entry, and of a status claim: no other may differ from one in case only.
var entryMembers = []string{
	"id", "type", "statusPurpose", "statusListIndex", "statusListCredential",
	"statusSize", "statusMessage", "statusReference", "status", "message", "status_list", "idx", "uri",
}

func checkCase(o strictjson.Value) error {
	for m := range o.All() {
		if is, ok := strictjson.CaseVariant(m.Name(), entryMembers...); ok {
			return fmt.Errorf("member %.40q: is it %q? names are case-sensitive", m.Name(), is)
		}
	}
	return nil
}

func readEntry(root strictjson.Value) (Entry, error) {
	var e Entry
	err := checkCase(root)
	fail := func(name string, detail any) {
		if err == nil {
			err = fmt.Errorf("%s: %v", name, detail)
		}
	}
	if root.Member("type").Text() != entryType {
		fail("type", "want "+entryType)
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		switch name := m.Name(); name {
		case "id", "statusPurpose", "statusListCredential":
			if m.Text() == "" {
				fail(name, "want a string")
			}
			switch name {
			case "id":
				e.ID = m.Text()
			case "statusPurpose":
				e.Purpose = m.Text()
			default:
				e.List = m.Text()
			}
		case "statusListIndex":
			// An integer of any size, but one spelling for each: "007" would be another name for 7.
			n, bad := strconv.ParseUint(m.Text(), 10, 31)
			if digits := strings.Trim(m.Text(), "0123456789") == "" && m.Text() != ""; errors.Is(bad, strconv.ErrRange) && digits {
				n, bad = 1<<31-1, nil // beyond every list: whoever looks says so
			}
			if bad != nil || len(m.Text()) > 1 && m.Text()[0] == '0' {
				fail(name, fmt.Sprintf("want an integer in base 10 as a string, got %.40s", m.Raw()))
			}
			e.Index = int(n)
		case "statusSize":
			n, ok := m.Int64()
			if !ok || n < 1 || n > maxSize {
				fail(name, fmt.Sprintf("want an integer from 1 to %d, got %.40s", maxSize, m.Raw()))
			}
			e.Size = int(n)
		case "statusMessage":
			if m.Kind() != strictjson.Array {
				fail(name, "want an array")
			}
			for o := range m.All() {
				text := o.Member("status").Text()
				hex, prefixed := strings.CutPrefix(text, "0x")
				n, bad := strconv.ParseUint(hex, 16, 16)
				if !prefixed || bad != nil || o.Member("message").Kind() != strictjson.String || checkCase(o) != nil {
					fail(name, `want objects with status, such as "0x1", and message`)
				}
				e.Messages = append(e.Messages, StatusMessage{int(n), o.Member("message").Text()})
			}
		case "statusReference":
			for o := range m.All() {
				e.Reference = append(e.Reference, o.Text())
			}
			if m.Kind() == strictjson.String {
				e.Reference = []string{m.Text()}
			} else if m.Kind() != strictjson.Array {
				fail(name, "want a URL, or an array of them")
			}
		}
	}
	if !root.Member("statusListIndex").Exists() {
		fail("statusListIndex", "is missing")
	}
	if err == nil {
		err = e.check()
	}
	if err != nil {
		return Entry{}, malformed(e.List, err)
	}
	return e, nil
}

// check holds e against the MUSTs of §2.1.
func (e *Entry) check() error {
	values := 1 << e.size()
	switch {
	case e.Purpose == "":
		return errors.New("statusPurpose: want a string")
	case checkURL(e.List) != nil:
		return fmt.Errorf("statusListCredential: %w", checkURL(e.List))
	case e.ID != "" && checkURL(e.ID) != nil:
		return fmt.Errorf("id: %w", checkURL(e.ID))
	case e.ID == e.List:
		return errors.New("id: it is the URL of the list")
	case e.Index < 0:
		return fmt.Errorf("statusListIndex: %d", e.Index)
	case e.Size < 0 || e.Size > maxSize:
		return fmt.Errorf("statusSize: want 1 to %d bits, got %d", maxSize, e.Size)
	case e.Messages == nil && values > 2:
		return errors.New("statusMessage: is missing, for entries of more than one bit")
	case e.Messages != nil && len(e.Messages) != values:
		return fmt.Errorf("statusMessage: %d messages for %d values", len(e.Messages), values)
	case len(e.Reference) > maxReferences:
		return fmt.Errorf("statusReference: %d URLs, at most %d are read", len(e.Reference), maxReferences)
	}
	for i, m := range e.Messages {
		if m.Status < 0 || m.Status >= values || slices.ContainsFunc(e.Messages[:i], func(o StatusMessage) bool { return o.Status == m.Status }) {
			return fmt.Errorf("statusMessage: the status %#x is listed twice, or does not fit", m.Status)
		}
	}
	for _, r := range e.Reference {
		if err := checkURL(r); err != nil {
			return fmt.Errorf("statusReference: %w", err)
		}
	}
	return nil
}

func (e *Entry) size() int { return max(1, min(e.Size, maxSize)) }

// message returns what the entry says that a value means; "set" and "unset" are the standard's.
func (e *Entry) message(value int) string {
	for _, m := range e.Messages {
		if m.Status == value {
			return m.Message
		}
	}
	return [...]string{"unset", "set"}[min(value, 1)]
}

// checkURL wants an absolute URL. Which of these a list is fetched from is the Source's decision.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || !u.IsAbs() || u.Opaque == "" && u.Host == "" && u.Path == "" || strings.ContainsAny(text, " <>\"{}|\\^`") {
		return fmt.Errorf("%.60q is not an absolute URL", text)
	}
	return nil
}

// A Reference says where the status of a token stands: the status_list of its status claim (Token
// Status List §6.2, §6.3). As JSON it is the whole claim, {"status_list":{"idx":0,"uri":"…"}}.
type Reference struct {
	Index int    // idx
	URI   string // of the Status List Token
}

type jsonReference struct {
	StatusList struct {
		Index int    `json:"idx"`
		URI   string `json:"uri"`
	} `json:"status_list"`
}

// MarshalJSON writes the claim, if it is one that [ParseReference] reads.
func (r Reference) MarshalJSON() ([]byte, error) {
	if r.Index < 0 {
		return nil, fmt.Errorf("status: idx: %d", r.Index)
	}
	if err := checkURL(r.URI); err != nil {
		return nil, fmt.Errorf("status: uri: %w", err)
	}
	var j jsonReference
	j.StatusList.Index, j.StatusList.URI = r.Index, r.URI
	return json.Marshal(j)
}

// UnmarshalJSON is [ParseReference].
func (r *Reference) UnmarshalJSON(claim []byte) (err error) {
	*r, err = ParseReference(claim)
	return err
}

// ParseReference reads a status claim. Its error is an [*Error] of [MalformedError].
func ParseReference(claim []byte) (Reference, error) {
	doc, err := strictjson.Parse(claim, strictjson.Limits{Bytes: maxEntryBytes, Depth: maxEntryDepth})
	if err != nil {
		return Reference{}, malformed("", err)
	}
	return readReference(doc.Root())
}

func readReference(root strictjson.Value) (Reference, error) {
	list := root.Member("status_list")
	uri := list.Member("uri").Text()
	idx, ok := list.Member("idx").Int64()
	err := errors.Join(checkCase(root), checkCase(list))
	switch {
	case err != nil:
	case !ok || idx < 0 || strings.HasPrefix(list.Member("idx").Raw(), "-"):
		err = errors.New("status_list: idx: want an integer that is not negative")
	case checkURL(uri) != nil:
		err = fmt.Errorf("status_list: uri: %w", checkURL(uri))
	}
	if err != nil {
		return Reference{}, malformed("", err)
	}
	return Reference{int(min(idx, 1<<31-1)), uri}, nil
}
