package resolver

import (
	"bytes"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
)

// keptHeader is what a Store keeps of an answer, as one line of JSON, before the text of the
// document. The time it was retrieved is that of the entry.
type keptHeader struct {
	DID           did.DID      `json:"did"`
	VersionID     string       `json:"versionId,omitzero"` // what was asked for, as in DID Resolution §4.1
	VersionTime   time.Time    `json:"versionTime,omitzero"`
	VersionNumber int          `json:"versionNumber,omitzero"`
	Metadata      keptMetadata `json:"metadata"`
}

// keptMetadata is what there is in a did.Resolution.
type keptMetadata struct {
	Created       time.Time    `json:"created,omitzero"`
	Updated       time.Time    `json:"updated,omitzero"`
	NextUpdate    time.Time    `json:"nextUpdate,omitzero"`
	VersionID     string       `json:"versionId,omitzero"`
	NextVersionID string       `json:"nextVersionId,omitzero"`
	Deactivated   bool         `json:"deactivated,omitzero"`
	CanonicalID   did.DID      `json:"canonicalId,omitzero"`
	EquivalentID  []did.DID    `json:"equivalentId,omitempty"`
	Extra         []did.Member `json:"extra,omitempty"`
	TTL           int64        `json:"ttl,omitzero"` // nanoseconds
}

// storeKey is what the answer to q is kept under. It names the version of the form too.
func storeKey(q question) string {
	key := "answer 1 " + q.id.String()
	if q.v.Named() {
		return key + " " + strconv.Itoa(q.v.Number) + " " + q.v.ID
	}
	if !q.v.Time.IsZero() {
		return key + " " + q.v.Time.Format(time.RFC3339Nano)
	}
	return key
}

// load reads what the Store has to say about q, and remembers it: also what is no longer
// fresh, in case Next gives no answer.
func (c *Cache) load(q question, now time.Time) *answer {
	if c.Store == nil {
		return nil
	}
	text, at, ok := c.Store.Get(storeKey(q))
	if !ok || at.After(now) {
		return nil
	}
	res, ok := decodeAnswer(q, text, at)
	if !ok {
		return nil
	}
	a := c.answer(q.v, res, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(q.id, a)
	return a
}

// store tells the Store the outcome of a lookup.
func (c *Cache) store(q question, l *lookup) {
	if l.err == nil {
		if text, ok := encodeAnswer(q, l.answer.res); ok {
			c.Store.Put(storeKey(q), text, l.answer.res.Retrieved)
			return
		}
	}
	c.Store.Delete(storeKey(q))
}

// encodeAnswer writes res so that decodeAnswer reads the same. Not every document can be
// written so: one made in Go may say what text cannot.
func encodeAnswer(q question, res *did.Resolution) ([]byte, bool) {
	own := *res
	for _, t := range []*time.Time{&own.Created, &own.Updated, &own.NextUpdate, &own.Retrieved} {
		*t = t.Round(0).UTC()
	}
	header, err := json.Marshal(keptHeader{q.id, q.v.ID, q.v.Time, q.v.Number, keptMetadata{
		own.Created, own.Updated, own.NextUpdate, own.VersionID, own.NextVersionID, own.Deactivated,
		own.CanonicalID, own.EquivalentID, own.Extra, int64(own.TTL)}})
	if err != nil {
		return nil, false
	}
	doc := *own.Document
	own.Document = &doc
	text := append(append(header, '\n'), doc.Raw...)
	if again, ok := decodeAnswer(q, text, own.Retrieved); ok && reflect.DeepEqual(again, &own) {
		return text, true
	}
	// Made in Go, or changed since it was read: write what it says now.
	raw, err := doc.MarshalJSON()
	if err != nil {
		return nil, false
	}
	doc.Raw = string(raw)
	text = append(append(header, '\n'), raw...)
	again, ok := decodeAnswer(q, text, own.Retrieved)
	return text, ok && reflect.DeepEqual(again, &own)
}

// decodeAnswer reads the answer to q, and nothing else.
func decodeAnswer(q question, text []byte, at time.Time) (*did.Resolution, bool) {
	line, raw, _ := bytes.Cut(text, []byte("\n"))
	var h keptHeader
	if err := json.Unmarshal(line, &h, json.RejectUnknownMembers(true)); err != nil {
		return nil, false
	}
	if h.DID != q.id || (did.Version{Time: h.VersionTime, ID: h.VersionID, Number: h.VersionNumber}) != q.v {
		return nil, false
	}
	doc, err := did.ParseDocument(raw)
	if err != nil || doc.Raw != string(raw) {
		return nil, false
	}
	m := h.Metadata
	for _, extra := range m.Extra {
		if !jsontext.Value(extra.Value).IsValid() {
			return nil, false
		}
	}
	return &did.Resolution{
		Document: doc, Created: m.Created, Updated: m.Updated, NextUpdate: m.NextUpdate,
		VersionID: m.VersionID, NextVersionID: m.NextVersionID, Deactivated: m.Deactivated,
		CanonicalID: m.CanonicalID, EquivalentID: m.EquivalentID, Extra: m.Extra,
		Retrieved: at, TTL: time.Duration(m.TTL),
	}, true
}
