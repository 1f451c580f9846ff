package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Report says what a machine's file holds.
type Report struct {
	Machine Machine
	Lines   int       // of the file
	Defects []*Defect // in the order of the file, those about no line last; empty if all is well

	// History is the whole record if there is no defect. If there are, it is what is
	// left without the lines that are named, with gaps and forks disclosed; nil if
	// that contradicts itself, or nothing is left.
	History *chain.History
}

// A DefectKind says what is wrong, for programs.
type DefectKind string

// The kinds of defects.
const (
	Missing    DefectKind = "missing"    // the file, or its end, as of the last Save
	Torn       DefectKind = "torn"       // the last line has no line end
	Rejected   DefectKind = "rejected"   // the credential is bad: a *vc.RejectError
	Unchecked  DefectKind = "unchecked"  // the credential could not be checked: try again
	Foreign    DefectKind = "foreign"    // the credential is about another machine, or of another record
	Repeated   DefectKind = "repeated"   // an earlier line has the same credential
	OutOfOrder DefectKind = "outOfOrder" // the line before it has a later entry
	Gap        DefectKind = "gap"        // entries are missing before it: a *chain.GapError
	Fork       DefectKind = "fork"       // another line has the same sequence: a *chain.Equivocation
	BadLink    DefectKind = "link"       // it is no proper part of the record: a *chain.LinkError or *chain.TotalsError
)

// A Defect is one thing that is wrong with one file.
type Defect struct {
	Kind     DefectKind
	File     string  // with slashes, relative to the folder
	Line     int     // from 1; 0 if it is about no line
	Sequence int64   // of the entry, by its place in the file if it cannot be read; -1 if about none
	Machine  string  // its name
	ID       did.DID // the machine's
	Err      error   // what exactly
}

// Error implements error.
func (d *Defect) Error() string {
	where := d.File
	if d.Line > 0 {
		where = fmt.Sprintf("%s:%d", d.File, d.Line)
	}
	if d.Sequence >= 0 {
		return fmt.Sprintf("%s: entry %d of %s (%s): %v", where, d.Sequence, d.Machine, d.ID, d.Err)
	}
	return fmt.Sprintf("%s: %s (%s): %v", where, d.Machine, d.ID, d.Err)
}

// Unwrap returns d.Err.
func (d *Defect) Unwrap() error { return d.Err }

// Verify checks a machine's whole record on all cores: every credential with
// verifier, whose issuers it takes as they come, and the chain that they make.
// The error says that the file could not be read; what is wrong in it is in the
// report.
func (f *Folder) Verify(ctx context.Context, verifier *vc.Verifier, m Machine) (*Report, error) {
	text, err := readChain(f.root, m)
	if err != nil {
		return nil, err
	}
	return Check(ctx, verifier, m, text), ctx.Err()
}

