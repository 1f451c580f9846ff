package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// logFlags say which log to ask, and whose word on it counts.
type logFlags struct {
	where     string // URL, folder, or kept
	key       string
	witnesses []string
	quorum    int
	maxAge    time.Duration
	scan      bool
	state     string
	salt      string
	network   networkFlags
}

// keptWord stands for what log add kept beside each record.
const keptWord = "kept"

func (l *logFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&l.where, "log", "", "`URL` or folder of a log to ask about the record, or the word kept for what log add kept")
	f.StringVar(&l.salt, "salt", "", "`file` with the salt of the record (default FILE.salt beside FILE.jsonl)")
	l.trust(f)
}

func (l *logFlags) trust(f *pflag.FlagSet) {
	f.StringVar(&l.key, "log-key", "", "verifier `key` of the log")
	f.StringArrayVar(&l.witnesses, "witness", nil, "verifier `key` of a witness; may be repeated")
	f.IntVar(&l.quorum, "quorum", 0, "how many of the witnesses have to have cosigned, more than half (default all)")
	f.DurationVar(&l.maxAge, "max-age", time.Hour, "how old a checkpoint may be that shows the newest entry (class C4)")
	f.BoolVar(&l.scan, "scan", false, "read all entries of the log instead of taking its signed word for which is the newest")
	f.StringVar(&l.state, "log-state", "", "`file` that remembers the log's newest checkpoint from one run to the next")
	l.network.flags(f)
}

// given reports whether a log is to be asked. It is an error to say how and not which.
func (l *logFlags) given() (bool, error) {
	if l.where == "" {
		if l.key != "" || len(l.witnesses) > 0 || l.salt != "" {
			return false, errors.New("--log is required with --log-key, --witness and --salt: say which log to ask")
		}
		return false, nil
	}
	if l.key == "" || len(l.witnesses) == 0 {
		return false, errors.New("--log needs --log-key and at least one --witness: without, a log could show anybody anything")
	}
	return true, nil
}

func (l *logFlags) trusted() (tlog.Trust, error) {
	keys, _, err := witnessFlags(l.witnesses, nil)
	trust := tlog.Trust{Log: l.key, Witnesses: keys, Quorum: l.quorum, MaxAge: l.maxAge}
	if err != nil {
		return trust, err
	}
	// Of nothing it says that it is no checkpoint, if there is nothing wrong with itself.
	_, err = trust.Checkpoint(nil)
	if _, ok := errors.AsType[*tlog.RejectError](err); ok {
		err = nil
	}
	return trust, err
}

// A logReader asks one log.
type logReader struct {
	*tlog.Reader
	remote *resolver.Log // nil for a folder
	state  string
}

// reader returns a reader for the log. Close it.
func (a *app) reader(l logFlags) (*logReader, error) {
	trust, err := l.trusted()
	if err != nil {
		return nil, err
	}
	r := &logReader{Reader: &tlog.Reader{Trust: trust, Scan: l.scan}, state: l.state}
	if strings.HasPrefix(l.where, "https://") {
		client, err := l.network.client(a)
		if err != nil {
			return nil, err
		}
		r.remote = &resolver.Log{URL: l.where, Client: client}
		r.Source = r.remote
	} else {
		if strings.Contains(l.where, "://") {
			return nil, fmt.Errorf("%s: a log is read at an https:// URL or in a folder", l.where)
		}
		if info, err := os.Stat(l.where); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%s: there is no such folder", l.where)
		}
		r.Source, r.Scan = tlog.Dir(l.where), true // a folder does not answer for a record
	}
	if l.state == "" || missing(l.state) {
		return r, nil
	}
	known, err := a.read(l.state, maxLogFile)
	if err == nil {
		err = r.Remember(known)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.state, err)
	}
	return r, nil
}

// close remembers what was seen.
func (r *logReader) close(a *app) error {
	if r.remote != nil {
		r.remote.Client.CloseIdle()
	}
	if known := r.Known(); r.state != "" && known != nil {
		return a.write(output{name: r.state, force: true}, known)
	}
	return nil
}

// again asks once more without what is kept in memory, if a file did not fit: the log may have been
// writing, or have been repaired.
func (r *logReader) again(ask func() error) error {
	err := ask()
	if _, ok := errors.AsType[*tlog.CorruptError](err); ok && r.remote != nil {
		if forgot := r.remote.Forget(); forgot == nil {
			err = ask()
		}
	}
	return err
}

