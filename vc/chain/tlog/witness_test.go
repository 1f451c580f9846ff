package tlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// request asks for the log's newest checkpoint, from a tree of an earlier size.
func (w *world) request(old int64) string {
	w.t.Helper()
	b, err := formatRequest(newGrove(w.t.Context(), w.log, w.log.current.tree()), old, w.log.current.Note())
	require.NoError(w.t, err)
	return string(b)
}

func TestWitnessRefuses(t *testing.T) {
	w := newWorld(t, 1)
	witness := w.witnesses[0]
	fill(t, w.log, 3, 0, 20)
	w.publish()
	fill(t, w.log, 3, 20, 50)
	_, err := w.log.Publish(t.Context())
	require.NoError(t, err)
	w.log.quorum = 0
	_, err = w.log.Publish(t.Context())
	require.NoError(t, err)
	good := w.request(60)
	sign := func(size int64, root tlog.Hash, s note.Signer) string {
		b, err := note.Sign(&note.Note{Text: formatCheckpoint(s.Name(), size, root)}, s)
		require.NoError(t, err)
		return string(b)
	}
	stranger, err := newSigner(origin, typeLog, seeded("stranger"), nil)
	require.NoError(t, err)
	elsewhere, err := newSigner("other.example", typeLog, seeded("log"), nil)
	require.NoError(t, err)
	_, signed, _ := strings.Cut(good, "\n\n")
	root := tlog.Hash(w.log.current.Root)
	for _, tt := range []struct {
		name, request string
		reason        error // of a RejectError; nil: a ConflictError
	}{
		{"nothing", "", ErrMalformed},
		{"no old size", "\n\n" + signed, ErrMalformed},
		{"old size with a zero in front", strings.Replace(good, "old 60", "old 060", 1), ErrMalformed},
		{"negative old size", strings.Replace(good, "old 60", "old -1", 1), ErrMalformed},
		{"old larger than new", strings.Replace(good, "old 60", "old 151", 1), ErrMalformed},
		{"64 hashes", strings.Replace(good, "old 60\n", "old 60\n"+strings.Repeat(root.String()+"\n", 64), 1), ErrMalformed},
		{"a hash that is none", strings.Replace(good, "old 60\n", "old 60\nAAAA\n", 1), ErrMalformed},
		{"too long", good + strings.Repeat("x", MaxRequest), ErrMalformed},
		{"no signature", strings.Split(good, "\n— ")[0], ErrMalformed},
		{"an unknown log", "old 60\n\n" + sign(150, root, elsewhere), ErrOrigin},
		{"a stranger's signature", "old 60\n\n" + sign(150, root, stranger), ErrSignature},
		{"another size under the signature", strings.Replace(good, "\n150\n", "\n151\n", 1), ErrSignature},
		{"from the beginning", w.request(0), nil},
		{"from elsewhere", w.request(59), nil},
		{"from the future", w.request(150), nil},
		{"another tree of this size", "old 60\n\n" + sign(60, root, w.log.signer), nil},
		{"no proof", "old 60\n\n" + signed, ErrProof},
		{"a proof from elsewhere", strings.Replace(w.request(59), "old 59", "old 60", 1), ErrProof},
		{"another tree", strings.Replace(good, signed, sign(150, tlog.Hash{1}, w.log.signer), 1), ErrProof},
		{"a smaller tree", "old 59\n\n" + sign(59, root, w.log.signer), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, err := witness.Cosign(t.Context(), []byte(tt.request))
			require.Nil(t, answer)
			if tt.reason != nil {
				refused, ok := errors.AsType[*RejectError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, tt.reason, refused.Reason)
				return
			}
			conflict, ok := errors.AsType[*ConflictError](err)
			require.True(t, ok, "%v", err)
			require.EqualValues(t, 60, conflict.Size)
		})
	}
	list, err := witness.disk.List("evidence")
	require.NoError(t, err)
	var kept []string
	for _, f := range list {
		kept = append(kept, f.Name()[:4])
	}
	require.Equal(t, []string{"fork", "unpr", "unpr"}, kept, "once for each checkpoint")

	// None of that keeps it from the truth; and what was a prank is forgotten.
	answer, err := witness.Cosign(t.Context(), []byte(good))
	require.NoError(t, err)
	c, err := w.trust.Checkpoint(append([]byte(signed), answer...))
	require.NoError(t, err)
	require.EqualValues(t, 150, c.Size)
	list, err = witness.disk.List("evidence")
	require.NoError(t, err)
	require.Len(t, list, 2)

	// Again, later.
	w.later(time.Hour)
	answer, err = witness.Cosign(t.Context(), []byte("old 150\n\n"+signed))
	require.NoError(t, err)
	c, err = w.trust.Checkpoint(append([]byte(signed), answer...))
	require.NoError(t, err)
	require.Equal(t, epoch.Add(time.Hour), c.LogTime())
	_, err = witness.Cosign(t.Context(), []byte(strings.Replace("old 150\n\n"+signed, "old 150\n", "old 150\n"+root.String()+"\n", 1)))
	require.ErrorIs(t, err, ErrProof)
	require.NoError(t, witness.Close())
	_, err = witness.Cosign(t.Context(), []byte(good))
	require.ErrorIs(t, err, fs.ErrClosed)
}

