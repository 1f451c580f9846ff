package bundle

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/vc"
)

// A Source fetches status lists and schemas by URL. It has the one method of those
// of packages status and schema, so that one value serves all three.
// Implementations are safe for concurrent use.
type Source interface {
	// Document returns what is published at url, of one of the media types in accept
	// (RFC 9110 §12.5.1). mediaType is what the server says it is, "" if nobody says.
	//
	// fetched is when it was; zero if the Source has the document from a stranger.
	Document(ctx context.Context, url, accept string) (body []byte, mediaType string, fetched time.Time, err error)
}

// A LogSource resolves did:webvh, and has the logs that it goes by, as resolver.WebVH.
// Implementations are safe for concurrent use.
type LogSource interface {
	did.Resolver
	// Log returns the newest log of id.
	Log(ctx context.Context, id did.DID) (*webvh.Log, error)
}

// A Recorder is a [did.Resolver] and a [Source] that passes on what others answer,
// and remembers it. Give it to a [vc.Verifier] and its checkers in place of them,
// verify, and then [Recorder.Pack] what they needed.
//
// A Recorder is used by pointer and is safe for concurrent use; its fields do not
// change after first use.
type Recorder struct {
	Resolver did.Resolver     // nil means did.Offline: no network
	Logs     LogSource        // of did:webvh; nil means that Resolver is asked, whose answers a reader has to pin
	Source   Source           // nil means that there are no documents
	Now      func() time.Time // nil means time.Now

	mu          sync.Mutex
	resolutions []Resolution
	logs        []DIDLog
	documents   []Document
}

// Resolve implements [did.Resolver]. What a DID says by itself is not remembered.
func (r *Recorder) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if own := selfContained(id.Method()); own != nil {
		return own.Resolve(ctx, id, v)
	}
	if r.Logs != nil && id.Method() == webvh.Method {
		return r.fromLog(ctx, id, v)
	}
	if r.Resolver == nil {
		return did.Offline{}.Resolve(ctx, id, v)
	}
	res, err := r.Resolver.Resolve(ctx, id, v)
	if err != nil || res == nil || res.Document == nil {
		return res, err
	}
	text := []byte(res.Document.Raw) // the very bytes that the method gave
	if len(text) == 0 {
		if text, err = res.Document.MarshalJSON(); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.ContainsFunc(r.resolutions, func(old Resolution) bool { return old.DID == id && same(old.Version, v) }) {
		r.resolutions = append(r.resolutions, Resolution{id, v, text, r.now()})
	}
	return res, nil
}

// fromLog answers from a log, and remembers that.
func (r *Recorder) fromLog(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	res, err := r.Logs.Resolve(ctx, id, v)
	if err != nil {
		return nil, err
	}
	l, err := r.Logs.Log(ctx, id)
	if err != nil {
		return nil, err
	}
	sent := res.Retrieved // the log is as old, or newer
	if sent.IsZero() {
		sent = r.now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.logs, func(old DIDLog) bool { return old.DID == id })
	kept := DIDLog{id, l.Raw(), l.RawWitness(), sent.UTC().Truncate(time.Second)}
	if i < 0 {
		r.logs = append(r.logs, kept)
	} else {
		r.logs[i] = kept // the same, or longer
	}
	return res, nil
}

// Document implements [Source].
func (r *Recorder) Document(ctx context.Context, url, accept string) ([]byte, string, time.Time, error) {
	if r.Source == nil {
		return nil, "", time.Time{}, missing("document", url)
	}
	body, mediaType, fetched, err := r.Source.Document(ctx, url, accept)
	if err != nil {
		return nil, "", time.Time{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.ContainsFunc(r.documents, func(old Document) bool { return old.URL == url }) {
		at := fetched
		if at.IsZero() {
			at = r.now()
		}
		r.documents = append(r.documents, Document{url, mediaType, body, at})
	}
	return body, mediaType, fetched, nil
}

// Pack adds to b what was fetched, and those contexts that credentials list and a
// reader may not know: give them by URL. It sets b.Created.
func (r *Recorder) Pack(b *Bundle, contexts *vc.Contexts, urls ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.Created = r.now()
	b.Resolutions = append(b.Resolutions, r.resolutions...)
	b.DIDLogs = append(b.DIDLogs, r.logs...)
	b.Documents = append(b.Documents, r.documents...)
	for _, url := range urls {
		text, known := contexts.Document(url)
		_, compiled := new(vc.Contexts).Document(url)
		listed := slices.ContainsFunc(b.Documents, func(d Document) bool { return d.URL == url })
		if known && !compiled && !listed {
			b.Documents = append(b.Documents, Document{url, "application/ld+json", []byte(text), b.Created})
		}
	}
}

func (r *Recorder) now() time.Time {
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	return now().UTC().Truncate(time.Second)
}

func same(a, b did.Version) bool { return a.ID == b.ID && a.Time.Equal(b.Time) }