// judgeLog turns the error of reading a log into a verdict.
func judgeLog(err error) Verdict {
	_, bad := errors.AsType[*tlog.RejectError](err)
	_, lied := errors.AsType[*tlog.Misbehaviour](err)
	_, broke := errors.AsType[*tlog.SequenceError](err)
	_, taken := errors.AsType[*tlog.TakenError](err)
	_, order := errors.AsType[*tlog.OrderError](err)
	if bad || lied || broke || taken || order || isDefect(err) {
		return Invalid
	}
	return Unchecked
}

// beside returns the name of what is kept beside a record.
func beside(file, ending string) string { return strings.TrimSuffix(file, ".jsonl") + ending }

const (
	saltEnding = ".salt"      // the record's salt, 43 characters
	keptEnding = ".kept.json" // a tlog.Kept
	maxKept    = 64 << 20     // 1 kB an entry
)

// salt reads the salt of a record.
func (a *app) salt(name string) (tlog.Salt, error) {
	var salt tlog.Salt
	text, err := a.read(name, maxPassphrase)
	if err != nil {
		return salt, err
	}
	if err := salt.UnmarshalText([]byte(strings.TrimSpace(string(text)))); err != nil || salt.IsZero() {
		return salt, fmt.Errorf("%s holds no salt: 43 characters, as log add writes them", name)
	}
	return salt, nil
}

// askLog asks the log about all sources, and puts what it says into their histories and problems.
func (a *app) askLog(ctx context.Context, sources []source, l logFlags) (err error) {
	if ask, err := l.given(); !ask {
		return err
	}
	if l.salt != "" && len(sources) != 1 {
		return errors.New("--salt is that of one record")
	}
	trust, err := l.trusted()
	if err != nil {
		return err
	}
	var r *logReader
	if l.where != keptWord {
		if r, err = a.reader(l); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.close(a)) }()
	}
	var down error // once the log cannot be reached, it is not asked a thousand times
	for i := range sources {
		s := &sources[i]
		h := s.report.History
		if h == nil || h.Class() == chain.C0 {
			continue
		}
		var view *tlog.View
		err := down
		if err == nil && r == nil {
			view, err = a.keptView(trust, s.file)
		} else if err == nil {
			view, err = a.ask(ctx, r, s, h.Chain(), l.salt)
		}
		if err == nil {
			err = s.seen(view)
		}
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[*resolver.RetryError](err); ok || ctx.Err() != nil {
			down = err
		}
		s.found = append(s.found, s.logProblem(err))
	}
	return nil
}

// kept reads what log add kept.
func (a *app) kept(name string) (*tlog.Kept, error) {
	text, err := a.read(name, maxKept)
	if err != nil {
		return nil, err
	}
	if _, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxKept}); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	kept := new(tlog.Kept)
	if err := json.Unmarshal(text, kept, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return kept, nil
}

// keptView checks what log add kept beside a record, offline.
func (a *app) keptView(trust tlog.Trust, file string) (*tlog.View, error) {
	name := beside(file, keptEnding)
	kept, err := a.kept(name)
	if err != nil {
		return nil, err
	}
	view, err := trust.View(kept)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return view, nil
}

func (a *app) ask(ctx context.Context, r *logReader, s *source, name vc.Digest, saltFile string) (view *tlog.View, err error) {
	if saltFile == "" {
		saltFile = beside(s.file, saltEnding)
	}
	salt, err := a.salt(saltFile)
	if err != nil {
		return nil, fmt.Errorf("the log cannot be asked without the record's salt: %w", err)
	}
	return view, r.again(func() error {
		view, err = r.Read(ctx, tlog.Record{Chain: name, Salt: salt})
		return err
	})
}

// seen puts what a log says into the history of s.
func (s *source) seen(view *tlog.View) error {
	h := s.report.History
	logged, err := view.Record(h.Chain())
	if err != nil {
		return err
	}
	c := view.Checkpoint
	s.log = &LogSeen{Origin: c.Origin, Size: c.Size, Time: logged.Time, Fresh: logged.Fresh, Entries: int64(len(logged.Entries)), Newest: -1}
	if n := len(logged.Entries); n > 0 {
		s.log.Newest = logged.Entries[n-1].Sequence
	}
	seen, err := h.Seen(view)
	if _, withheld := asGap(err); withheld {
		// The record as shown, with the end disclosed as missing.
		if disclosed, again := h.Disclosed().Seen(view); again != nil {
			err = again
		} else {
			seen = disclosed
		}
	} else if err == nil {
		for _, g := range seen.Gaps() {
			if g.From > h.Head().Sequence {
				err = &g
			}
		}
	}
	s.report.History = seen
	return err
}

