package reputation

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/chain"
)

func encode(t require.TestingT, st *State) []byte {
	data, err := st.MarshalBinary()
	require.NoError(t, err)
	return data
}

func TestEqualStatesHaveEqualBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		whole := fold(t, s, evidence)
		want := encode(t, whole)

		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Shuffle(len(evidence), func(i, j int) {
			evidence[i], evidence[j] = evidence[j], evidence[i]
		})
		require.Equal(t, want, encode(t, fold(t, s, evidence)), "in another order")

		cut := rapid.IntRange(0, len(evidence)).Draw(t, "cut")
		one, other := fold(t, s, evidence[:cut]), fold(t, s, evidence[cut:])
		stored, err := s.ReadState(encode(t, other))
		require.NoError(t, err)
		require.NoError(t, one.Merge(stored))
		require.Equal(t, want, encode(t, one), "split, stored, merged")

		read, err := s.ReadState(want)
		require.NoError(t, err)
		require.Equal(t, want, encode(t, read), "written and read")
		before, err := whole.Score(today)
		require.NoError(t, err)
		after, err := read.Score(today)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

// The point of counting by issuer: next epoch's numbers apply to what was counted long ago.
func TestAStateIsReadUnderAnotherPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evidence := drawEvidence(t)
		old := trusting(6)
		for i := range old.Issuers {
			old.Issuers[i].Sensitivity = rapid.Int64Range(500_001, 980_000).Draw(t, "sensitivity")
		}
		stored := encode(t, fold(t, scorerFor(t, old), evidence))

		young := scorerFor(t, drawPolicy(t)) // some of its issuers have no influence
		read, err := young.ReadState(stored)
		require.NoError(t, err)
		require.Equal(t, encode(t, fold(t, young, evidence)), encode(t, read))
	})
}

func TestCountsBeyond32BitsAreKept(t *testing.T) {
	s := scorerFor(t, trusting(2))
	e := Evidence{Sequence: 1, Digest: digestOf(1), Issuer: issuer(0), Day: today, Dimension: Obligations, Standing: Independent, Good: MaxExposure - 5, Bad: 5}
	event, err := s.Event(&e)
	require.NoError(t, err)
	one, other := s.State(""), s.State("")
	for range 3 {
		require.NoError(t, one.Fold(event, event))
		require.NoError(t, other.Fold(event, event))
	}
	require.NoError(t, one.Merge(other))
	read, err := s.ReadState(encode(t, one))
	require.NoError(t, err)
	for _, st := range []*State{one, read} {
		i := slices.IndexFunc(st.keys, func(key uint32) bool { return key < carryKey })
		require.Equal(t, cell{60, 12 * (MaxExposure - 5)}, st.cell(i, int(today.Window())%blockSize))
	}
	require.Equal(t, encode(t, one), encode(t, read))
}

func TestAnyFlippedByteOfAStateIsNoticed(t *testing.T) {
	s := scorerFor(t, trusting(8))
	evidence, _ := busy(t, s)
	data := encode(t, fold(t, s, evidence))
	for i := range data {
		for _, flip := range []byte{1, 0x80, 0xff} {
			flipped := slices.Clone(data)
			flipped[i] ^= flip
			_, err := s.ReadState(flipped)
			require.ErrorIs(t, err, ErrDamaged, "byte %d", i)
		}
	}
	for n := range data {
		_, err := s.ReadState(data[:n])
		require.ErrorIs(t, err, ErrDamaged, "cut to %d bytes", n)
	}
}

// sealed adds the checksum, as whoever writes nonsense on purpose would.
func sealed(text ...byte) []byte {
	return binary.BigEndian.AppendUint32(text, crc32.Checksum(text, castagnoli))
}

