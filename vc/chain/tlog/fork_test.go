package tlog

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
)

// A fork is one log that shows two trees, which part after 300 leaves.
func forked(t *testing.T) (w *world, other *Log) {
	w = newWorld(t, 3)
	w.trust.Quorum = 2
	fill(t, w.log, 3, 0, 100)
	w.publish()
	var err error
	other, err = open(w.disk.copy(), w.config)
	require.NoError(t, err)
	// The machine's entry 100 tells of a breach; the other tree has none.
	fill(t, w.log, 3, 100, 150)
	_, err = other.Append(t.Context(), Entry{Key: entry(0, 100).Entry.Key, Sequence: 100, Digest: digest("all is well")}, entry(0, 99).Entry.Digest)
	require.NoError(t, err)
	for n := 100; n < 150; n++ {
		_, err = other.Append(t.Context(), entry(1, n).Entry, entry(1, n).Previous)
		require.NoError(t, err)
	}
	w.later(time.Minute)
	return w, other
}

func TestWitnessesStopAFork(t *testing.T) {
	w, other := forked(t)
	require.EqualValues(t, 450, w.publish().Size)

	p, err := other.Publish(t.Context(), w.cosigners...)
	require.NoError(t, err)
	require.False(t, p.Published)
	for _, err := range p.Failed {
		require.Error(t, err)
	}
	_, err = w.trust.Checkpoint(p.Checkpoint)
	short, ok := errors.AsType[*QuorumError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 2, short.Want)
	require.Len(t, short.Missing, 3)

	// Grown to the very size, it convicts itself before each witness.
	for n := 0; other.Size() < 450; n++ {
		_, err := other.Append(t.Context(), entry(7, n).Entry, entry(7, n).Previous)
		require.NoError(t, err)
	}
	p, err = other.Publish(t.Context(), w.cosigners...)
	require.NoError(t, err)
	require.False(t, p.Published)
	for i, err := range p.Failed {
		conflict, ok := errors.AsType[*ConflictError](err)
		require.True(t, ok)
		require.Equal(t, ConflictError{Size: 450, Fork: true}, *conflict)
		list, err := w.witnesses[i].disk.List("evidence")
		require.NoError(t, err)
		require.Len(t, list, 1)
		text, err := w.witnesses[i].disk.ReadFile("evidence/" + list[0].Name())
		require.NoError(t, err)
		var kept struct {
			Cosigned string `json:"cosigned"`
			Request  string `json:"request"`
		}
		require.NoError(t, json.Unmarshal(text, &kept))
		_, _, signed, err := parseRequest([]byte(kept.Request))
		require.NoError(t, err)
		evidence, err := json.Marshal(evidence{Fork: &forkEvidence{Checkpoints: [2]string{kept.Cosigned, string(signed)}, Root: root(t, signed)}})
		require.NoError(t, err)
		m, err := VerifyMisbehaviour(w.trust.Log, evidence)
		require.NoError(t, err)
		require.Equal(t, Fork, m.Kind)
	}
}

// Two halves of honest witnesses may each be shown a tree of their own, and neither does wrong. So
// half of them are no quorum, and whoever trusts in one is told.
func TestHalfOfTheWitnessesShowNothing(t *testing.T) {
	w, other := forked(t)
	w.log.quorum, other.quorum = 1, 1
	w.cosigners = w.cosigners[:1]
	w.publish()
	p, err := other.Publish(t.Context(), Cosigner(w.witnesses[1]))
	require.NoError(t, err)
	require.True(t, p.Published, "an honest witness that was not shown the first tree")
	for _, witnesses := range [][]string{w.trust.Witnesses[:2], w.trust.Witnesses} {
		trust := w.trust
		trust.Witnesses, trust.Quorum = witnesses, 1
		for _, l := range []*Log{w.log, other} {
			v, err := (&Reader{Source: l, Trust: trust}).Read(t.Context(), machine(0))
			require.ErrorContains(t, err, "more than half")
			require.Nil(t, v)
		}
	}
}

func root(t *testing.T, signed []byte) string {
	c, err := parseCheckpoint(strings.SplitAfter(string(signed), "\n\n")[0][:strings.Index(string(signed), "\n\n")+1])
	require.NoError(t, err)
	return tlog.Hash(c.Root).String()
}