// A witness that crashes anywhere never cosigns two trees of which one does not extend the other.
func TestWitnessCrashesAtEveryStep(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 2, 0, 30)
	w.publish()
	small := w.request(0)
	fork, err := open(w.disk.copy(), w.config)
	require.NoError(t, err)
	_, err = fork.Append(t.Context(), entry(5, 0).Entry, entry(5, 0).Previous)
	require.NoError(t, err)
	fork.quorum = 0
	_, err = fork.Publish(t.Context())
	require.NoError(t, err)
	fill(t, w.log, 2, 30, 31)
	w.log.quorum = 0
	_, err = w.log.Publish(t.Context())
	require.NoError(t, err)
	large := w.request(60)
	other, err := formatRequest(newGrove(t.Context(), fork, fork.current.tree()), 60, fork.current.Note())
	require.NoError(t, err)
	c := WitnessConfig{Name: "w", Key: seeded("w"), Logs: []Watched{{Log: w.trust.Log}}}
	for failAt := 1; ; failAt++ {
		done := false
		for round := range 8 {
			disk := newMemory()
			disk.failAt, disk.rand = failAt, rand.New(rand.NewPCG(uint64(failAt), uint64(round)))
			witness, err := createWitness(disk, c)
			created := err == nil
			var first, second error
			if created {
				_, first = witness.Cosign(t.Context(), []byte(small))
				_, second = witness.Cosign(t.Context(), []byte(large))
				done = first == nil && second == nil
			}
			disk = disk.crash()
			witness, err = openWitness(disk, c)
			if err != nil && !created {
				witness, err = createWitness(disk, c)
			}
			require.NoError(t, err, "step %d", failAt)
			_, again := witness.Cosign(t.Context(), other)
			if created && second == nil {
				require.Error(t, again, "step %d: it has cosigned another tree of size 62 or less", failAt)
			}
			if _, conflict := errors.AsType[*ConflictError](again); created && first == nil && conflict {
				require.NotEqual(t, "0", fmt.Sprint(again.(*ConflictError).Size))
			}
		}
		if done {
			t.Logf("%d steps", failAt-1)
			return
		}
	}
}

func TestWitnessStateIsDamaged(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 1, 0, 3)
	w.publish()
	disk := w.witnesses[0].disk.(*memory)
	c := WitnessConfig{Name: "w", Key: seeded("w"), Logs: []Watched{{Log: w.trust.Log}}}
	_, err := openWitness(disk.copy(), c)
	require.NoError(t, err)
	_, err = createWitness(disk.copy(), c)
	require.ErrorIs(t, err, fs.ErrExist)
	for _, damage := range damages {
		damaged := disk.copy()
		damage.do(damaged, seenFile)
		_, err := openWitness(damaged, c)
		bad, ok := errors.AsType[*CorruptError](err)
		require.True(t, ok, "%s: %v", damage.name, err)
		require.Equal(t, seenFile, bad.File)
	}
	// A log that is no longer watched is not forgotten.
	witness, err := openWitness(disk.copy(), WitnessConfig{Name: "w", Key: seeded("w")})
	require.NoError(t, err)
	require.EqualValues(t, 3, witness.seen[origin].Size)
	_, err = witness.Cosign(t.Context(), []byte(w.request(3)))
	require.ErrorIs(t, err, ErrOrigin)
	// Its key is another one now: somebody has to decide.
	key, err := LogKey(origin, seeded("new key").Public())
	require.NoError(t, err)
	_, err = openWitness(disk.copy(), WitnessConfig{Name: "w", Key: seeded("w"), Logs: []Watched{{Log: key}}})
	require.ErrorIs(t, err, ErrSignature)
}

