package tlog

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// cosignedBy signs a checkpoint as the log and as witnesses w0, w1 and so on, each at its hour.
func cosignedBy(t testing.TB, size int64, hours ...int) []byte {
	t.Helper()
	log, err := newSigner(origin, typeLog, seeded("log"), nil)
	require.NoError(t, err)
	signers := []note.Signer{log}
	for i, h := range hours {
		if h < 0 {
			continue // does not sign
		}
		name := fmt.Sprintf("w%d", i)
		s, err := newSigner(name, typeWitness, seeded(name), func() time.Time { return epoch.Add(time.Duration(h) * time.Hour) })
		require.NoError(t, err)
		signers = append(signers, s)
	}
	signed, err := note.Sign(&note.Note{Text: formatCheckpoint(origin, size, tlog.Hash{1})}, signers...)
	require.NoError(t, err)
	return signed
}

func trustIn(t testing.TB, witnesses, quorum int) Trust {
	t.Helper()
	log, err := LogKey(origin, seeded("log").Public())
	require.NoError(t, err)
	trust := Trust{Log: log, Quorum: quorum, Now: func() time.Time { return epoch.Add(100 * time.Hour) }}
	for i := range witnesses {
		name := fmt.Sprintf("w%d", i)
		w, err := WitnessKey(name, seeded(name).Public())
		require.NoError(t, err)
		trust.Witnesses = append(trust.Witnesses, w)
	}
	return trust
}

// A checkpoint that no Trust has checked says no time.
func TestZeroCheckpoint(t *testing.T) {
	require.Zero(t, new(Checkpoint).LogTime())
	require.Zero(t, new(Checkpoint).AsOf())
	c, err := openCheckpoint(cosignedBy(t, 7, 1, 2), must(parseKey(trustIn(t, 0, 0).Log, typeLog))(t), nil)
	require.NoError(t, err)
	require.Zero(t, c.LogTime())
	require.Zero(t, c.AsOf())
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

// Fewer than Quorum dishonest witnesses make no entry look older and no tree look fresher than it
// is, wherever they set their clocks.
func TestClocksOfDishonestWitnesses(t *testing.T) {
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	for _, tt := range []struct {
		name          string
		quorum        int
		hours         []int // when each says that it cosigned; -1: it did not
		logTime, asOf int   // hours
	}{
		{"all agree", 2, []int{10, 10, 10}, 10, 10},
		{"one is early", 2, []int{0, 10, 11}, 10, 10},
		{"one is late", 2, []int{10, 11, 90}, 11, 11},
		{"two of five are early", 3, []int{0, 0, 10, 11, 12}, 10, 10},
		{"two of five are late", 3, []int{10, 11, 12, 90, 99}, 12, 12},
		{"one of each", 3, []int{0, 10, 11, 12, 99}, 11, 11},
		{"just a quorum, one early", 2, []int{0, 10, -1}, 10, 0},
		{"just a quorum, one late", 2, []int{-1, 10, 90}, 90, 10},
		{"zero means all", 0, []int{10, 11, 12}, 12, 10},
		{"one is enough", 1, []int{12}, 12, 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			trust := trustIn(t, len(tt.hours), tt.quorum)
			c, err := trust.Checkpoint(cosignedBy(t, 7, tt.hours...))
			require.NoError(t, err)
			require.Equal(t, hour(tt.logTime), c.LogTime())
			require.Equal(t, hour(tt.asOf), c.AsOf())
			require.True(t, slices.IsSortedFunc(c.Cosignatures, func(a, b Cosignature) int { return a.Time.Compare(b.Time) }))
		})
	}

	t.Run("a clock that is ahead does not count", func(t *testing.T) {
		trust := trustIn(t, 3, 2)
		_, err := trust.Checkpoint(cosignedBy(t, 7, 10, 101, 102))
		short, ok := errors.AsType[*QuorumError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, []string{"w1", "w2"}, short.Missing)
		require.ErrorContains(t, err, "ask again later")
	})
}

