package forgery

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Histories of did:webvh, as their controllers have made them. Whoever forges has the keys of none of them, but has
// those of the machines that the documents name, that of one witness of three, and all that was ever published.
func histories(t testing.TB) map[string]*webvh.Log {
	key := func(name string) ed25519.PrivateKey { return newParty(t, name).Key.(ed25519.PrivateKey) }
	hash := func(name string) []string {
		h, err := webvh.KeyHash(key(name).Public())
		require.NoError(t, err)
		return []string{h}
	}
	at := func(n int) time.Time { return noon.AddDate(0, 0, n-100) }
	must := func(l *webvh.Log, err error) *webvh.Log {
		require.NoError(t, err)
		return l
	}
	draft := func(location string) *did.Document {
		id, err := webvh.Draft(location)
		require.NoError(t, err)
		m, err := did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, key("machine").Public())
		require.NoError(t, err)
		return &did.Document{ID: id, VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}},
			Service: []did.Service{{ID: id.URL("record"), Type: []string{"MachineRecord"}, Endpoint: []string{"https://log.example/{SCID}"}}}}
	}
	w := webvh.Witness{Threshold: 2}
	for _, name := range []string{"witness 1", "witness 2", "witness 3"} {
		w.Witnesses = append(w.Witnesses, newParty(t, name).ID)
	}
	approve := func(l *webvh.Log, names ...string) *webvh.Log {
		for _, name := range names {
			l = must(l.Witness(key(name), at(1)))
		}
		return l
	}
	all := map[string]*webvh.Log{}

	l := must(webvh.Create(webvh.Change{Key: key("update 1"), Time: at(1), Document: draft("fleet.example:{SCID}"), Portable: new(true),
		NextKeyHashes: hash("update 2"), Witness: &w, Watchers: []string{"https://watcher.example/"}, TTL: new(time.Minute)}))
	l = approve(l, "witness 1", "witness 2")
	l = approve(must(l.Update(webvh.Change{Key: key("update 2"), Time: at(2), NextKeyHashes: hash("update 3")})), "witness 2", "witness 3")
	l = approve(must(l.Move(webvh.Change{Key: key("update 3"), Time: at(3), NextKeyHashes: hash("update 4")}, "yard.example:cranes:7")), "witness 1", "witness 3")
	l = must(l.SetWitnesses(webvh.Change{Key: key("update 4"), Time: at(4), NextKeyHashes: []string{}}, webvh.Witness{}))
	l = approve(l, "witness 2", "witness 3")
	l = must(l.Deactivate(webvh.Change{Key: key("update 4"), Time: at(5)}))
	all["life"] = l

	l = must(webvh.Create(webvh.Change{Key: key("plain"), Time: at(1), Document: draft("plain.example"), Portable: new(true)}))
	l = must(l.Update(webvh.Change{Key: key("plain"), Time: at(2), Portable: new(false)}))
	l = must(l.Rotate(webvh.Change{Key: key("plain"), Time: at(3)}, key("plain 2").Public(), key("plain 3").Public()))
	all["plain"] = must(l.Update(webvh.Change{Key: key("plain 3"), Time: at(4), Watchers: []string{}}))

	l = must(webvh.Create(webvh.Change{Key: key("waiting"), Time: at(1), Document: draft("waiting.example:a:b"), Witness: &w}))
	l = approve(l, "witness 2", "witness 3")
	l = must(l.Update(webvh.Change{Key: key("waiting"), Time: at(2), TTL: new(time.Hour)}))
	all["waiting"] = must(l.Witness(key("witness 1"), at(2))) // the one whose key was stolen: one more is needed

	l = must(webvh.Create(webvh.Change{Key: key("two"), Time: at(1), Document: draft("two.example")}))
	all["one of two"] = must(l.Update(webvh.Change{Key: key("two"), Time: at(2), Watchers: []string{"https://one.example/"}}))
	all["two of two"] = must(l.Update(webvh.Change{Key: key("two"), Time: at(2), Watchers: []string{"https://two.example/"}}))
	return all
}

// said is what each entry of a log says, without who signed it.
func said(t testing.TB, l *webvh.Log) (list []string) {
	for e := range l.Entries() {
		doc, err := strictjson.Parse([]byte(e.Raw), strictjson.Limits{})
		require.NoError(t, err)
		list = append(list, string(jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})))
	}
	return list
}

