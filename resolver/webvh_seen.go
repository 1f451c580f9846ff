package resolver

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// A seenLog is the newest log of a SCID that was verified. It does not change.
type seenLog struct {
	log    *webvh.Log
	served map[did.DID]time.Time // when the host of each name sent that log, or an older one
}

// fresh returns the log if the DID's host has sent it recently enough, or nil.
func (w *WebVH) fresh(id did.DID) *fetch {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, _ := w.seen.get(scid(id))
	if s == nil {
		return nil
	}
	at, ok := s.served[id]
	ttl := w.TTL
	if ttl == 0 {
		ttl = DefaultTTL
	}
	now := clock(w.Now)
	// One from the future tells that the clock was set back, and not how old it is.
	if ttl = min(ttl, s.log.Parameters().TTL); !ok || at.After(now) || !now.Before(at.Add(ttl)) {
		return nil
	}
	return &fetch{log: s.log, sent: at}
}

// remember keeps a log that holds, and returns the one to go by: a newer one, if that came
// meanwhile. The error says that what came meanwhile is another.
func (w *WebVH) remember(id did.DID, log *webvh.Log, sent time.Time) (*webvh.Log, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := &seenLog{log: log, served: map[did.DID]time.Time{}}
	if s, ok := w.seen.get(scid(id)); ok {
		if fork := log.Extends(s.log); fork != nil {
			if s.log.Extends(log) != nil {
				return nil, fork
			}
			next.log = s.log
		}
		if len(s.served) < maxNames {
			maps.Copy(next.served, s.served)
		}
	}
	next.served[id] = sent
	w.seen.keep(scid(id), next, sizeOf(next.log), orDefault(w.Size, DefaultSize), orDefault(w.Bytes, DefaultLogBytes))
	return next.log, nil
}

// sizeOf returns how many bytes a log takes, about: its text, and what was read of it. An entry that
// brings as many keys as it may takes more for them than for its text.
func sizeOf(log *webvh.Log) int64 {
	const each = 96 // of an update key: its text again, and the key; the others are less
	size := len(log.RawWitness())
	var last *webvh.Parameters
	for e := range log.Entries() {
		size += len(e.Raw) + entryBytes
		if p := e.Parameters; p != last { // entries that change none share them
			last = p
			size += each * (len(p.UpdateKeys) + len(p.NextKeyHashes) + len(p.Watchers) + len(p.Witness.Witnesses))
			for _, texts := range [...][]string{p.UpdateKeys, p.NextKeyHashes, p.Watchers} {
				for _, text := range texts {
					size += len(text)
				}
			}
		}
	}
	return int64(size)
}

// known returns the newest log that was verified and has the SCID of id, or nil: from memory, and
// from the Store what id's host has sent, if it has sent nothing since the start.
func (w *WebVH) known(id did.DID) *webvh.Log {
	w.mu.Lock()
	var log *webvh.Log
	asked := w.Store == nil
	if s, ok := w.seen.get(scid(id)); ok {
		log = s.log
		if _, ok := s.served[id]; ok {
			asked = true
		}
	}
	w.mu.Unlock()
	if asked {
		return log
	}
	data, at, ok := w.Store.Get(logKey(id))
	if !ok {
		return log
	}
	text, proofs := unpackLog(data)
	kept, err := webvh.Verifier{Now: w.Now, Known: log}.Verify(id, text, proofs)
	if err != nil {
		w.Store.Delete(logKey(id)) // nobody vouches for what is there but the log itself
		return log
	}
	if kept, err = w.remember(id, kept, at); err != nil {
		return log // which another host has sent, and forks from this: what comes is held against it
	}
	return kept
}

// scid is the part of a did:webvh that no move changes.
func scid(id did.DID) string {
	scid, _, _ := strings.Cut(id.Identifier(), ":")
	return scid
}

func logKey(id did.DID) string { return "webvh log of " + id.String() }

// packLog makes one text of a log and the proofs of its witnesses: the length of the log, a line
// feed, the log, the proofs.
func packLog(log *webvh.Log) []byte {
	text := log.Raw()
	data := strconv.AppendInt(make([]byte, 0, len(text)+16), int64(len(text)), 10)
	return append(append(append(data, '\n'), text...), log.RawWitness()...)
}

func unpackLog(data []byte) (text, proofs []byte) {
	digits, rest, _ := bytes.Cut(data, []byte("\n"))
	n, err := strconv.Atoi(string(digits))
	if err != nil || n < 0 || n >= len(rest) {
		return rest, nil // whatever it is, it is going to be verified
	}
	return rest[:n], rest[n:]
}