// forgetful witnesses cosign whatever they are shown.
func forgetful(w *world) (all []Cosigner) {
	for _, witness := range w.witnesses {
		all = append(all, cosignerFunc(func(ctx context.Context, request []byte) ([]byte, error) {
			_, _, signed, err := parseRequest(request)
			if err != nil {
				return nil, err
			}
			fresh, err := createWitness(newMemory(), WitnessConfig{Name: witness.signer.name, Key: witness.signer.private, Logs: []Watched{{Log: w.trust.Log}}, Now: witness.signer.now})
			if err != nil {
				return nil, err
			}
			return fresh.Cosign(ctx, append([]byte("old 0\n\n"), signed...))
		}))
	}
	return all
}

type cosignerFunc func(context.Context, []byte) ([]byte, error)

func (f cosignerFunc) Cosign(ctx context.Context, request []byte) ([]byte, error) {
	return f(ctx, request)
}

// Even with all witnesses in a conspiracy, two clients who compare what they saw convict the log.
func TestClientsExposeAFork(t *testing.T) {
	for _, size := range []struct {
		name  string
		other int64 // size of the other tree; the first has 450
		first bool  // the client saw the first tree first
	}{
		{"to a smaller one", 351, true},
		{"to a larger one", 351, false},
		{"of one size", 450, true},
	} {
		t.Run(size.name, func(t *testing.T) {
			w, other := forked(t)
			w.publish()
			for n := 0; other.Size() < size.other; n++ {
				_, err := other.Append(t.Context(), entry(7, n).Entry, entry(7, n).Previous)
				require.NoError(t, err)
			}
			p, err := other.Publish(t.Context(), forgetful(w)...)
			require.NoError(t, err)
			require.True(t, p.Published)

			one, two := w.log, other
			if !size.first {
				one, two = two, one
			}
			// One client, who is shown both.
			both := &both{one, two, false}
			r := w.reader(both)
			_, err = r.Read(t.Context(), machine(0))
			require.NoError(t, err)
			both.over = true
			_, err = r.Read(t.Context(), machine(0))
			convicted(t, w, err, Fork)

			// Two clients, one of whom is given what the other one knows.
			alice, bob := w.reader(one), w.reader(two)
			_, err = alice.Read(t.Context(), machine(0))
			require.NoError(t, err)
			_, err = bob.Read(t.Context(), machine(0))
			require.NoError(t, err)
			again := w.reader(both)
			require.NoError(t, again.Remember(alice.Known()))
			_, err = again.Read(t.Context(), machine(0))
			convicted(t, w, err, Fork)

			// An auditor of one is shown the other.
			both.over = false
			a := &Auditor{Source: both, Trust: w.trust}
			_, err = a.Audit(t.Context())
			require.NoError(t, err)
			both.over = true
			for range 2 {
				_, err = a.Audit(t.Context())
				convicted(t, w, err, Fork)
			}
		})
	}
}

// both gives the files of one log, and those that it does not have, of the other: a mirror of both.
type both struct {
	first, second *Log
	over          bool // to the second
}

func (b *both) ReadFile(ctx context.Context, path string) ([]byte, error) {
	one, two := b.first, b.second
	if b.over {
		one, two = two, one
	}
	data, err := one.ReadFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return two.ReadFile(ctx, path)
	}
	return data, err
}

// convicted checks that err is evidence that anybody can check.
func convicted(t *testing.T, w *world, err error, kind Kind) {
	t.Helper()
	m, ok := errors.AsType[*Misbehaviour](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, kind, m.Kind)
	again, err := VerifyMisbehaviour(w.trust.Log, m.Evidence())
	require.NoError(t, err)
	require.Equal(t, m.Detail, again.Detail)
	key, err := LogKey(origin, seeded("another").Public())
	require.NoError(t, err)
	_, err = VerifyMisbehaviour(key, m.Evidence())
	require.Error(t, err, "another log of this name")
}

// lying answers for a record what lie makes of the truth, signed by the log.
func lying(w *world, lie func(places []place, h *Head) []place) Source {
	return sourceFunc(func(ctx context.Context, path string) ([]byte, error) {
		text, err := w.log.ReadFile(ctx, path)
		if err != nil || !strings.HasPrefix(path, recordPrefix) {
			return text, err
		}
		places, signed, err := parseRecord(text)
		if err != nil {
			return nil, err
		}
		h, err := openHead(signed, w.log.signer.key)
		if err != nil {
			return nil, err
		}
		places = lie(places, h)
		if signed, err = signHead(*h, w.log.signer); err != nil {
			return nil, err
		}
		return formatRecord(places, signed), nil
	})
}