// genuineLog holds what a log and a witness file verify as against the histories.
func genuineLog(t testing.TB, all map[string]*webvh.Log, raw, witness []byte) {
	t.Helper()
	// By the name that it says it has, and by those of the histories that it may be made of.
	ids := map[did.DID]bool{all["plain"].ID(): true}
	if id, err := webvh.Subject(raw); err == nil {
		ids[id] = true
	}
	var related []*webvh.Log
	for _, g := range all {
		if bytes.Contains(raw, []byte(g.SCID())) {
			related = append(related, g)
			for e := range g.Entries() {
				ids[e.ID] = true
			}
		}
	}
	if len(related) == 0 { // whoever made it has made a DID of their own, or nothing
		related = append(related, all["plain"])
	}
	for id := range ids {
		got, err := webvh.Verifier{Now: now}.Verify(id, raw, witness)
		require.True(t, err != nil || got != nil && got.Len() > 0)
		// What is known before changes no answer.
		for _, known := range related {
			again, err2 := webvh.Verifier{Now: now, Known: known}.Verify(id, raw, witness)
			require.Equal(t, fmt.Sprint(err), fmt.Sprint(err2))
			require.Equal(t, got == nil, again == nil)
			if got != nil {
				require.Equal(t, got.Len(), again.Len())
			}
		}
		if err != nil {
			require.True(t, did.IsAnswer(err), "%v", err)
			require.LessOrEqual(t, len(err.Error()), maxMessage)
		}
		if got == nil {
			continue
		}
		says := said(t, got)
		var of *webvh.Log
		own := true
		for _, name := range slices.Sorted(maps.Keys(all)) {
			g := all[name]
			if g.SCID() != got.SCID() {
				continue
			}
			own = false
			if genuine := said(t, g); len(says) <= len(genuine) && slices.Equal(says, genuine[:len(says)]) {
				of = g
				break
			}
		}
		if own { // whoever made it has made a DID of their own
			continue
		}
		require.NotNil(t, of, "nobody wrote this history: %s", raw)
		for n := 1; n <= got.Len(); n++ {
			a, err := got.Resolve(t.Context(), got.Entry(n).ID, did.Version{Number: n})
			require.NoError(t, err)
			b, err := of.Resolve(t.Context(), of.Entry(n).ID, did.Version{Number: n})
			require.NoError(t, err)
			require.Equal(t, b.Document.ID, a.Document.ID)
			require.Equal(t, string(canonical(t, b.Document.Raw)), string(canonical(t, a.Document.Raw)))
			require.Equal(t, of.Entry(n).Parameters.UpdateKeys, got.Entry(n).Parameters.UpdateKeys)
		}
		// Nobody is convicted of two histories who has written one.
		for name, g := range all {
			if fork, ok := errors.AsType[*webvh.ForkError](got.Extends(g)); ok && !strings.HasSuffix(name, "of two") {
				require.Empty(t, fork.Newer)
			}
		}
	}
}

func canonical(t testing.TB, text string) []byte {
	b, err := jcs.Canonical([]byte(text))
	require.NoError(t, err)
	return b
}

// A line of a log, taken apart: its members as they are written.
type line struct{ id, time, params, state, proof string }

func (l line) String() string {
	return `{"versionId":` + l.id + `,"versionTime":` + l.time + `,"parameters":` + l.params + `,"state":` + l.state + `,"proof":` + l.proof + `}`
}

// A workshop has what is needed to forge logs.
type workshop struct {
	genuine [][]line
	files   []string // of witnesses
	keys    []party
}

func newWorkshop(t testing.TB, all map[string]*webvh.Log) *workshop {
	s := &workshop{keys: []party{newParty(t, "mallory"), newParty(t, "machine"), newParty(t, "witness 1")}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var lines []line
		for text := range strings.Lines(string(all[name].Raw())) {
			doc, err := strictjson.Parse([]byte(strings.TrimSpace(text)), strictjson.Limits{})
			require.NoError(t, err)
			raw := func(name string) string { return doc.Root().Member(name).Raw() }
			lines = append(lines, line{raw("versionId"), raw("versionTime"), raw("parameters"), raw("state"), raw("proof")})
		}
		s.genuine = append(s.genuine, lines)
		s.files = append(s.files, string(all[name].RawWitness()))
	}
	return s
}

