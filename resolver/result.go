package resolver

import (
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// The members that are read of a result (DID Resolution §4) and of what it says about a document
// (§4.3). One that differs from these only by case is refused, since some readers would take it for
// the real one.
var (
	resultMembers   = []string{"didDocument", "didResolutionMetadata", "didDocumentMetadata"}
	metadataMembers = []string{"created", "updated", "nextUpdate", "deactivated", "versionId", "nextVersionId", "canonicalId", "equivalentId"}
)

const (
	maxResultValues  = 16384 // JSON values in a result: a document's 10,240, and half as many about it
	maxEquivalentIDs = 64    // a DID has one for each network or form that its method knows
	maxMetadata      = 64    // members of the metadata: the standard has 8
)

// A result is what a resolver answers (DID Resolution §4).
type result struct {
	document        []byte // nil if there is none
	about           did.Resolution
	failure, detail string // the error, by whatever name the resolver gives it, and what it says of it
}

// read reads a result, or a problem (RFC 9457), as JSON.
func (r *result) read(text []byte) error {
	parsed, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxResultBytes, Values: maxResultValues})
	if err != nil {
		return err
	}
	root := parsed.Root()
	if root.Kind() != strictjson.Object {
		return fmt.Errorf("a result is an object, not %s", root.Kind())
	}
	for m := range root.All() {
		if real, ok := strictjson.CaseVariant(m.Name(), resultMembers...); ok {
			return fmt.Errorf("%.40q differs from %s only by case", m.Name(), real)
		}
	}
	if !root.Member(resultMembers[0]).Exists() && !root.Member(resultMembers[1]).Exists() {
		r.failure, r.detail = problem(root)
		return nil
	}

	// 1. Of the resolution: an error, as text or as a problem.
	resolution := root.Member("didResolutionMetadata")
	if kind := resolution.Kind(); resolution.Exists() && kind != strictjson.Object && kind != strictjson.Null {
		return fmt.Errorf("didResolutionMetadata is %s", kind)
	}
	switch e := resolution.Member("error"); e.Kind() {
	case strictjson.Object:
		r.failure, r.detail = problem(e)
	case strictjson.String:
		r.failure, r.detail = e.Text(), resolution.Member("errorMessage").Text()
		if p := resolution.Member("problemDetails"); r.detail == "" {
			_, r.detail = problem(p)
		}
	}
	if e := resolution.Member("error"); e.Exists() && e.Kind() != strictjson.Null && r.failure == "" {
		r.failure = "an error without a name"
	}

	// 2. The document. An empty object stands for one that is gone.
	switch d := root.Member("didDocument"); {
	case d.Kind() == strictjson.Object && d.Len() > 0:
		r.document = []byte(d.Raw())
	case d.Exists() && d.Kind() != strictjson.Object && d.Kind() != strictjson.Null:
		return fmt.Errorf("didDocument is %s", d.Kind())
	}

	// 3. Of the document.
	about := root.Member("didDocumentMetadata")
	switch {
	case !about.Exists() || about.Kind() == strictjson.Null:
		return nil
	case about.Kind() != strictjson.Object:
		return fmt.Errorf("didDocumentMetadata is %s", about.Kind())
	case about.Len() > maxMetadata:
		return fmt.Errorf("didDocumentMetadata has %d members, at most %d are read", about.Len(), maxMetadata)
	}
	for m := range about.All() {
		if err := r.metadatum(m); err != nil {
			return fmt.Errorf("didDocumentMetadata, %.40q: %w", m.Name(), err)
		}
	}
	return nil
}

// metadatum reads one member of didDocumentMetadata.
func (r *result) metadatum(m strictjson.Value) (err error) {
	if m.Kind() == strictjson.Null {
		return nil // as good as absent
	}
	switch name := m.Name(); name {
	case "created":
		r.about.Created, err = datetime(m)
	case "updated":
		r.about.Updated, err = datetime(m)
	case "nextUpdate":
		r.about.NextUpdate, err = datetime(m)
	case "deactivated":
		if r.about.Deactivated = m.Kind() == strictjson.True; !r.about.Deactivated && m.Kind() != strictjson.False {
			return fmt.Errorf("is %s", m.Kind())
		}
	case "versionId", "nextVersionId":
		if m.Kind() != strictjson.String || m.Text() == "" {
			return errors.New("is no text")
		}
		if name == "versionId" {
			r.about.VersionID = m.Text()
		} else {
			r.about.NextVersionID = m.Text()
		}
	case "canonicalId":
		r.about.CanonicalID, err = did.Parse(m.Text())
	case "equivalentId":
		if m.Kind() != strictjson.Array || m.Len() > maxEquivalentIDs {
			return fmt.Errorf("want a list of at most %d DIDs", maxEquivalentIDs)
		}
		for e := range m.All() {
			id, err := did.Parse(e.Text())
			if err != nil {
				return err
			}
			r.about.EquivalentID = append(r.about.EquivalentID, id)
		}
	default:
		if real, ok := strictjson.CaseVariant(name, metadataMembers...); ok {
			return fmt.Errorf("differs from %s only by case", real)
		}
		r.about.Extra = append(r.about.Extra, did.Member{Name: name, Value: m.Raw()})
	}
	return err
}

// datetime reads a time of the metadata (DID Resolution §4.3): an XML datetime in UTC.
func datetime(m strictjson.Value) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, m.Text())
	if err != nil || t.IsZero() {
		return time.Time{}, errors.New("is no time like 2026-01-31T12:00:00Z")
	}
	return t.UTC(), nil
}

// problem reads the name and the explanation of an error (RFC 9457).
func problem(v strictjson.Value) (name, detail string) {
	name, detail = v.Member("type").Text(), v.Member("detail").Text()
	if detail == "" {
		detail = v.Member("title").Text()
	}
	return name, detail
}
