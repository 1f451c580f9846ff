package interop

import (
	"cmp"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// A history is a did:webvh log as one side writes it, an entry at a time. The other side only reads what
// is published.
type history interface {
	create(h *story)
	update(h *story, c changes)
	deactivate(h *story)
}

// changes is what an entry changes.
type changes struct {
	rotate  bool   // new update keys
	commit  bool   // to the keys of the next entry
	host    string // the DID moves there
	witness int    // new witnesses, all of them needed; -1 for none any more
	service bool   // the document gets another service
}

// A story is the state of a history: what is published, and whose turn it is.
type story struct {
	t   *testing.T
	day int

	portable  bool
	commits   bool // the next entry's key is committed to
	witnesses int
	services  int

	did          did.DID
	log, witness string
}

func (h *story) next() string {
	h.day++
	return time.Date(2025, 1, h.day, 12, 0, 0, 0, time.UTC).Format(time.RFC3339)
}

// entries are the versionIds of the log.
func (h *story) entries() (ids []string) {
	for line := range strings.Lines(h.log) {
		var e struct{ VersionID string }
		require.NoError(h.t, json.Unmarshal([]byte(line), &e))
		ids = append(ids, e.VersionID)
	}
	return ids
}

// theirs writes with didwebvh-ts.
type theirs struct {
	p         *peer
	address   string // of the host; "" means example.com
	key, next string // of updates; the next is the one committed to
	witnesses []string
}

func (w *theirs) generate() string {
	return w.p.signs("Ed25519").String()
}

func (w *theirs) write(h *story, op string, request object) {
	var made struct{ DID, Log string }
	request["key"], request["log"] = w.key, h.log
	if h.witness != "" {
		request["witnessProofs"] = json.RawMessage(h.witness)
	}
	w.p.ask(op, request, &made)
	h.did, h.log = did.MustParse(made.DID), made.Log
}

// commitment makes a key for the next entry, and says so in the request.
func (w *theirs) commitment(request object, commit bool) {
	hashes := []string{}
	if w.next = ""; commit {
		w.next = w.generate()
		var made struct{ Hash string }
		w.p.ask("nextKeyHash", object{"key": w.next}, &made)
		hashes = append(hashes, made.Hash)
	}
	request["nextKeyHashes"] = hashes
}

func (w *theirs) appoint(request object, n int) {
	w.witnesses = nil
	if n <= 0 {
		request["witness"] = object{}
		return
	}
	list := []object{}
	for range n {
		id := w.generate()
		w.witnesses = append(w.witnesses, id)
		list = append(list, object{"id": id})
	}
	request["witness"] = object{"threshold": n, "witnesses": list}
}

func (w *theirs) create(h *story) {
	w.key = w.generate()
	request := object{"address": cmp.Or(w.address, "example.com"), "portable": h.portable, "created": h.next()}
	w.commitment(request, h.commits)
	if h.witnesses > 0 {
		w.appoint(request, h.witnesses)
	}
	w.write(h, "create", request)
	w.approve(h, w.witnesses)
}

func (w *theirs) update(h *story, c changes) {
	old := w.witnesses
	request := object{"updated": h.next()}
	if c.rotate || h.commits {
		to := w.next
		if to == "" {
			to = w.generate()
		}
		request["updateKeys"] = []string{to}
		if h.commits {
			w.key = to // with pre-rotation the new key signs
		}
		defer func() { w.key = to }()
	} else {
		request["updateKeys"] = []string{w.key}
	}
	w.commitment(request, c.commit)
	if c.host != "" {
		request["domain"] = c.host
	}
	if c.service {
		h.services++
		request["services"] = []object{{"id": fmt.Sprintf("#s%d", h.services), "type": "Service", "serviceEndpoint": "https://example.com/s"}}
	}
	if c.witness != 0 {
		w.appoint(request, c.witness)
	} else if h.witnesses > 0 {
		list := []object{}
		for _, id := range w.witnesses {
			list = append(list, object{"id": id})
		}
		request["witness"] = object{"threshold": len(list), "witnesses": list}
	}
	w.write(h, "update", request)
	h.commits = c.commit
	w.approve(h, append(slices.Clone(w.witnesses), old...))
	h.witnesses = len(w.witnesses)
}

func (w *theirs) deactivate(h *story) {
	if h.commits {
		w.update(h, changes{}) // it cannot retire a DID while keys are pledged
	}
	w.write(h, "deactivate", object{})
	w.approve(h, w.witnesses)
}

// approve has witnesses sign the newest entry.
func (w *theirs) approve(h *story, witnesses []string) {
	if len(witnesses) == 0 {
		return
	}
	slices.Sort(witnesses)
	witnesses = slices.Compact(witnesses)
	ids := h.entries()
	var made struct{ Proofs []json.RawMessage }
	w.p.ask("witness", object{"versionIds": ids[len(ids)-1:], "keys": witnesses, "created": h.next()}, &made)
	var file []json.RawMessage
	if h.witness != "" {
		require.NoError(h.t, json.Unmarshal([]byte(h.witness), &file))
	}
	text, err := json.Marshal(append(file, made.Proofs...))
	require.NoError(h.t, err)
	h.witness = string(text)
}

// ours writes with package webvh.
type ours struct {
	log       *webvh.Log
	key, next crypto.Signer
	witnesses []crypto.Signer
}

func (w *ours) generate(h *story) crypto.Signer {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(h.t, err)
	return key
}

func (w *ours) change(h *story, commit bool) webvh.Change {
	at, err := time.Parse(time.RFC3339, h.next())
	require.NoError(h.t, err)
	c := webvh.Change{Key: w.key, Time: at}
	if h.commits { // the key that was committed to comes into force, and signs
		w.key = w.next
		c.Key, c.UpdateKeys = w.key, []crypto.PublicKey{w.key.Public()}
	}
	if commit {
		w.next = w.generate(h)
		hash, err := webvh.KeyHash(w.next.Public())
		require.NoError(h.t, err)
		c.NextKeyHashes = []string{hash}
	} else if h.commits {
		c.NextKeyHashes = []string{}
	}
	return c
}

func (w *ours) appoint(h *story, n int) *webvh.Witness {
	list := &webvh.Witness{}
	w.witnesses = nil
	for range n {
		key := w.generate(h)
		id, err := did.NewKey(key.Public())
		require.NoError(h.t, err)
		w.witnesses = append(w.witnesses, key)
		list.Threshold, list.Witnesses = n, append(list.Witnesses, id)
	}
	return list
}

func (w *ours) publish(h *story, log *webvh.Log, witnesses []crypto.Signer) {
	for _, key := range witnesses {
		at, err := time.Parse(time.RFC3339, h.next())
		require.NoError(h.t, err)
		log, err = log.Witness(key, at)
		require.NoError(h.t, err)
	}
	require.NoError(h.t, log.Err())
	w.log, h.did, h.log, h.witness = log, log.ID(), string(log.Raw()), string(log.RawWitness())
}

func (w *ours) create(h *story) {
	w.key = w.generate(h)
	commits := h.commits
	h.commits = false
	c := w.change(h, commits)
	h.commits = commits
	id, err := webvh.Draft("example.com:machines:{SCID}")
	require.NoError(h.t, err)
	m, err := did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, w.generate(h).Public())
	require.NoError(h.t, err)
	c.Document = &did.Document{Context: []string{"https://www.w3.org/ns/did/v1"}, ID: id, VerificationMethod: []did.VerificationMethod{m},
		AssertionMethod: []did.MethodRef{{ID: m.ID}}}
	if h.portable {
		c.Portable = new(true)
	}
	if h.witnesses > 0 {
		c.Witness = w.appoint(h, h.witnesses)
	}
	log, err := webvh.Create(c)
	require.NoError(h.t, err)
	w.publish(h, log, w.witnesses)
}