func TestALyingHeadConvicts(t *testing.T) {
	w := newWorld(t, 2)
	fill(t, w.log, 3, 0, 100)
	w.publish()
	older := func(places []place, h *Head) []place {
		places = places[:50]
		h.Entries, h.Index, h.Digest = 50, places[49].index, entry(0, 49).Entry.Digest
		return places
	}
	nothing := func(_ []place, h *Head) []place { h.Entries, h.Index = 0, 0; h.Digest = digest(""); return nil }
	other := func(places []place, h *Head) []place { h.Digest = digest("all is well"); return places }
	beyond := func(places []place, h *Head) []place {
		places = append(places, place{index: 299})
		h.Entries, h.Index = 101, 299
		return places
	}
	for _, tt := range []struct {
		name string
		lie  func([]place, *Head) []place
		scan bool // takes reading all entries
	}{
		{"the newest entries are left off", older, true},
		{"the record is denied", nothing, true},
		{"another digest", other, false},
		{"an entry that is not there", beyond, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.reader(lying(w, tt.lie))
			_, err := r.Read(t.Context(), machine(0))
			if tt.scan {
				require.NoError(t, err, "the head is the log's word")
			} else {
				convicted(t, w, err, Lie)
			}
			r.Scan = true
			_, err = r.Read(t.Context(), machine(0))
			convicted(t, w, err, Lie)
		})
	}

	// What the log does not sign is checked against the tree, and does not convict it.
	for name, change := range map[string]func(places []place) []place{
		"another leaf":    func(p []place) []place { p[3].index++; return p },
		"one left out":    func(p []place) []place { return append(p[:3], p[4:]...) },
		"beyond the tree": func(p []place) []place { p[99].index = 300; return p },
		"no such archive": func(p []place) []place { p[3].archive = 299; return p },
		"a later one":     func(p []place) []place { p[3].archive = 301; return p },
	} {
		_, err := w.reader(lying(w, func(p []place, _ *Head) []place { return change(p) })).Read(t.Context(), machine(0))
		require.Error(t, err, name)
		_, convicts := errors.AsType[*Misbehaviour](err)
		require.False(t, convicts, name)
	}
}

func TestABrokenRuleIsFound(t *testing.T) {
	k := entry(0, 0).Entry.Key
	for _, tt := range []struct {
		name string
		bad  []Entry
		kind Kind
	}{
		{"a sequence twice", []Entry{{k, 9, digest("other")}}, Broken},
		{"the same entry twice", []Entry{entry(0, 4).Entry}, Broken},
		{"a record under a second salt", []Entry{{Salt(digest("second")).Key(machine(0).Chain), 0, machine(0).Chain}}, Broken},
		{"a gap", []Entry{entry(0, 11).Entry}, ""},
		{"no beginning", []Entry{entry(5, 1).Entry}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			fill(t, w.log, 1, 0, 10)
			w.publish()
			audited, err := createWitness(newMemory(), WitnessConfig{Name: "auditor.example", Key: seeded("auditor"), Logs: []Watched{{Log: w.trust.Log, Audit: w.log}}})
			require.NoError(t, err)
			_, err = audited.Cosign(t.Context(), append([]byte("old 0\n\n"), w.log.current.Note()...))
			require.NoError(t, err)
			a := &Auditor{Source: w.log, Trust: w.trust}
			_, err = a.Audit(t.Context())
			require.NoError(t, err)
			// A log that does not keep its own rule.
			for _, e := range tt.bad {
				w.log.index.add(e)
			}
			fill(t, w.log, 5, 20, 20)
			require.NoError(t, w.log.sync(int64(len(w.log.index.entries))))
			p := w.publish()

			_, err = a.Audit(t.Context())
			if tt.kind != "" {
				convicted(t, w, err, tt.kind)
			} else {
				broken, ok := errors.AsType[*SequenceError](err)
				require.True(t, ok, "%v", err)
				require.EqualValues(t, 10, broken.Index)
			}
			g := newGrove(t.Context(), w.log, w.log.current.tree())
			request, err := formatRequest(g, 10, p.Checkpoint)
			require.NoError(t, err)
			_, err = audited.Cosign(t.Context(), request)
			require.ErrorIs(t, err, ErrSequence)
			_, err = w.witnesses[0].Cosign(t.Context(), append([]byte("old 11\n\n"), p.Checkpoint...))
			require.NoError(t, err, "a witness that does not audit sees sizes and roots only")
			_, err = open(w.disk.copy(), w.config)
			require.ErrorIs(t, err, ErrSequence)
		})
	}
}