// Parameters that somebody would like to be in force, and other things to write.
func (s *workshop) wishes(n int) string {
	own, _ := multikey.Encode(s.keys[0].Key.Public())
	list := []string{
		`{}`, `{"portable":true}`, `{"deactivated":true}`, `{"deactivated":false}`, `{"updateKeys":["` + own + `"]}`, `{"updateKeys":[]}`,
		`{"updateKeys":["` + own + `"],"nextKeyHashes":[]}`, `{"nextKeyHashes":null}`, `{"nextKeyHashes":[]}`, `{"witness":{}}`, `{"witness":null}`,
		`{"witness":{"threshold":1,"witnesses":[{"id":"` + s.keys[2].ID.String() + `"}]}}`, `{"method":"did:webvh:0.5"}`, `{"ttl":9223372036854775807}`,
		`{"ttl":1e0}`, `{"updateKeys":["` + own + `"],"updateKeys":[]}`, `{"watchers":["https://evil.example/"]}`, `{"scid":"{SCID}"}`,
	}
	return list[n%len(list)]
}

// tricks are edits of a text.
func tricks(text string, n, at int) string {
	i := at % (len(text) + 1)
	switch n % 16 {
	case 0:
		return "\ufeff" + text
	case 1:
		return text + "\r"
	case 2:
		return text[:i] + "\n" + text[i:]
	case 3:
		return text[:i] + "\x00" + text[i:]
	case 4:
		return strings.Replace(text, "{", "{ \t", 1)
	case 5:
		return strings.Replace(text, "e", "\\u0065", at%8)
	case 6:
		return strings.Replace(text, ".example", ".EXAMPLE", at%4)
	case 7:
		return strings.Replace(text, ".example", ".example%3A443", 1+at%2)
	case 8:
		return strings.Replace(text, "Z\"", ".000Z\"", 1)
	case 9:
		return strings.Replace(text, "Z\"", "+00:00\"", 1)
	case 10:
		return strings.Replace(text, "fleet", "%66leet", 1+at%3)
	case 11:
		return strings.Replace(text, `"https://log.example/`, `"https://evil.example/`, 1)
	case 12:
		return strings.Replace(text, "#z6Mk", "?x#z6Mk", 1)
	case 13:
		return text + text
	case 14:
		return strings.Replace(text, `"type":`, `"Type":0,"type":`, 1)
	}
	if i == len(text) {
		return text
	}
	return text[:i] + string(text[i]^byte(1<<(at%7))) + text[i+1:]
}

// prove returns a proof of text by somebody.
func prove(by party, text []byte) string {
	name := by.ID.Identifier()
	config := `{"created":"2026-11-20T12:00:00Z","cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod","type":"DataIntegrityProof",` +
		`"verificationMethod":"did:key:` + name + "#" + name + `"}`
	head, digest := sha256.Sum256([]byte(config)), sha256.Sum256(text)
	signature, _ := by.Key.Sign(nil, append(head[:], digest[:]...), crypto.Hash(0))
	return strings.TrimSuffix(config, "}") + `,"proofValue":"` + multikey.EncodeBase58(signature) + `"}`
}

// seal makes line i follow the one before, and signs it.
func seal(lines []line, i int, by party, scid string) {
	l := &lines[i]
	before := scid
	if i > 0 {
		before = strings.Trim(lines[i-1].id, `"`)
	}
	chain, err := jcs.Canonical([]byte(`{"versionId":"` + before + `","versionTime":` + l.time + `,"parameters":` + l.params + `,"state":` + l.state + `}`))
	if err != nil {
		return
	}
	digest := sha256.Sum256(chain)
	l.id = `"` + strconv.Itoa(i+1) + "-" + multikey.EncodeBase58(append([]byte{0x12, 32}, digest[:]...))[1:] + `"`
	if text, err := jcs.Canonical([]byte(`{"versionId":` + l.id + `,"versionTime":` + l.time + `,"parameters":` + l.params + `,"state":` + l.state + `}`)); err == nil {
		l.proof = "[" + prove(by, text) + "]"
	}
}

