package resolver

import (
	"context"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Static answers from memory: a bundle for a depot without a network, or for a test.
// Each DID has the versions of its document that are known, oldest first:
//
//	resolver.Static{shop: {{Document: doc, Created: opened}}}
//
// A version is in force from its Updated, or Created, until its NextUpdate or until the
// following version is. One without those dates answers only when the latest version is
// asked for: what was before now, it cannot know ([did.ErrVersionUnknown]). An identifier
// that was retired has Deactivated, and NextUpdate if it is known when, on its last version.
//
// Static cannot see what happened since it was filled. It takes the last version as the
// latest, for good, unless that has a NextUpdate.
type Static map[did.DID][]did.Resolution

// Resolve implements [did.Resolver].
func (s Static) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	versions := s[id]
	if len(versions) == 0 {
		return nil, fmt.Errorf("%w: %s", did.ErrNotFound, id)
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	last := versions[len(versions)-1]
	switch {
	case v.Named():
		for _, res := range versions {
			if v.ID != "" && res.VersionID == v.ID {
				return &res, nil
			}
		}
		return nil, fmt.Errorf("%w: %s, version %q or number %d", did.ErrVersionUnknown, id, v.ID, v.Number)

	case v.Time.IsZero() && last.Deactivated:
		return nil, fmt.Errorf("%w: %s", did.ErrDeactivated, id)
	case v.Time.IsZero() && !last.NextUpdate.IsZero():
		return nil, fmt.Errorf("%w: %s after %s", did.ErrVersionUnknown, id, stamp(last.NextUpdate))
	case v.Time.IsZero():
		return &last, nil
	}

	for i := len(versions) - 1; i >= 0; i-- {
		res := versions[i]
		since := inForceSince(&res)
		retired := res.Deactivated && i == len(versions)-1
		switch {
		case since.IsZero():
			return nil, fmt.Errorf("%w: %s at %s: it is not said since when", did.ErrVersionUnknown, id, stamp(v.Time))
		case v.Time.Before(since):
			continue // an older version's time
		case res.NextUpdate.IsZero() && !retired, v.Time.Before(res.NextUpdate):
			return &res, nil
		case retired && !res.NextUpdate.IsZero():
			return nil, fmt.Errorf("%w: %s, %s", did.ErrDeactivated, id, stamp(res.NextUpdate))
		}
		return nil, fmt.Errorf("%w: %s at %s", did.ErrVersionUnknown, id, stamp(v.Time))
	}
	if first := versions[0]; first.Updated.IsZero() || first.Updated.Equal(first.Created) {
		return nil, fmt.Errorf("%w: %s was made %s", did.ErrNotFound, id, stamp(first.Created))
	}
	return nil, fmt.Errorf("%w: %s at %s", did.ErrVersionUnknown, id, stamp(v.Time))
}

// inForceSince returns the time from which a version counts, zero if it does not say.
func inForceSince(res *did.Resolution) time.Time {
	if !res.Updated.IsZero() {
		return res.Updated
	}
	return res.Created
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
