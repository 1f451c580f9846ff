package webvh

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/internal/webname"
)

// Resolve implements [did.Resolver] for the one DID of l, and the names that it had before it moved.
//
// The document is that of the entry, with the services that the method implies, #files and #whois,
// unless it has its own. A DID that was retired gets [did.ErrDeactivated], unless it is asked for by
// versionId, versionNumber or a time before.
//
// The document of then has the name of then. Where that is not the name asked for, the resolution vouches
// for the latter ([did.Resolution.Describes]): it is the CanonicalID, the name of now, or an EquivalentID.
//
// That the DID had a name at a host before shows nothing about that host: anybody can begin a log with
// any name, and move on.
//
// What l does not hold it does not know: asked for a time after its newest entry, it answers with that
// one. How old l may be is for who fetched it to say.
func (l *Log) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if !slices.Contains(l.names, id) {
		if l.broken != nil { // perhaps it would be, if the rest were valid
			return nil, l.broken
		}
		return nil, fmt.Errorf("%w: %.120q is not in the log of %s", did.ErrNotFound, id, l.ID())
	}
	last := l.held - 1
	i := last
	switch {
	case v.Named():
		n := v.Number
		if v.ID != "" {
			n = l.number(v.ID)
		}
		if i = n - 1; i > last && l.broken != nil {
			return nil, l.broken
		}
		if i < 0 || i > last || v.ID != "" && v.ID != l.entries[i].versionID {
			name := fmt.Sprintf("%.80q", v.ID)
			if v.ID == "" {
				name = strconv.Itoa(v.Number)
			}
			return nil, fmt.Errorf("%w: the log of %s ends with version %d, and has no %s", did.ErrNotFound, l.ID(), l.held, name)
		}
	case !v.Time.IsZero():
		i = sort.Search(l.held, func(i int) bool { return l.entries[i].time.After(v.Time) }) - 1
		if i < 0 {
			return nil, fmt.Errorf("%w: %s begins at %s", did.ErrNotFound, id, stamp(l.entries[0].time))
		}
		fallthrough
	default:
		switch {
		case i < last:
		case l.broken != nil:
			return nil, l.broken
		case l.Deactivated():
			return nil, fmt.Errorf("%w: %s, at %s", did.ErrDeactivated, id, stamp(l.entries[last].time))
		}
	}
	var r *did.Resolution
	if i == last {
		copied := *l.latest // the caller's to add to, such as when it was retrieved
		r = &copied
	} else {
		var err error
		if r, err = l.resolution(i); err != nil {
			return nil, err
		}
	}
	// Not the other names: that they are the same is for who asks by one of them, and so at its host.
	if !r.Describes(id) {
		r.EquivalentID = []did.DID{id}
	}
	return r, nil
}

// number returns the number that a versionId begins with, 0 if with none.
func (l *Log) number(versionID string) int {
	digits, _, ok := strings.Cut(versionID, "-")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > MaxEntries {
		return 0
	}
	return n
}