func TestTrustRefuses(t *testing.T) {
	good := string(cosignedBy(t, 7, 1, 2))
	trust := trustIn(t, 2, 0)
	_, err := trust.Checkpoint([]byte(good))
	require.NoError(t, err)
	lines := strings.SplitAfter(good, "\n")
	for _, tt := range []struct {
		name, signed string
		reason       error
	}{
		{"nothing", "", ErrMalformed},
		{"text only", strings.Join(lines[:3], ""), ErrMalformed},
		{"another size", strings.Replace(good, "\n7\n", "\n8\n", 1), ErrSignature},
		{"witnesses only", strings.Join(append(slices.Clone(lines[:4]), lines[5:]...), ""), ErrSignature},
		{"a witness's signature under the log's name", strings.Replace(good, "— w0", "— "+origin, 1), nil},
		{"a bad cosignature", strings.Replace(good, lines[5], lines[5][:40]+"AAAA"+lines[5][44:], 1), ErrSignature},
		{"too long", good + strings.Repeat("x", maxNote), ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := trust.Checkpoint([]byte(tt.signed))
			require.Nil(t, c)
			if tt.reason == nil {
				_, short := errors.AsType[*QuorumError](err)
				require.True(t, short, "%v", err)
				return
			}
			refused, ok := errors.AsType[*RejectError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.reason, refused.Reason, "%v", err)
		})
	}
	for _, text := range []string{
		"", "a\n", "a\n1\n", "a\n1\nAAAA\n", "\n1\n" + tlog.Hash{}.String() + "\n", "a\n01\n" + tlog.Hash{}.String() + "\n",
		"a\n-1\n" + tlog.Hash{}.String() + "\n", "a\n0\n" + tlog.Hash{}.String() + "\n", "a\n281474976710657\n" + tlog.Hash{}.String() + "\n",
		"a\n1\n" + tlog.Hash{}.String() + "\n\nx\n", "a\n1\n" + tlog.Hash{}.String(), "a\n1\n" + strings.Replace(tlog.Hash{}.String(), "A=", "B=", 1) + "\n",
	} {
		_, err := parseCheckpoint(text)
		require.ErrorIs(t, err, ErrMalformed, "%q", text)
	}
}

// A policy that would let a log be its own witness, or one witness count twice, is refused.
func TestTrustIsChecked(t *testing.T) {
	signed := cosignedBy(t, 7, 1, 2)
	same, err := WitnessKey("alias", seeded("w0").Public())
	require.NoError(t, err)
	own, err := WitnessKey("w9", seeded("log").Public())
	require.NoError(t, err)
	for _, tt := range []struct {
		name   string
		change func(*Trust)
		says   string
	}{
		{"zero", func(x *Trust) { *x = Trust{} }, "verifier key"},
		{"no witness", func(x *Trust) { x.Witnesses = nil }, "names no witness"},
		{"quorum too large", func(x *Trust) { x.Quorum = 3 }, "asks for 3 cosignatures and names 2"},
		{"half of the witnesses", func(x *Trust) { x.Quorum = 1 }, "asks for 1 cosignatures of 2 witnesses"},
		{"negative quorum", func(x *Trust) { x.Quorum = -1 }, "asks for -1"},
		{"negative age", func(x *Trust) { x.MaxAge = -1 }, "negative MaxAge"},
		{"one key, two names", func(x *Trust) { x.Witnesses = append(x.Witnesses, same) }, "named twice"},
		{"twice the same", func(x *Trust) { x.Witnesses = append(x.Witnesses, x.Witnesses[0]) }, "named twice"},
		{"the log itself", func(x *Trust) { x.Witnesses = append(x.Witnesses, own) }, "its own witness"},
		{"a log's key for a witness", func(x *Trust) { x.Witnesses[0] = x.Log }, "want that of a witness"},
		{"a witness's key for the log", func(x *Trust) { x.Log = x.Witnesses[0] }, "want that of a log"},
		{"a key of another name", func(x *Trust) { x.Log = "other" + x.Log[strings.Index(x.Log, "+"):] }, "does not fit name and key"},
		{"half a key", func(x *Trust) { x.Log = x.Log[:60] }, "want name+hash+key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			trust := trustIn(t, 2, 0)
			tt.change(&trust)
			_, err := trust.Checkpoint(signed)
			require.ErrorContains(t, err, tt.says)
			_, refused := errors.AsType[*RejectError](err)
			require.False(t, refused, "it is the reader's fault")
			_, err = (&Reader{Source: Dir(t.TempDir()), Trust: trust}).Read(t.Context())
			require.Error(t, err)
		})
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, err = LogKey(origin, p256.Public())
	require.ErrorContains(t, err, "not an Ed25519 key")
	for _, name := range []string{"", "a b", "a+b", "a\x00", "\xff", strings.Repeat("x", 256)} {
		_, err := LogKey(name, seeded("x").Public())
		require.Error(t, err, "%q", name)
	}
}