func TestEvidenceThatShowsNothing(t *testing.T) {
	w, other := forked(t)
	first := string(w.log.current.Note())
	larger := string(w.publish().Checkpoint)
	p, err := other.Publish(t.Context(), forgetful(w)...)
	require.NoError(t, err)
	g := newGrove(t.Context(), w.log, w.log.current.tree())
	proof, err := tlog.ProveTree(450, 300, g)
	require.NoError(t, err)
	var hashes []string
	for _, h := range proof {
		hashes = append(hashes, h.String())
	}
	receipt, err := w.log.Receipt(t.Context(), 5)
	require.NoError(t, err)
	later, err := w.log.Receipt(t.Context(), 8)
	require.NoError(t, err)
	answer, err := w.log.ReadFile(t.Context(), recordPath(450, entry(2, 0).Entry.Key))
	require.NoError(t, err)
	_, head, err := parseRecord(answer)
	require.NoError(t, err)
	for name, e := range map[string]evidence{
		"nothing":               {},
		"two kinds":             {Fork: &forkEvidence{}, Lie: &lieEvidence{}},
		"a tree that grew":      {Fork: &forkEvidence{Checkpoints: [2]string{first, larger}, Root: root(t, []byte(first)), Proof: hashes}},
		"no proof":              {Fork: &forkEvidence{Checkpoints: [2]string{first, larger}, Root: root(t, []byte(larger))}},
		"one checkpoint":        {Fork: &forkEvidence{Checkpoints: [2]string{first, first}, Root: root(t, []byte(first))}},
		"larger first":          {Fork: &forkEvidence{Checkpoints: [2]string{larger, first}, Root: root(t, []byte(first))}},
		"a fork without proof":  {Fork: &forkEvidence{Checkpoints: [2]string{string(p.Checkpoint), larger}, Root: root(t, []byte(first))}},
		"a head that is true":   {Lie: &lieEvidence{Head: string(head), Receipt: string(receipt)}},
		"of another record":     {Lie: &lieEvidence{Head: string(head), Receipt: string(later)}},
		"entries in order":      {Broken: &[2]string{string(receipt), string(later)}},
		"entries turned around": {Broken: &[2]string{string(later), string(receipt)}},
		"one entry":             {Broken: &[2]string{string(receipt), string(receipt)}},
	} {
		text, err := json.Marshal(e)
		require.NoError(t, err)
		m, err := VerifyMisbehaviour(w.trust.Log, text)
		require.Nil(t, m, name)
		_, refused := errors.AsType[*RejectError](err)
		require.True(t, refused, "%s: %v", name, err)
	}
}

// A source that has gone over to a smaller tree and dropped the larger one: no verdict.
func TestASmallerTree(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 2, 0, 40)
	w.publish()
	older, err := open(w.disk.copy(), w.config)
	require.NoError(t, err)
	fill(t, w.log, 2, 40, 90)
	w.publish()
	r := w.reader(w.log)
	_, err = r.Read(t.Context(), machine(1))
	require.NoError(t, err)
	known := r.Known()
	for _, scan := range []bool{false, true} {
		r := w.reader(older)
		r.Scan = scan
		_, err = r.Read(t.Context(), machine(1))
		require.NoError(t, err)
		require.NoError(t, r.Remember(known))
		_, err = r.Read(t.Context(), machine(1))
		back, ok := errors.AsType[*RollbackError](err)
		require.True(t, ok, "%v", err)
		require.EqualValues(t, 180, back.Known.Size)
		require.EqualValues(t, 80, back.Offered.Size)
		require.Equal(t, known, r.Known())
	}
	a := &Auditor{Source: w.log, Trust: w.trust}
	_, err = a.Audit(t.Context())
	require.NoError(t, err)
	a.Source = older
	_, err = a.Audit(t.Context())
	back, ok := errors.AsType[*RollbackError](err)
	require.True(t, ok, "%v", err)
	require.EqualValues(t, 80, back.Offered.Size)
	a.Source = w.log
	_, err = a.Audit(t.Context())
	require.NoError(t, err)
}