// resolution makes the answer for entry i, from 0.
func (l *Log) resolution(i int) (*did.Resolution, error) {
	e := &l.entries[i]
	parsed, err := strictjson.Parse([]byte(l.text[e.stateStart:e.stateEnd]), strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	doc, err := document(parsed.Root())
	if err != nil {
		return nil, err
	}
	newest := l.entries[l.held-1].params
	r := &did.Resolution{
		Document:    doc,
		Created:     l.entries[0].time,
		VersionID:   e.versionID,
		Deactivated: newest.Deactivated,
		// Zero would say that the controller does not say: what must not be kept has no time to be.
		TTL: max(newest.TTL, time.Nanosecond),
	}
	if i > 0 {
		r.Updated = e.time
	}
	if i+1 < l.held {
		r.NextUpdate, r.NextVersionID = l.entries[i+1].time, l.entries[i+1].versionID
	}
	if id := l.ID(); doc.ID != id {
		r.CanonicalID = id
	}
	// The names are those of "Read", versionNumber those of the published results beside. Witnesses,
	// watchers and portable are as of now, also for an older version; update keys are as of the version.
	r.Extra = slices.Concat([]did.Member{
		{Name: "scid", Value: quote(l.scid)},
		{Name: "versionTime", Value: quote(stamp(e.time))},
		{Name: "versionNumber", Value: strconv.Itoa(i + 1)},
	}, l.now, []did.Member{
		{Name: "updateKeys", Value: list(e.params.UpdateKeys)},
		{Name: "nextKeyHashes", Value: list(e.params.NextKeyHashes)},
	})
	return r, nil
}

// asOfNow returns the metadata that is the same for every version. It is written once: a log of thousands
// of entries may have a list of watchers as long as an entry, and who follows a key asks for each version.
func asOfNow(newest *Parameters) []did.Member {
	return []did.Member{
		{Name: "portable", Value: strconv.FormatBool(newest.Portable)},
		{Name: "ttl", Value: quote(strconv.FormatInt(int64(newest.TTL/time.Second), 10))},
		{Name: "witness", Value: string(appendWitness(nil, newest.Witness, `"`))},
		{Name: "watchers", Value: list(newest.Watchers)},
	}
}

// A place is a name of the DID, and where that is published.
type place struct {
	id   did.DID
	scid string
	name webname.Name
}

// placeOf reads the id of a document; before is what it was in the entry before.
func placeOf(state strictjson.Value, before place) (place, error) {
	text := state.Member("id").Text()
	if text == before.id.String() && text != "" {
		return before, nil // as in nearly all entries
	}
	id, err := did.Parse(strings.Clone(text))
	if err != nil {
		return place{}, err
	}
	scid, name, err := split(id)
	return place{id, scid, name}, err
}

// document reads the document of an entry and adds the services that the method implies, where it does
// not define them itself (did:webvh, "DID URL Resolution"). A document that is as long as one may be,
// and would be too long with them, stays as it is.
func document(state strictjson.Value) (*did.Document, error) {
	at, err := placeOf(state, place{})
	if err != nil {
		return nil, err
	}
	if doc, err := did.ParseDocument([]byte(withImplied(state, at))); err == nil {
		return doc, nil
	}
	return did.ParseDocument([]byte(state.Raw()))
}

func withImplied(state strictjson.Value, at place) string {
	id, name := at.id, at.name
	services := state.Member("service")
	has := func(fragment string) bool {
		for s := range services.All() {
			if text := s.Member("id").Text(); text == fragment || text == id.String()+fragment {
				return true
			}
		}
		return false
	}
	implied := ""
	if !has("#files") {
		implied += `,{"id":` + quote(id.String()+"#files") + `,"type":"relativeRef","serviceEndpoint":` + quote(name.Base()) + `}`
	}
	if !has("#whois") {
		implied += `,{"@context":"https://identity.foundation/linked-vp/contexts/v1","id":` + quote(id.String()+"#whois") +
			`,"type":"LinkedVerifiablePresentation","serviceEndpoint":` + quote(name.Base()+"whois.vp") + `}`
	}
	raw := state.Raw()
	switch end := services.Offset() + len(services.Raw()) - 1 - state.Offset(); {
	case implied == "":
	case !services.Exists(): // behind the last member: there is one, the id
		raw = raw[:len(raw)-1] + `,"service":[` + implied[1:] + `]}`
	case services.Kind() != strictjson.Array: // refused in any case
	case !services.First().Exists():
		raw = raw[:end] + implied[1:] + raw[end:]
	default:
		raw = raw[:end] + implied + raw[end:]
	}
	return raw
}

func quote(s string) string {
	b, _ := jsontext.AppendQuote(nil, s) // what was read is UTF-8
	return string(b)
}

// list writes a list of strings.
func list(texts []string) string {
	b := []byte{'['}
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, text)
	}
	return string(append(b, ']'))
}