// Check is [Folder.Verify] for the text of a chain file that need not be in a fleet.
// Of m, ID is required; File and Name are for messages; what a fleet remembers of
// the file may be zero.
func Check(ctx context.Context, verifier *vc.Verifier, m Machine, text []byte) *Report {
	lines, whole := split(text)
	r := &Report{Machine: m, Lines: len(lines)}
	add := func(kind DefectKind, line int, sequence int64, err error) {
		r.Defects = append(r.Defects, &Defect{Kind: kind, File: m.File, Line: line, Sequence: sequence, Machine: m.Name, ID: m.ID, Err: err})
	}
	if whole < len(text) {
		add(Torn, len(lines), -1, errors.New("the last line has no line end: it was cut, or the file was"))
	}

	// Each line on its own: a good credential, about this machine, once, after
	// those before it.
	var good []*vc.Verified
	lineOf := map[vc.Digest]int{} // from 1
	lost := map[int64]bool{}      // sequences of lines that are named below
	last := int64(-1)
	names := []did.DID{m.ID} // that some line gives the machine; whether it may, the chain says below
	acknowledged := m.Head.IsZero()
	for i, result := range verifier.VerifyAll(ctx, lines, vc.AnyIssuer) {
		line := i + 1
		sequence, readable := sequenceOf(lines[i])
		if !readable {
			sequence = last + 1
		}
		v := result.Verified
		switch {
		case v == nil:
			lost[sequence] = true
			kind := Unchecked
			if _, ok := errors.AsType[*vc.RejectError](result.Err); ok {
				kind = Rejected
			}
			add(kind, line, sequence, result.Err)
		case !slices.Contains(names, v.Subject()):
			add(Foreign, line, sequence, fmt.Errorf("the credential is about %s", v.Subject()))
			continue // it says nothing about what follows it
		case lineOf[v.Digest()] > 0:
			add(Repeated, line, sequence, fmt.Errorf("line %d is the same credential", lineOf[v.Digest()]))
		default:
			good = append(good, v)
			if name := chain.NamedBy(v); !name.IsZero() && !slices.Contains(names, name) && len(names) <= chain.MaxNames {
				names = append(names, name)
			}
			lineOf[v.Digest()] = line
			acknowledged = acknowledged || v.Digest() == m.Head
			if sequence < last {
				add(OutOfOrder, line, sequence, fmt.Errorf("it comes after entry %d", last))
			}
		}
		last = max(last, sequence)
	}
	if !acknowledged && !lost[m.Entries-1] {
		add(Missing, 0, m.Entries-1, fmt.Errorf("the file had %d entries when it was last saved; its end is missing: restore it from a copy", m.Entries))
	}

	// All of them together.
	defer func() {
		slices.SortStableFunc(r.Defects, func(a, b *Defect) int {
			return cmp.Or(cmp.Compare(min(b.Line, 1), min(a.Line, 1)), a.Line-b.Line) // those about no line last
		})
	}()
	if len(good) == 0 {
		return r
	}
	history, err := chain.New(m.ID, good...)
	bad := map[vc.Digest]bool{} // entries to do without
	for _, err := range leaves(err) {
		var gap *chain.GapError
		var fork *chain.Equivocation
		var link *chain.LinkError
		var totals *chain.TotalsError
		var mixed *chain.MixedError
		switch {
		case errors.As(err, &gap):
			if !covered(gap, lost) {
				add(Gap, lineAfter(good, lineOf, gap.To), gap.From, err)
			}
		case errors.As(err, &fork):
			// The record goes on with the first; what is wrong is the second.
			d := fork.Credentials[1].Digest()
			add(Fork, lineOf[d], fork.Sequence, fmt.Errorf("line %d has the same sequence: %w", lineOf[fork.Credentials[0].Digest()], err))
		case errors.As(err, &link):
			add(BadLink, lineOf[link.Digest], link.Sequence, err)
			bad[link.Digest] = true
		case errors.As(err, &totals):
			bad[totals.Digest] = true
			add(BadLink, lineOf[totals.Digest], totals.Sequence, err)
		case errors.As(err, &mixed):
			own := mostly(good)
			for _, v := range good {
				if name := recordOf(v); name != own {
					sequence, _ := sequenceOf([]byte(v.Raw()))
					add(Foreign, lineOf[v.Digest()], sequence, fmt.Errorf("it is an entry of record %s, the file is that of %s", name, own))
					bad[v.Digest()] = true
				}
			}
		default:
			add(BadLink, 0, -1, err)
		}
	}
	r.History = history
	if history == nil {
		rest := slices.DeleteFunc(good, func(v *vc.Verified) bool { return bad[v.Digest()] })
		r.History, _ = chain.NewDisclosed(m.ID, rest...)
	}
	return r
}

// sequenceOf reads the place of a credential in a record, as it claims it.
func sequenceOf(raw []byte) (int64, bool) {
	doc, err := strictjson.Parse(raw, strictjson.Limits{Bytes: vc.MaxCredentialBytes})
	if err != nil {
		return -1, false
	}
	n, ok := doc.Root().Member("record").Member("sequence").Int64()
	return n, ok && n >= 0
}

// recordOf returns the name of the record that v belongs to.
func recordOf(v *vc.Verified) vc.Digest {
	var link chain.Link
	if ok, err := v.Member("record", &link); !ok || err != nil || link.Sequence == 0 {
		return v.Digest()
	}
	return link.Chain
}

// mostly returns the record that most of the credentials belong to; the first of
// those that come out even.
func mostly(credentials []*vc.Verified) vc.Digest {
	var most vc.Digest
	count := map[vc.Digest]int{}
	for _, v := range credentials {
		count[recordOf(v)]++
	}
	for _, v := range credentials {
		if name := recordOf(v); count[name] > count[most] {
			most = name
		}
	}
	return most
}

// covered reports whether all that a gap lacks are lines that are named already.
func covered(gap *chain.GapError, lost map[int64]bool) bool {
	if gap.Missing() > int64(len(lost)) {
		return false
	}
	for s := gap.From; s <= gap.To; s++ {
		if !lost[s] {
			return false
		}
	}
	return true
}

// lineAfter returns the line of the entry that follows sequence.
func lineAfter(good []*vc.Verified, lineOf map[vc.Digest]int, sequence int64) int {
	for _, v := range good {
		if s, _ := sequenceOf([]byte(v.Raw())); s == sequence+1 {
			return lineOf[v.Digest()]
		}
	}
	return 0
}

// leaves returns the errors that were joined into err. An error of package
// chain, which unwraps to its reason and detail, is one of them.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	switch err.(type) {
	case *chain.GapError, *chain.Equivocation, *chain.LinkError, *chain.TotalsError, *chain.MixedError:
		return []error{err}
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}
