package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// splitCredentials returns the credentials of a file: one, which may go over
// many lines, or one on each line.
func splitCredentials(name string, text []byte) [][]byte {
	if !isChainFile(name, text) {
		return [][]byte{trimmed(text)}
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// isChainFile reports whether a file holds a credential on each line: its name
// says so, or it is no JSON text while several of its lines look like objects.
func isChainFile(name string, text []byte) bool {
	if strings.HasSuffix(name, ".jsonl") {
		return true
	}
	if _, err := strictjson.Parse(text, strictjson.Limits{}); err == nil {
		return false
	}
	objects := 0
	for l := range bytes.Lines(text) {
		l = bytes.TrimSpace(l)
		if bytes.HasPrefix(l, []byte(`{"`)) && bytes.HasSuffix(l, []byte("}")) {
			objects++
		}
	}
	return objects > 1
}

// A peek is what a credential says of itself, whether true or not: enough to
// tell people which one is bad.
type peek struct {
	isPresentation  bool
	issuer, subject did.DID
	sequence        *int64
}

func peekAt(raw []byte) peek {
	var p peek
	if e := opened(raw); e != nil {
		raw = e.Document
		if e.Binding != nil {
			p.isPresentation = true
		}
	}
	doc, err := strictjson.Parse(raw, strictjson.Limits{})
	if err != nil {
		p.issuer, p.subject = grep(issuerText, raw), grep(subjectText, raw)
		return p
	}
	root := doc.Root()
	party := func(v strictjson.Value) did.DID {
		if v.Kind() == strictjson.Object {
			v = v.Member("id")
		}
		id, _ := did.Parse(v.Text())
		return id
	}
	p.issuer, p.subject = party(root.Member("issuer")), party(root.Member("credentialSubject"))
	if n, ok := root.Member("record").Member("sequence").Int64(); ok {
		p.sequence = &n
	}
	types := root.Member("type")
	shown := func(t strictjson.Value) bool {
		return t.Text() == "VerifiablePresentation" || t.Text() == "EnvelopedVerifiablePresentation"
	}
	p.isPresentation = p.isPresentation || shown(types)
	for t := types.First(); types.Kind() == strictjson.Array && t.Exists(); t = t.Next() {
		p.isPresentation = p.isPresentation || shown(t)
	}
	return p
}

// What is no JSON any more may still show whose it was.
var (
	issuerText  = regexp.MustCompile(`"issuer":\s*"(did:[^"]{1,300})"`)
	subjectText = regexp.MustCompile(`"credentialSubject":\s*\{\s*"id":\s*"(did:[^"]{1,300})"`)
)

func grep(pattern *regexp.Regexp, raw []byte) did.DID {
	if m := pattern.FindSubmatch(raw); m != nil {
		id, _ := did.Parse(string(m[1]))
		return id
	}
	return did.DID{}
}

// A source is one machine's record as it was found and checked.
type source struct {
	file    string
	name    string // what the fleet calls the machine
	lines   [][]byte
	report  *fleet.Report
	names   func(did.DID) string // what the fleet calls somebody
	parties []fleet.Party        // of the fleet
	log     *LogSeen             // what a log holds of it; nil if none was asked, or none answered
	found   []Problem            // by asking a log
}

// checkText verifies a chain file that belongs to no fleet.
func checkText(ctx context.Context, v *vc.Verifier, file string, text []byte) source {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n') // not every editor writes one
	}
	lines := splitCredentials(".jsonl", text)
	// The machine is the one that most of the lines are about, or the first: later ones may have another name of it.
	votes := map[did.DID]int{}
	var subject did.DID
	for _, l := range lines {
		p := peekAt(l)
		id := p.subject
		if p.sequence != nil && *p.sequence == 0 && !id.IsZero() {
			votes[id] += len(lines)
		}
		if votes[id]++; !id.IsZero() && votes[id] > votes[subject] {
			subject = id
		}
	}
	return source{
		file: file, lines: lines, names: func(did.DID) string { return "" },
		report: fleet.Check(ctx, v, fleet.Machine{ID: subject, File: file}, text),
	}
}

// checkFleet verifies every record of a folder.
func (a *app) checkFleet(ctx context.Context, v *vc.Verifier, path string) ([]source, error) {
	folder, err := fleet.Open(path)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names := map[did.DID]string{}
	for _, m := range folder.Machines() {
		names[m.ID] = m.Name
	}
	for _, p := range folder.Parties() {
		names[p.ID] = p.Name
	}
	progress, finish := a.progress("verifying")
	defer finish()
	var sources []source
	machines := folder.Machines()
	for i, m := range machines {
		report, err := folder.Verify(ctx, v, m)
		if err != nil {
			return nil, err
		}
		s := source{file: filepath.Join(path, filepath.FromSlash(m.File)), name: m.Name, report: report, names: func(id did.DID) string { return names[id] }, parties: folder.Parties()}
		if s.lines, err = folder.Credentials(m); err != nil {
			return nil, err
		}
		sources = append(sources, s)
		progress(i+1, len(machines))
	}
	return sources, nil
}

// problems says what is wrong with s, in the order of the file.
func (s source) problems() []Problem {
	var list []Problem
	for _, d := range s.report.Defects {
		p := Problem{
			File: s.file, Line: d.Line, Subject: d.ID, Machine: d.Machine,
			Verdict: Invalid, Kind: string(d.Kind), Message: explain(d.Err),
		}
		if d.Kind == fleet.Unchecked {
			p.Verdict = Unchecked
		}
		if d.Sequence >= 0 {
			p.Sequence = &d.Sequence
		}
		if gap, ok := asGap(d.Err); ok {
			p.Missing = gap.Missing()
		} else if d.Line > 0 && d.Line <= len(s.lines) {
			p.Issuer = peekAt(s.lines[d.Line-1]).issuer
			p.IssuerName = s.names(p.Issuer)
		}
		list = append(list, p)
	}
	return append(list, s.found...)
}

// counts says how the lines of s came out.
func (s source) counts() Counts {
	verdicts := make(map[int]Verdict)
	for _, d := range s.report.Defects {
		if d.Line == 0 || d.Kind == fleet.Gap {
			continue
		}
		v := Invalid
		if d.Kind == fleet.Unchecked {
			v = Unchecked
		}
		verdicts[d.Line] = verdicts[d.Line].worse(v)
	}
	c := Counts{Valid: int64(len(s.lines) - len(verdicts))}
	for _, v := range verdicts {
		c.add(v)
	}
	return c
}

// describe sums up what is left of a record.
func (s source) describe(verdict Verdict) Record {
	r := Record{File: s.file, Machine: s.name, Subject: s.report.Machine.ID, Verdict: verdict, Gaps: []Gap{}, Forks: []Fork{}}
	h := s.report.History
	if h == nil {
		return r
	}
	head := h.Head()
	r.Chain, r.Class, r.Owner, r.Retired = head.Chain, h.Class().String(), head.Owner, head.Retired
	r.Names = head.Names
	r.Shown, r.Totals, r.Newest = int64(h.Len()), head.Totals, head.Latest
	for _, g := range h.Gaps() {
		r.Gaps = append(r.Gaps, Gap{g.From, g.To})
	}
	for _, e := range h.Equivocations() {
		r.Forks = append(r.Forks, describeFork(e))
	}
	r.Backdated = int64(len(h.Backdated()))
	for _, it := range h.Entries() {
		if it.Void == nil {
			continue
		}
		v := VoidEntry{Sequence: it.Void.Sequence, Digest: it.Void.Digest, Issuer: it.Void.Issuer, Key: it.Void.Key.Method, Since: it.Void.Key.Since, Message: explain(it.Void)}
		if by := it.Void.Key.Sequence; by >= 0 {
			v.ReportedBy = &by
		}
		r.Void = append(r.Void, v)
	}
	r.Log = s.log
	return r
}

func describeFork(e *chain.Equivocation) Fork {
	a, b := e.Credentials[0], e.Credentials[1]
	return Fork{
		Sequence: e.Sequence, Digests: [2]vc.Digest{a.Digest(), b.Digest()},
		Issuers: [2]did.DID{a.Issuer(), b.Issuer()}, SignedBoth: e.SignedBoth(), Settled: e.Settled(),
	}
}