func (w *ours) update(h *story, c changes) {
	change, old := w.change(h, c.commit), w.witnesses
	if c.rotate && !h.commits {
		to := w.generate(h)
		change.UpdateKeys = []crypto.PublicKey{to.Public()}
		w.key = to
	}
	if c.witness != 0 {
		change.Witness = w.appoint(h, c.witness)
	}
	if c.service {
		h.services++
		res, err := w.log.Resolve(h.t.Context(), w.log.ID(), did.Version{})
		require.NoError(h.t, err)
		doc := *res.Document
		doc.Service = append(slices.Clone(doc.Service), did.Service{ID: doc.ID.URL(fmt.Sprintf("s%d", h.services)),
			Type: []string{"Service"}, Endpoint: []string{"https://example.com/s"}})
		doc.Raw = ""
		change.Document = &doc
	}
	log, err := w.log.Update(change)
	if c.host != "" {
		log, err = w.log.Move(change, c.host+":yard")
	}
	require.NoError(h.t, err)
	h.commits = c.commit
	if old == nil {
		old = w.witnesses // the first take office at once, others are approved by those before
	}
	w.publish(h, log, old)
	h.witnesses = len(w.witnesses)
}

func (w *ours) deactivate(h *story) {
	c := w.change(h, false)
	log, err := w.log.Deactivate(c)
	require.NoError(h.t, err)
	w.publish(h, log, w.witnesses)
}

