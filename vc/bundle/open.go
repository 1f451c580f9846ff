package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/pkh"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/vc"
)

// Pins are what a reader knows from elsewhere than a bundle: the digest of a DID
// document, or of a log of did:webvh, by its DID, or of a context or schema, by its URL.
type Pins map[string]vc.Digest

// Basis says on whose word a part of a bundle counts.
type Basis string

// The bases, from the strongest.
const (
	Pinned    Basis = "pinned"    // the reader has its digest from elsewhere
	Signed    Basis = "signed"    // whoever reads it checks its own signature, and how old that is
	Integrity Basis = "integrity" // counts only where what was signed gives its digest
	Nobody    Basis = "nobody"    // nobody vouches for it: it could not be checked
)

// A Part is one part of a bundle, and how stale it is.
type Part struct {
	Kind       string    `json:"kind"`             // resolution, didLog, document or log
	Name       string    `json:"name"`             // DID, URL or chain
	Digest     vc.Digest `json:"digest,omitzero"`  // of its bytes, as [Pins] have it
	Fetched    time.Time `json:"fetched,omitzero"` // by the packer's word
	AgeSeconds int64     `json:"ageSeconds"`       // since then
	Basis      Basis     `json:"basis"`            // on whose word it counts
	Used       bool      `json:"used"`             // a verification asked for it
	Problem    string    `json:"problem,omitzero"` // why it is not believed; empty if it may be
}

// An Opened is a bundle in place of a network: a [did.Resolver] and a [Source].
// It is safe for concurrent use.
type Opened struct {
	bundle *Bundle
	pins   Pins

	mu   sync.Mutex
	used map[string]bool // kind and name
	logs map[int]openLog // by index in DIDLogs, once they were verified
}

// An openLog is what came of verifying a log.
type openLog struct {
	log *webvh.Log
	err error
}

// Open returns b for a verifier to work with.
func (b *Bundle) Open(pins Pins) *Opened {
	return &Opened{bundle: b, pins: pins, used: map[string]bool{}, logs: map[int]openLog{}}
}

// selfContained returns what resolves DIDs of a method that say themselves what they mean,
// or nil.
func selfContained(method string) did.Resolver {
	switch method {
	case "key", "jwk":
		return did.Offline{}
	case "peer":
		return peer.Resolver{}
	case "pkh":
		return pkh.Resolver{}
	}
	return nil
}

// Resolve implements [did.Resolver]: for DIDs that say themselves what they mean as
// anywhere, for did:webvh from a log in the bundle, for others from documents that are
// pinned. Any other it could not check.
func (o *Opened) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if r := selfContained(id.Method()); r != nil {
		return r.Resolve(ctx, id, v)
	}
	for i, l := range o.bundle.DIDLogs {
		if l.DID == id {
			return o.fromLog(ctx, i, v)
		}
	}
	otherTime := false
	for _, r := range o.bundle.Resolutions {
		if r.DID != id {
			continue
		}
		if !same(r.Version, v) {
			otherTime = true
			continue
		}
		o.use("resolution", id.String())
		if pin, ok := o.pins[id.String()]; !ok {
			return nil, fmt.Errorf("bundle: the document of %s is a stranger's: pin its digest %s if you know it to be right", id, Digest(r.Document))
		} else if pin != Digest(r.Document) {
			return nil, fmt.Errorf("bundle: the document of %s has the digest %s, and %s is pinned", id, Digest(r.Document), pin)
		}
		doc, err := did.ParseDocument(r.Document)
		if err != nil {
			return nil, err
		}
		return &did.Resolution{Document: doc}, nil
	}
	if otherTime && !v.IsZero() {
		return nil, fmt.Errorf("bundle: %w: %s was packed as of another time", did.ErrVersionUnknown, id)
	}
	return nil, missing("document", id.String())
}

// fromLog answers from a log, for times up to when it was fetched.
func (o *Opened) fromLog(ctx context.Context, i int, v did.Version) (*did.Resolution, error) {
	kept := o.bundle.DIDLogs[i]
	o.use("didLog", kept.DID.String())
	if pin, ok := o.pins[kept.DID.String()]; ok && pin != Digest(kept.Log) {
		return nil, fmt.Errorf("bundle: the log of %s has the digest %s, and %s is pinned", kept.DID, Digest(kept.Log), pin)
	}
	log, err := o.didLog(i)
	switch {
	case err != nil: // of what a stranger packed: it says nothing of the one that its host has
		return nil, fmt.Errorf("bundle: the log of %s does not hold: %v", kept.DID, err)
	case v.Time.After(kept.Fetched.Add(skew)):
		return nil, fmt.Errorf("bundle: the log of %s is as of %s: only its host knows what came after", kept.DID, kept.Fetched.UTC().Format(time.RFC3339))
	}
	res, err := log.Resolve(ctx, kept.DID, v)
	switch {
	case err == nil:
		res.Retrieved = kept.Fetched
	case v.Named() && errors.Is(err, did.ErrNotFound): // what was left off may have it
		return nil, fmt.Errorf("bundle: the log of %s as it was packed has no such version: only its host knows whether there is one", kept.DID)
	}
	return res, err
}

