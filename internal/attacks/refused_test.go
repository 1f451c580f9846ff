package attacks

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// What does not get as far as a score: shown again, to another, or instead of what a log holds.
func TestReplayedIsRefused(t *testing.T) {
	w := newWorld(t, 8)
	m, sister := w.machines[0], w.machines[1]
	verifier := vc.Verifier{Now: w.clock}
	raws := func(entries []*vc.Verified) (raws [][]byte) {
		for _, v := range entries {
			raws = append(raws, []byte(v.Raw()))
		}
		return raws
	}
	holder := &vc.Holder{ID: m.ID, Key: m.Key, Now: w.clock}
	for _, tt := range []struct {
		name   string
		refuse func() error
		want   error
	}{
		{"a presentation, to who asked anew", func() error {
			shown, err := holder.Present(vc.NewChallenge("lease.example"), raws(m.entries)...)
			require.NoError(t, err)
			_, err = verifier.VerifyPresentation(t.Context(), shown, vc.NewChallenge("lease.example"), vc.AnyIssuer)
			return err
		}, vc.ErrChallenge},
		{"a presentation, passed on to somebody else", func() error {
			asked := vc.NewChallenge("lease.example")
			shown, err := holder.Present(asked, raws(m.entries)...)
			require.NoError(t, err)
			_, err = verifier.VerifyPresentation(t.Context(), shown, vc.Challenge{Nonce: asked.Nonce, Domain: "bank.example"}, vc.AnyIssuer)
			return err
		}, vc.ErrDomain},
		{"another machine's credential, as one's own", func() error {
			asked := vc.NewChallenge("lease.example")
			shown, err := holder.Present(asked, raws(sister.entries[:1])...)
			require.NoError(t, err)
			_, err = verifier.VerifyPresentation(t.Context(), shown, asked, vc.AnyIssuer)
			return err
		}, vc.ErrHolder},
		{"another machine's record, as one's own", func() error {
			_, err := chain.NewDisclosed(m.ID, sister.entries...)
			return err
		}, chain.ErrSubject},
		{"another machine's entry, in one's own record", func() error {
			_, err := chain.NewDisclosed(m.ID, append(m.without(9, 10), sister.entries[9])...)
			return err
		}, new(chain.MixedError)},
		{"an entry with a word changed", func() error {
			changed := strings.Replace(m.entries[5].Raw(), "2026-01", "2026-02", 1)
			_, err := verifier.Verify(t.Context(), []byte(changed), vc.AnyIssuer)
			return err
		}, vc.ErrProof},
		{"another entry in the place of one that the log holds", func() error {
			n := len(m.entries) - 1
			before, err := chain.NewDisclosed(m.ID, m.entries[:n]...)
			require.NoError(t, err)
			nicer := m.issue(before.Head(), "", uptime(w.now, 0), good, w.party("friend"))
			view, err := w.reader.Read(t.Context(), tlog.Record{Chain: m.entries[0].Digest(), Salt: m.salt})
			require.NoError(t, err)
			h, err := chain.NewDisclosed(m.ID, append(m.entries[:n:n], nicer)...)
			require.NoError(t, err)
			_, err = h.Seen(view)
			return err
		}, chain.ErrSequence},
		{"an old head, in place of the newest", func() error {
			old := w.again(t)
			m.fail()
			w.publish()
			_, err := w.reader.Read(t.Context())
			require.NoError(t, err)
			require.NoError(t, old.reader.Remember(w.reader.Known()))
			_, err = old.reader.Read(t.Context())
			return err
		}, new(tlog.RollbackError)},
	} {
		err := tt.refuse()
		switch want := tt.want.(type) {
		case *chain.MixedError:
			require.ErrorAs(t, err, &want, tt.name)
		case *tlog.RollbackError:
			require.ErrorAs(t, err, &want, tt.name)
		default:
			require.ErrorIs(t, err, want, tt.name)
		}
	}

	// Both branches of a fork are evidence, which nobody has to be trusted for.
	before := m.head
	m.fail()
	second := m.issue(before, "", uptime(w.now, 0), good, w.party("friend"))
	forks := m.read(append(m.entries, second)...).Equivocations()
	require.Len(t, forks, 1)
	text, err := forks[0].MarshalJSON()
	require.NoError(t, err)
	_, err = chain.VerifyEquivocation(t.Context(), &verifier, text)
	require.NoError(t, err)
}