// file is the did-witness.json, nil if there is none.
func (h *story) file() []byte {
	if h.witness == "" {
		return nil
	}
	return []byte(h.witness)
}

func (h *story) resolution(options object) object {
	request := object{"log": h.log, "did": h.did}
	if h.witness != "" {
		request["witnessProofs"] = json.RawMessage(h.witness)
	}
	maps.Copy(request, options)
	return request
}

// document is a document without the services that the method implies, whose ids the two write in
// different ways.
func document(t *testing.T, text []byte) object {
	t.Helper()
	doc := members(t, text)
	var services []any
	list, _ := doc["service"].([]any)
	for _, s := range list {
		id := s.(object)["id"].(string)
		if !strings.HasSuffix(id, "#files") && !strings.HasSuffix(id, "#whois") {
			services = append(services, s)
		}
	}
	delete(doc, "service")
	if services != nil {
		doc["service"] = services
	}
	return doc
}

// agree wants both sides to read the history in the same way, at each of its versions.
func (h *story) agree(p *peer) {
	t := h.t
	t.Helper()
	log, err := webvh.Verify(h.did, []byte(h.log), h.file())
	require.NoError(t, err, h.log)
	ids := h.entries()
	require.Equal(t, len(ids), log.Len())
	for i, id := range ids {
		at := log.Entry(i + 1).Time
		for _, v := range []struct {
			ours   did.Version
			theirs object
		}{
			{did.Version{Number: i + 1}, object{"versionNumber": i + 1}},
			{did.Version{ID: id}, object{"versionId": id}},
			{did.Version{Time: at.Add(time.Second)}, object{"versionTime": at.Add(time.Second)}},
		} {
			var read struct {
				Document json.RawMessage
				Meta     struct {
					VersionID, SCID      string
					Created              time.Time
					Portable             bool
					UpdateKeys, Watchers []string
				}
			}
			p.ask("resolve", h.resolution(v.theirs), &read)
			require.Equal(t, id, read.Meta.VersionID)
			require.Equal(t, log.SCID(), read.Meta.SCID)
			require.Equal(t, h.portable, read.Meta.Portable)

			res, err := log.Resolve(t.Context(), h.did, v.ours)
			if i == len(ids)-1 && log.Deactivated() && !v.ours.Time.IsZero() {
				require.ErrorIs(t, err, did.ErrDeactivated)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, id, res.VersionID)
			require.True(t, read.Meta.Created.Equal(res.Created))
			require.Equal(t, document(t, read.Document), document(t, []byte(res.Document.Raw)))
		}
	}
}

// parallel wants both sides to make the same did:web document of the newest version.
func (h *story) parallel(p *peer) {
	t := h.t
	t.Helper()
	log, err := webvh.Verify(h.did, []byte(h.log), h.file())
	require.NoError(t, err)
	res, err := log.Resolve(t.Context(), h.did, did.Version{})
	require.NoError(t, err)
	ours, err := log.ParallelDIDWeb()
	require.NoError(t, err)
	require.Equal(t, entire(t, p.document("parallel", object{"did": h.did, "document": json.RawMessage(res.Document.Raw)})), entire(t, ours))
}

// refused wants both sides to refuse what somebody made of the history.
func (h *story) refused(p *peer, name, log, witness string) {
	h.t.Helper()
	spoiled := *h
	spoiled.log, spoiled.witness = log, witness
	_, err := webvh.Verify(spoiled.did, []byte(log), spoiled.file())
	require.ErrorIs(h.t, err, did.ErrInvalidDocument, name)
	a := p.try("resolve", spoiled.resolution(nil))
	require.NotEmpty(h.t, a.Error, "%s: the other implementation takes it: %s", name, a.raw)
}