// forge edits a history by a program: of each edit what to do, where, and with what.
func (s *workshop) forge(start byte, program []byte) (raw, file string) {
	from := int(start) % len(s.genuine)
	lines, file := slices.Clone(s.genuine[from]), s.files[from]
	scid := ""
	if doc, err := strictjson.Parse([]byte(lines[0].params), strictjson.Limits{}); err == nil {
		scid = doc.Root().Member("scid").Text()
	}
	whole := map[int]func(string) string{}
	for ; len(program) >= 4 && len(lines) > 0; program = program[4:] {
		a, b, c := int(program[1]), int(program[2]), int(program[3])
		i := a % len(lines)
		other := s.genuine[b%len(s.genuine)]
		theirs := other[c%len(other)]
		by := s.keys[c%len(s.keys)]
		switch program[0] % 16 {
		case 0:
			lines = slices.Delete(lines, i, i+1)
		case 1:
			lines = slices.Insert(lines, i, theirs)
		case 2:
			j := b % len(lines)
			lines[i], lines[j] = lines[j], lines[i]
		case 3:
			lines = lines[:i+1]
		case 4:
			lines[i].params = s.wishes(b)
		case 5:
			lines[i].params = theirs.params
		case 6:
			lines[i].state = theirs.state
		case 7:
			lines[i].state = tricks(lines[i].state, b, c)
		case 8:
			lines[i].time = tricks(theirs.time, b, c)
		case 9:
			lines[i].proof = theirs.proof
		case 10: // from here on
			for ; i < len(lines); i++ {
				seal(lines, i, by, scid)
			}
		case 11:
			seal(lines, i, by, scid)
		case 12:
			whole[i] = func(text string) string { return tricks(text, b, c) }
		case 13:
			file = s.files[b%len(s.files)]
		case 14: // the thief of a witness's key
			id := strings.Trim(lines[i].id, `"`)
			proof := `{"versionId":"` + id + `","proof":[` + prove(by, []byte(`{"versionId":"`+id+`"}`)) + `]}`
			if file == "" {
				file = "[" + proof + "]"
			} else {
				file = strings.Replace(file, "[", "["+proof+",", 1)
			}
		case 15:
			file = tricks(file, b, c)
		}
	}
	var out strings.Builder
	for i, l := range lines {
		text := l.String()
		if edit := whole[i]; edit != nil {
			text = edit(text)
		}
		out.WriteString(text + "\n")
	}
	return out.String(), file
}

// Whatever is made of published logs, by whoever has no update key, what holds of it was written by those who had,
// from the beginning, and approved of by as many witnesses as it takes.
func FuzzForgedLogs(f *testing.F) {
	all := histories(f)
	s := newWorkshop(f, all)
	random := rand.New(rand.NewPCG(3, 4))
	for range 400 {
		program := make([]byte, 1+4*(1+random.IntN(5)))
		for i := range program {
			program[i] = byte(random.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) < 1 || len(program) > 65 {
			return
		}
		raw, witness := s.forge(program[0], program[1:])
		genuineLog(t, all, []byte(raw), []byte(witness))
	})
}

// The same for bytes that are anything. Fuzz it with -fuzzminimizetime 1x: to shorten such texts takes longer than
// to try others.
func FuzzLogBytes(f *testing.F) {
	all := histories(f)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f.Add(all[name].Raw(), all[name].RawWitness())
	}
	f.Fuzz(func(t *testing.T, raw, witness []byte) { genuineLog(t, all, raw, witness) })
}

// The genuine hold, in what is forged there are such as hold too, and who has a key can write another history: the
// properties above can fail.
func TestForgedLogs(t *testing.T) {
	all := histories(t)
	s := newWorkshop(t, all)
	held := 0
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		program := make([]byte, 1+4*(1+random.IntN(3)))
		for i := range program {
			program[i] = byte(random.Uint32())
		}
		raw, witness := s.forge(program[0], program[1:])
		if id, err := webvh.Subject([]byte(raw)); err == nil {
			if got, _ := (webvh.Verifier{Now: now}).Verify(id, []byte(raw), []byte(witness)); got != nil && got.Len() > 0 {
				held++
			}
		}
		genuineLog(t, all, []byte(raw), []byte(witness))
	}
	require.Greater(t, held, 60)
	for name, l := range all {
		raw, witness := s.forge(byte(slices.Index(slices.Sorted(maps.Keys(all)), name)), nil)
		require.Equal(t, l.Raw(), []byte(raw), "%s is put together as it was", name)
		got, err := webvh.Verifier{Now: now}.Verify(l.ID(), []byte(raw), []byte(witness))
		require.Equal(t, l.Len(), got.Len())
		require.Equal(t, fmt.Sprint(l.Err()), fmt.Sprint(err))
	}
	thief := newParty(t, "plain 3")
	lines := slices.Clone(s.genuine[slices.Index(slices.Sorted(maps.Keys(all)), "plain")])
	lines[3].params = s.wishes(4)
	seal(lines, 3, thief, "")
	var raw bytes.Buffer
	for _, l := range lines {
		raw.WriteString(l.String() + "\n")
	}
	got, err := webvh.Verifier{Now: now}.Verify(all["plain"].ID(), raw.Bytes(), nil)
	require.NoError(t, err, "a thief of an update key can")
	require.NotEqual(t, said(t, all["plain"]), said(t, got))
	fork, ok := errors.AsType[*webvh.ForkError](got.Extends(all["plain"]))
	require.True(t, ok, "and whoever has seen the other history can tell")
	require.Equal(t, 4, fork.Number)
}