// A log that helps the machine's side ends in evidence against itself.
func TestALogThatLiesConvictsItself(t *testing.T) {
	convicted := func(t *testing.T, w *world, err error, kind tlog.Kind) {
		t.Helper()
		m, ok := errors.AsType[*tlog.Misbehaviour](err)
		require.True(t, ok, "%v", err)
		again, err := tlog.VerifyMisbehaviour(w.reader.Trust.Log, m.Evidence())
		require.NoError(t, err, "the evidence is for anybody to check")
		require.Equal(t, kind, again.Kind)
	}
	base := newWorld(t, 8)

	t.Run("a split view", func(t *testing.T) {
		// The log shows a breach to one reader, and a good week in its place to another.
		honest, other := base.again(t), base.again(t)
		honest.machines[0].fail()
		other.machines[0].up("friend")
		honest.publish()
		_, err := honest.reader.Read(t.Context())
		require.NoError(t, err)

		var all []tlog.Submission
		for _, v := range other.machines[0].entries[other.machines[0].logged:] {
			all = append(all, other.machines[0].submission(v))
		}
		_, err = other.log.AppendAll(t.Context(), all)
		require.NoError(t, err)
		p, err := other.log.Publish(t.Context(), honest.witnesses...)
		require.NoError(t, err)
		require.False(t, p.Published, "honest witnesses have seen the other tree")
		for _, err := range p.Failed {
			require.ErrorAs(t, err, new(*tlog.ConflictError))
		}

		// With witnesses who have forgotten it, two readers who compare what they know find out.
		other.witness()
		require.NoError(t, other.reader.Remember(honest.reader.Known()))
		_, err = other.reader.Read(t.Context())
		convicted(t, other, err, tlog.Fork)
	})

	t.Run("a lie about the end of a record", func(t *testing.T) {
		w := base.again(t)
		m := w.machines[0]
		shown := m.entries
		m.badWeeks(2)
		honest := w.score(m.all())

		w.reader = tlog.Reader{Source: forgetful{w, 4}, Trust: w.reader.Trust}
		h := m.read(shown...)
		require.Equal(t, chain.C4, h.Class(), "it is the log's word")
		s, err := w.policy.Score(h, w.now)
		require.NoError(t, err)
		require.Greater(t, s.Points, honest.Points)

		w.reader.Scan = true
		_, err = w.reader.Read(t.Context(), tlog.Record{Chain: shown[0].Digest(), Salt: m.salt})
		convicted(t, w, err, tlog.Lie)
	})
}

// A forgetful source is a log that signs that it holds fewer entries of each record than it does.
type forgetful struct {
	*world
	fewer int
}

// ReadFile reads as docs/LOG.md has it: places of entries, an empty line, and the signed head.
func (f forgetful) ReadFile(ctx context.Context, path string) ([]byte, error) {
	text, err := f.log.ReadFile(ctx, path)
	if err != nil || !strings.HasPrefix(path, "record/") {
		return text, err
	}
	list, _, _ := strings.Cut(string(text), "\n\n")
	lines := strings.Split(list, "\n")
	lines = lines[:len(lines)-f.fewer]
	newest, _, _ := strings.Cut(lines[len(lines)-1], " ")
	_, size, _ := strings.Cut(path, "/")
	size, key, _ := strings.Cut(size, "/")
	sequence := len(lines) - 2
	var digest vc.Digest
	for _, m := range f.machines {
		if m.salt.Key(m.entries[0].Digest()).String() == key {
			digest = m.entries[sequence].Digest()
		}
	}
	if digest.IsZero() {
		return nil, fs.ErrNotExist
	}
	head, err := note.Sign(&note.Note{
		Text: fmt.Sprintf("hourmeter-head/v1 %s\n%s\n%s\n%d\n%s\n%s\n", origin, size, key, sequence+1, newest, digest),
	}, logSigner(f))
	return append([]byte(strings.Join(lines, "\n")+"\n\n"), head...), err
}

// logSigner signs as the log does.
func logSigner(t require.TestingT) note.Signer {
	verifier, err := tlog.LogKey(origin, key("log").Public())
	require.NoError(t, err)
	named, _, _ := strings.Cut(strings.TrimPrefix(verifier, origin+"+"), "+")
	s, err := note.NewSigner("PRIVATE+KEY+" + origin + "+" + named + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, key("log").Seed()...)))
	require.NoError(t, err)
	return s
}