// spoil tries what whoever hosts the log can do to it without its keys.
func (h *story) spoil(p *peer) {
	lines := strings.SplitAfter(strings.TrimSuffix(h.log, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	last := lines[len(lines)-1]
	join := func(lines ...string) string { return strings.Join(lines, "") }
	edit := func(old, new string) string {
		require.Contains(h.t, last, old)
		return join(lines[:len(lines)-1]...) + strings.Replace(last, old, new, 1)
	}
	h.refused(p, "another document", edit(`"state":{`, `"state":{"x":1,`), h.witness)
	h.refused(p, "another parameter", edit(`"parameters":{`, `"parameters":{"ttl":5,`), h.witness)
	h.refused(p, "another time", edit(`"versionTime":"2`, `"versionTime":"1`), h.witness)
	h.refused(p, "another signature", edit(`"proofValue":"z`, `"proofValue":"z2`), h.witness)
	h.refused(p, "another number", edit(`"versionId":"`, `"versionId":"1`), h.witness)
	h.refused(p, "without its proof", edit(`"proof":`, `"prove":`), h.witness)
	h.refused(p, "the last entry twice", h.log+last, h.witness)
	h.refused(p, "half of the last entry", h.log[:len(h.log)-len(last)/2], h.witness)
	if n := len(lines); n > 1 {
		h.refused(p, "without the first", join(lines[1:]...), h.witness)
		h.refused(p, "the first two swapped", join(append([]string{lines[1], lines[0]}, lines[2:]...)...), h.witness)
	}
	if len(lines) > 2 {
		h.refused(p, "without the second", join(append([]string{lines[0]}, lines[2:]...)...), h.witness)
	}
	if h.witnesses > 0 {
		h.refused(p, "no witness", h.log, "[]")
		ids := h.entries()
		newest := fmt.Sprintf(`"versionId":%q`, ids[len(ids)-1])
		require.Contains(h.t, h.witness, newest)
		h.refused(p, "the witnesses approve of another entry", h.log,
			strings.ReplaceAll(h.witness, newest, fmt.Sprintf(`"versionId":"%d-%s"`, len(ids), strings.Repeat("Q", 46))))
	}
}

// What one of the two writes the other reads in the same way: rotations, with and without pre-rotation,
// moves, witnesses, services, deactivation. What a host makes of it both refuse.
func TestWebVH(t *testing.T) {
	peer := start(t, "webvh")
	for name, life := range map[string]struct {
		portable, commits bool
		witnesses         int
		steps             []changes
		retired           bool
	}{
		"created":                        {},
		"documents change":               {steps: []changes{{service: true}, {service: true}}},
		"keys rotate":                    {steps: []changes{{rotate: true}, {rotate: true}, {service: true}}},
		"pre-rotation":                   {commits: true, steps: []changes{{commit: true}, {commit: true, service: true}}},
		"pre-rotation begins":            {steps: []changes{{commit: true}, {commit: true}}},
		"pre-rotation ends":              {commits: true, steps: []changes{{}, {rotate: true}, {service: true}}},
		"moves":                          {portable: true, steps: []changes{{host: "example.org"}, {host: "example.net", rotate: true}}},
		"may move, and does not":         {portable: true, steps: []changes{{service: true}}},
		"moves with pre-rotation":        {portable: true, commits: true, steps: []changes{{host: "example.org", commit: true}, {commit: true}}},
		"a witness":                      {witnesses: 1, steps: []changes{{service: true}, {rotate: true}}},
		"three witnesses":                {witnesses: 3, steps: []changes{{service: true}}},
		"witnesses change":               {witnesses: 2, steps: []changes{{witness: 1}, {service: true}, {witness: 3}}},
		"witnesses are appointed":        {steps: []changes{{witness: 2}, {service: true}}},
		"witnesses go":                   {witnesses: 2, steps: []changes{{witness: -1}, {service: true}}},
		"retired":                        {retired: true},
		"retired with witnesses":         {witnesses: 2, retired: true, steps: []changes{{rotate: true}}},
		"a life, all of it":              {portable: true, commits: true, witnesses: 2, retired: true, steps: []changes{{commit: true}, {commit: true, host: "example.org", witness: 1}, {service: true}, {rotate: true}}},
		"retired while keys are pledged": {commits: true, retired: true},
	} {
		for _, writer := range []string{"didwebvh-ts", "hourmeter"} {
			t.Run(name+", by "+writer, func(t *testing.T) {
				p := peer.on(t)
				var w history = &ours{}
				if writer == "didwebvh-ts" {
					w = &theirs{p: p}
				}
				h := &story{t: t, portable: life.portable, commits: life.commits, witnesses: life.witnesses}
				w.create(h)
				h.agree(p)
				for _, c := range life.steps {
					w.update(h, c)
					h.agree(p)
				}
				h.parallel(p)
				h.spoil(p)
				if life.retired {
					w.deactivate(h)
					h.agree(p)
					h.spoil(p)
				}
			})
		}
	}
}