func TestReceiptIsKept(t *testing.T) {
	w := newWorld(t, 2)
	_, err := w.log.Append(t.Context(), entry(0, 0).Entry, entry(0, 0).Previous)
	require.NoError(t, err)
	_, err = w.log.Receipt(t.Context(), 0)
	require.ErrorContains(t, err, "no witnessed checkpoint covers leaf 0 yet")
	w.publish()
	fill(t, w.log, 3, 1, 1)
	_, err = w.log.AppendAll(t.Context(), []Submission{entry(1, 0), entry(0, 1)})
	require.NoError(t, err)
	w.later(time.Hour)
	w.publish()
	w.later(time.Hour)
	w.publish() // again, of the same tree
	for i, want := range []struct {
		e     Entry
		hours int
	}{{entry(0, 0).Entry, 0}, {entry(1, 0).Entry, 1}, {entry(0, 1).Entry, 1}} {
		text, err := w.log.Receipt(t.Context(), int64(i))
		require.NoError(t, err)
		r, err := w.trust.Receipt(text)
		require.NoError(t, err)
		require.Equal(t, want.e, r.Entry)
		require.EqualValues(t, i, r.Index)
		require.Equal(t, epoch.Add(time.Duration(want.hours)*time.Hour), r.Time(), "since when, not as of when")
		require.Equal(t, text, r.Text())

		// Any flipped bit is noticed.
		for at := range text {
			for bit := range 8 {
				if testing.Short() && bit != at%8 {
					continue
				}
				bad := slices.Clone(text)
				bad[at] ^= 1 << bit
				if r, err := w.trust.Receipt(bad); err == nil {
					t.Fatalf("byte %d, bit %d of %q: accepted %+v", at, bit, text, r)
				}
			}
		}
	}
	for _, index := range []int64{-1, 3, 1 << 60} {
		_, err := w.log.Receipt(t.Context(), index)
		require.Error(t, err)
	}
}