// didLog verifies a log, once.
func (o *Opened) didLog(i int) (*webvh.Log, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	opened, verified := o.logs[i]
	if !verified {
		kept := o.bundle.DIDLogs[i]
		opened.log, opened.err = webvh.Verify(kept.DID, kept.Log, kept.Witness)
		o.logs[i] = opened
	}
	return opened.log, opened.err
}

// skew is how far the clocks of who signed and who packed may be apart: as far as a
// [vc.Verifier] tolerates.
const skew = time.Minute

// Document implements [Source]. Its time is zero: it comes from a stranger. A schema
// whose digest is pinned comes from the reader. A status list never does: a digest says
// nothing of when the list was fetched, and an old one would be as new as the packer
// likes. It counts from when it was signed.
func (o *Opened) Document(_ context.Context, url, accept string) ([]byte, string, time.Time, error) {
	for _, d := range o.bundle.Documents {
		if d.URL != url {
			continue
		}
		o.use("document", url)
		switch pin, ok := o.pins[url]; {
		case ok && pin != Digest(d.Body):
			return nil, "", time.Time{}, fmt.Errorf("bundle: the document of %.200q has the digest %s, and %s is pinned", url, Digest(d.Body), pin)
		case ok && strings.Contains(accept, "application/schema+json"):
			return d.Body, d.MediaType, d.Fetched, nil
		}
		return d.Body, d.MediaType, time.Time{}, nil
	}
	return nil, "", time.Time{}, missing("document", url)
}

// Contexts returns base and the contexts in the bundle that are pinned. One that
// base knows already stays as base has it.
func (o *Opened) Contexts(base *vc.Contexts) (*vc.Contexts, error) {
	for _, d := range o.bundle.Documents {
		pin, ok := o.pins[d.URL]
		if _, known := base.Document(d.URL); known || !ok || d.MediaType != "application/ld+json" {
			continue
		}
		if pin != Digest(d.Body) {
			return nil, fmt.Errorf("bundle: the context %.200q has the digest %s, and %s is pinned", d.URL, Digest(d.Body), pin)
		}
		var err error
		if base, err = base.With(d.URL, d.Body); err != nil {
			return nil, err
		}
		o.use("document", d.URL)
	}
	return base, nil
}

// Parts says of every part of the bundle how stale it is, on whose word it counts,
// and whether it was used since [Bundle.Open]. What logs hold says its own age:
// see [tlog.Trust.View].
func (o *Opened) Parts(now time.Time) []Part {
	var parts []Part
	add := func(kind, name string, body []byte, fetched time.Time, unpinned Basis) {
		p := Part{Kind: kind, Name: name, Digest: Digest(body), Fetched: fetched, AgeSeconds: int64(now.Sub(fetched) / time.Second), Basis: unpinned}
		pin, ok := o.pins[name]
		switch {
		case ok && pin == p.Digest:
			p.Basis = Pinned
		case ok:
			p.Basis, p.Problem = Nobody, "another digest is pinned"
		case unpinned == Nobody:
			p.Problem = "nobody vouches for it: pin its digest if you know it to be right"
		}
		if p.AgeSeconds < 0 {
			p.Problem = "fetched at a time that is yet to come"
		}
		o.mu.Lock()
		p.Used = o.used[kind+" "+name]
		o.mu.Unlock()
		parts = append(parts, p)
	}
	for _, r := range o.bundle.Resolutions {
		add("resolution", r.DID.String(), r.Document, r.Fetched, Nobody)
	}
	for i, l := range o.bundle.DIDLogs {
		add("didLog", l.DID.String(), l.Log, l.Fetched, Signed)
		if _, err := o.didLog(i); err != nil {
			p := &parts[len(parts)-1]
			p.Basis, p.Problem = Nobody, fmt.Sprintf("the log does not hold: %v", err)
		}
	}
	for _, d := range o.bundle.Documents {
		basis := Signed
		switch {
		case d.MediaType == "application/ld+json":
			basis = Nobody
		case strings.HasSuffix(d.MediaType, "schema+json"):
			basis = Integrity
		}
		add("document", d.URL, d.Body, d.Fetched, basis)
	}
	for _, l := range o.bundle.Logs {
		parts = append(parts, Part{Kind: "log", Name: l.Chain.String(), Basis: Signed})
	}
	return parts
}

func (o *Opened) use(kind, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.used[kind+" "+name] = true
}

// errMissing is no answer: whoever has a network could find out.
var errMissing = errors.New("bundle: not in it")

func missing(what, name string) error {
	return fmt.Errorf("%w: the %s of %.200q (%w)", errMissing, what, name, fs.ErrNotExist)
}