func TestNonsensicalStatesAreRefused(t *testing.T) {
	s := scorerFor(t, trusting(2))
	id := issuer(0).String()
	with := func(head []byte, rest ...byte) []byte {
		return sealed(slices.Concat(head, []byte{byte(len(id))}, []byte(id), rest)...)
	}
	head := []byte{1, 4, 1, 0, 0, 0, 0, 1} // version, class, events, last, forks, seen, no model, one issuer
	_, err := s.ReadState(with(head, 0, 1, 1, 2, 1, 0, 5, 5))
	require.NoError(t, err, "one cell of maintenance in the first week of all")

	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "checksum"},
		{"a newer version", sealed(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "update the program"},
		{"class 5", sealed(1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0), "out of range"},
		{"a number in two bytes that takes one", sealed(1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "out of range"},
		{"things nobody can see", sealed(1, 0, 0, 0, 0, 0xff, 0x7f, 0, 0, 0, 0), "out of range"},
		{"a model of half a rune", sealed(1, 0, 0, 0, 0, 0, 1, 0xc3, 0, 0, 0, 0), "no machine"},
		{"an issuer that says nothing", with(head, 0, 0, 0), "announces more"},
		{"an issuer that is no DID", sealed(1, 4, 1, 0, 0, 0, 0, 1, 1, 'x', 0, 1, 1, 2, 1, 0, 5, 5), "not DIDs"},
		{"outage of nothing", with(head, 1, 0, 0, 0, 0, 0, 0), "outages"},
		{"more blocks than there are", with(head, 0, 2, 1, 2, 1, 0, 5, 5), "announces more"},
		{"fewer blocks than there are", with(head, 0, 0, 1, 2, 1, 0, 5, 5), "announces more"},
		{"an empty row", with(head, 0, 1, 1, 2, 0, 0, 0, 0), "row is empty"},
		{"an empty cell", with(head, 0, 1, 1, 2, 1, 0, 0, 0), "cell is empty"},
		{"a cell after all weeks", with(head, 0, 1, 1, 2, 1, 0x93, 0x49, 5, 5), "out of its place"},
		{"a slot of nobody", with(head, 0, 1, 1, 25, 1, 0, 5, 5), "out of range"},
		{"more rows than bytes", with(head, 0, 1, 100, 2, 1, 0, 5, 5), "out of range"},
		{"something after it", with(head, 0, 1, 1, 2, 1, 0, 5, 5, 0), "follows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.ReadState(test.data)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// What is read is what is written; what is not, is refused, and costs no more than it may.
func FuzzReadState(f *testing.F) {
	s := scorerFor(f, trusting(8))
	evidence, _ := busy(f, s)
	f.Add(encode(f, fold(f, s, evidence)))
	f.Add(encode(f, fold(f, s, evidence[:9])))
	f.Add(encode(f, s.State("LX-4")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= 4 { // let it get beyond the checksum
			data = sealed(slices.Clone(data[:len(data)-4])...)
		}
		st, err := s.ReadState(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, cap(st.blocks)*64+cap(st.index)*8+cap(st.keys)*4, 40*len(data)+1000)
		_, err = st.Score(MaxDay)
		require.NoError(t, err)
		again := encode(t, st)
		if bytes.Equal(again, data) {
			return
		}
		// Other bytes only if it holds issuers whom s does not believe.
		reread, err := s.ReadState(again)
		require.NoError(t, err)
		require.Equal(t, again, encode(t, reread))
		require.Less(t, len(again), len(data))
	})
}

func TestTheLensIsWhatEvidenceDependsOn(t *testing.T) {
	machine, other := did.MustParse("did:example:machine"), did.MustParse("did:example:other")
	lens := func(edit func(p *Policy), signers ...int) any {
		p := trusting(4)
		if edit != nil {
			edit(p)
		}
		ids := []did.DID{machine}
		for _, i := range signers {
			ids = append(ids, issuer(i))
		}
		return scorerFor(t, p).Lens(machine, ids)
	}
	same := lens(nil, 0, 1)
	require.Equal(t, same, lens(nil, 1, 0, 1), "in any order")
	for name, edit := range map[string]func(p *Policy){
		"how far a signer is believed":   func(p *Policy) { p.Issuers[0].Sensitivity = 700_000 },
		"whether a stranger is believed": func(p *Policy) { p.Issuers = p.Issuers[:2] },
		"weights, priors, cost and name": func(p *Policy) {
			p.Weights.Availability, p.Weights.Maintenance = p.Weights.Maintenance, p.Weights.Availability
			p.Priors.Integrity.Mean, p.LossGivenDefault, p.Name = 1, 1, "x"
		},
		"who controls another machine": func(p *Policy) { p.Controllers = []Controller{{ID: issuer(0), Machines: []did.DID{other}}} },
	} {
		require.Equal(t, same, lens(edit, 0, 1), name)
	}
	for name, edit := range map[string]func(p *Policy){
		"whether a signer is believed": func(p *Policy) { p.Issuers = p.Issuers[1:] },
		"who has no influence":         func(p *Policy) { p.Issuers[1].Sensitivity, p.Issuers[1].Specificity = 500_000, 500_000 },
		"who controls the machine":     func(p *Policy) { p.Controllers = []Controller{{ID: issuer(0), Machines: []did.DID{machine}}} },
		"who controls an issuer":       func(p *Policy) { p.Issuers[3].Controller = issuer(0) },
		"how late is too late":         func(p *Policy) { p.MaxLateDays++ },
	} {
		require.NotEqual(t, same, lens(edit, 0, 1), name)
	}
	require.NotEqual(t, same, lens(nil, 0), "a signer more")
}

func BenchmarkWriteState(b *testing.B) {
	s := scorerFor(b, trusting(8))
	evidence, _ := busy(b, s)
	st := fold(b, s, evidence)
	st.Completeness = chain.C4
	var data []byte
	b.ReportAllocs()
	for b.Loop() {
		data, _ = st.AppendBinary(data[:0])
	}
	b.ReportMetric(float64(len(data)), "bytes")
}

func BenchmarkReadState(b *testing.B) {
	s := scorerFor(b, trusting(8))
	evidence, _ := busy(b, s)
	data := encode(b, fold(b, s, evidence))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.ReadState(data); err != nil {
			b.Fatal(err)
		}
	}
}