// logProblem says what a log, or the lack of one, shows to be wrong with s.
func (s *source) logProblem(err error) Problem {
	p := Problem{File: s.file, Subject: s.report.Machine.ID, Machine: s.name, Verdict: judgeLog(err), Kind: "log", Message: explain(err)}
	if gap, ok := asGap(err); ok {
		p.Kind, p.Sequence, p.Missing = "gap", &gap.From, gap.Missing()
		p.Message = fmt.Sprintf("the end is withheld: the log %s holds %s", s.log.Origin, count(gap.Missing(), "more entry", "more entries"))
	} else if link, ok := errors.AsType[*chain.LinkError](err); ok {
		p.Kind, p.Sequence, p.Issuer, p.IssuerName = "link", &link.Sequence, link.Issuer, s.names(link.Issuer)
	}
	return p
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (a *app) logCheckCommand() *cobra.Command {
	var l logFlags
	var evidence string
	cmd := &cobra.Command{
		Use:   "check URL|FOLDER",
		Short: "Audit a log: read all of it and check every rule",
		Long: `Read all entries of a log and check that they make the tree that it signed and its
witnesses cosigned, and that each record in it goes on as it should. With --log-state, it
also goes on from what was seen before.

If the log broke its word, what convicts it is written to --evidence, for anybody to check.`,
		Example: `  hourmeter log check https://log.example/machines --log-key log.example/machines+… --log-state seen --evidence evidence.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l.where = args[0]
			return a.checkLog(cmd.Context(), l, evidence)
		},
	}
	l.trust(cmd.Flags())
	cmd.Flags().StringVar(&evidence, "evidence", "", "`file` for evidence against the log")
	return cmd
}

func (a *app) checkLog(ctx context.Context, l logFlags, evidence string) (err error) {
	if _, err := l.given(); err != nil {
		return err
	}
	r, err := a.reader(l)
	if err != nil {
		return err
	}
	// Read holds the checkpoint against the one remembered, Audit reads all entries.
	auditor := &tlog.Auditor{Source: r.Source, Trust: r.Trust}
	var c *tlog.Checkpoint
	err = r.again(func() error {
		view, err := r.Read(ctx)
		if err != nil {
			return err
		}
		c = view.Checkpoint
		if c.Size == 0 {
			return nil
		}
		c, err = auditor.Audit(ctx)
		return err
	})
	if err != nil {
		text := fmt.Sprintf("%s: %s", l.where, oneLine(err.Error()))
		if m, ok := errors.AsType[*tlog.Misbehaviour](err); ok && evidence != "" {
			if err := a.write(output{name: evidence}, append(slices.Clone(m.Evidence()), '\n')); err != nil {
				return err
			}
			text += "\nThe evidence is in " + evidence + "."
		}
		return &verdictError{judgeLog(err), text}
	}
	if err := r.close(a); err != nil {
		return err
	}
	result := LogChecked{Verdict: Valid, Origin: c.Origin, Size: c.Size, Time: c.AsOf(), Fresh: time.Since(c.AsOf()) <= l.maxAge, Checkpoint: c.Digest()}
	for _, s := range c.Cosignatures {
		result.Witnesses = append(result.Witnesses, LogWitness{Name: s.Witness, Time: s.Time})
	}
	return a.print(result, func(w io.Writer) {
		table(w, func(w io.Writer) {
			fmt.Fprintf(w, "log\t%s\n", result.Origin)
			fmt.Fprintf(w, "entries\t%d, all of them in order\n", result.Size)
			age := "as recent as asked for"
			if !result.Fresh {
				age = "older than asked for"
			}
			fmt.Fprintf(w, "as of\t%s, %s\n", result.Time.Format(time.RFC3339), age)
			for _, wit := range result.Witnesses {
				fmt.Fprintf(w, "witness\t%s, %s\n", wit.Name, wit.Time.Format(time.RFC3339))
			}
		})
		fmt.Fprintln(w, result.Verdict)
	})
}