func TestKeptIsReadOffline(t *testing.T) {
	w := newWorld(t, 2)
	fill(t, w.log, 2, 0, 20)
	w.publish()
	w.later(time.Minute)
	fill(t, w.log, 2, 20, 30)
	w.publish()
	online, err := w.reader(w.log).Read(t.Context(), machine(1))
	require.NoError(t, err)
	want, err := online.Record(machine(1).Chain)
	require.NoError(t, err)
	keep := func(record Record) *Kept {
		kept, err := w.reader(w.log).Keep(t.Context(), record)
		require.NoError(t, err)
		text, err := json.Marshal(kept)
		require.NoError(t, err)
		var again Kept
		require.NoError(t, json.Unmarshal(text, &again))
		return &again
	}
	v, err := w.trust.View(keep(machine(1)))
	require.NoError(t, err)
	got, err := v.Record(machine(1).Chain)
	require.NoError(t, err)
	require.Equal(t, want, got, "offline is as online")
	got0 := got
	w.later(2 * time.Hour)
	v, err = w.trust.View(keep(machine(1)))
	require.NoError(t, err)
	got, err = v.Record(machine(1).Chain)
	require.NoError(t, err)
	require.False(t, got.Fresh)

	v, err = w.trust.View(keep(machine(5)))
	require.NoError(t, err)
	got, err = v.Record(machine(5).Chain)
	require.NoError(t, err)
	require.Empty(t, got.Entries)

	again := keep(machine(1))
	slices.Reverse(again.Receipts)
	again.Receipts = append(again.Receipts, again.Receipts[3])
	v, err = w.trust.View(again)
	require.NoError(t, err)
	now, err := v.Record(machine(1).Chain)
	require.NoError(t, err)
	require.Equal(t, got0.Entries, now.Entries, "in any order, and one twice")

	other, none := keep(machine(0)), keep(machine(5))
	earlier := string(first(t, w))
	for _, tt := range []struct {
		name   string
		change func(*Kept)
		reason error
	}{
		{"another salt", func(k *Kept) { k.Salt = machine(0).Salt }, ErrHead},
		{"no salt", func(k *Kept) { k.Salt = Salt{} }, ErrHead},
		{"another chain", func(k *Kept) { k.Chain = machine(0).Chain }, ErrHead},
		{"another record's head", func(k *Kept) { k.Head = other.Head }, ErrHead},
		{"another record's receipts", func(k *Kept) { k.Receipts = other.Receipts }, ErrHead},
		{"a head without entries", func(k *Kept) { k.Receipts = append(k.Receipts, none.Receipts...); k.Head = none.Head }, ErrHead},
		{"an earlier checkpoint", func(k *Kept) { k.Checkpoint = earlier }, ErrHead},
		{"no head", func(k *Kept) { k.Head = "" }, ErrMalformed},
		{"no checkpoint", func(k *Kept) { k.Checkpoint = "" }, ErrMalformed},
		{"no receipt of entry 0", func(k *Kept) { k.Receipts = k.Receipts[1:] }, ErrHead},
		// Nothing would say since when the log holds it: who dates an entry back would leave it out.
		{"no receipt of an entry in between", func(k *Kept) { k.Receipts = slices.Delete(k.Receipts, 7, 8) }, ErrHead},
		{"no receipt of the newest entry", func(k *Kept) { k.Receipts = k.Receipts[:29] }, ErrHead},
		{"no receipts", func(k *Kept) { k.Receipts = nil }, ErrHead},
		{"a receipt that is none", func(k *Kept) { k.Receipts[0] = "" }, ErrMalformed},
		{"a checkpoint as head", func(k *Kept) { k.Head = k.Checkpoint }, ErrMalformed},
		{"a head as checkpoint", func(k *Kept) { k.Checkpoint = k.Head }, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept := keep(machine(1))
			tt.change(kept)
			v, err := w.trust.View(kept)
			require.Nil(t, v)
			refused, ok := errors.AsType[*RejectError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.reason, refused.Reason, "%v", err)
		})
	}
}

func first(t *testing.T, w *world) []byte {
	b, err := w.log.ReadFile(t.Context(), archivePath(40))
	require.NoError(t, err)
	return b
}

func TestSaltIsNotShown(t *testing.T) {
	s := NewSalt()
	require.NotEqual(t, s, NewSalt())
	text, err := s.MarshalText()
	require.NoError(t, err)
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x"} {
		shown := fmt.Sprintf(format, s)
		require.NotContains(t, shown, string(text))
		require.NotContains(t, shown, fmt.Sprintf("%x", s[:]))
	}
	var again Salt
	require.NoError(t, again.UnmarshalText(text))
	require.Equal(t, s, again)
	for _, bad := range []string{"x", string(text) + "A", string(text[:42]), string(text[:42]) + "="} {
		require.Error(t, again.UnmarshalText([]byte(bad)))
	}
	require.NoError(t, again.UnmarshalText(nil))
	require.True(t, again.IsZero())
	require.True(t, again.Key(digest("x")).IsZero(), "without a salt there is no key")
	require.NotEqual(t, s.Key(digest("x")), NewSalt().Key(digest("x")))
	k, err := ParseKey(s.Key(digest("x")).String())
	require.NoError(t, err)
	require.Equal(t, s.Key(digest("x")), k)
	for _, bad := range []string{"", "x", strings.Repeat("0", 64), strings.ToUpper(k.String()), k.String() + "0"} {
		_, err := ParseKey(bad)
		require.Error(t, err)
	}
}