func TestWitnessConfigIsChecked(t *testing.T) {
	log, err := LogKey(origin, seeded("log").Public())
	require.NoError(t, err)
	for name, c := range map[string]WitnessConfig{
		"no name":         {Key: seeded("w")},
		"no key":          {Name: "w"},
		"a bad log key":   {Name: "w", Key: seeded("w"), Logs: []Watched{{Log: "x"}}},
		"a log twice":     {Name: "w", Key: seeded("w"), Logs: []Watched{{Log: log}, {Log: log}}},
		"the log's key":   {Name: "w", Key: seeded("log"), Logs: []Watched{{Log: log}}},
		"a name with a +": {Name: "w+", Key: seeded("w")},
	} {
		_, err := createWitness(newMemory(), c)
		require.Error(t, err, name)
	}
}

// Witnesses that are down, or answer with rubbish, do not stop the log.
func TestWitnessesAreDown(t *testing.T) {
	w := newWorld(t, 3)
	down := cosignerFunc(func(ctx context.Context, _ []byte) ([]byte, error) { return nil, errors.New("connection refused") })
	rubbish := cosignerFunc(func(ctx context.Context, _ []byte) ([]byte, error) { return []byte("— w AAAAAAAA\n"), nil })
	liar := cosignerFunc(func(ctx context.Context, r []byte) ([]byte, error) {
		b, err := w.witnesses[0].Cosign(ctx, r)
		return []byte(strings.Replace(string(b), "w0", "w1", 1)), err
	})
	stubborn := 0
	fill(t, w.log, 1, 0, 10)
	p, err := w.log.Publish(t.Context(), w.cosigners[0], down, rubbish)
	require.NoError(t, err)
	require.False(t, p.Published, "two of three have to cosign")
	require.NoError(t, p.Failed[0])
	require.ErrorContains(t, p.Failed[1], "connection refused")
	require.ErrorContains(t, p.Failed[2], "none of the signatures")
	_, err = w.reader(w.log).Read(t.Context(), machine(0))
	_, short := errors.AsType[*QuorumError](err)
	require.True(t, short, "nothing has been published yet: %v", err)

	fill(t, w.log, 1, 10, 20)
	p, err = w.log.Publish(t.Context(), w.cosigners[0], w.cosigners[1], down)
	require.NoError(t, err)
	require.True(t, p.Published)
	require.EqualValues(t, 20, p.Size)
	w.trust.Quorum = 2
	v, err := w.reader(w.log).Read(t.Context(), machine(0))
	require.NoError(t, err)
	got, err := v.Record(machine(0).Chain)
	require.NoError(t, err)
	require.Len(t, got.Entries, 20)

	// A cosignature under another's name is not taken for his.
	p, err = w.log.Publish(t.Context(), liar)
	require.NoError(t, err)
	require.ErrorContains(t, p.Failed[0], "none of the signatures")
	require.True(t, p.Published, "it has the cosignatures of before")

	// The third one comes back, and is brought up to date.
	fill(t, w.log, 1, 20, 30)
	counting := cosignerFunc(func(ctx context.Context, r []byte) ([]byte, error) { stubborn++; return w.witnesses[2].Cosign(ctx, r) })
	p, err = w.log.Publish(t.Context(), w.cosigners[0], w.cosigners[1], counting)
	require.NoError(t, err)
	require.Equal(t, []error{nil, nil, nil}, p.Failed)
	require.Equal(t, 2, stubborn, "once to learn where it stands")
	w.trust.Quorum = 0
	_, err = w.trust.Checkpoint(p.Checkpoint)
	require.NoError(t, err)
}
