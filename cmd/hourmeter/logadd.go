package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
)

const (
	addTries = 8                // for one batch: a log may need a while for its witnesses
	addPause = 2 * time.Second  // before the next, doubled each time, unless the log says how long
	addWait  = 30 * time.Second // the longest of these
)

func (a *app) logAddCommand() *cobra.Command {
	var l logFlags
	var network networkFlags
	var resolve resolveFlags
	cmd := &cobra.Command{
		Use:   "add FILE|FOLDER --to URL|FOLDER",
		Short: "Put records into a log",
		Long: `Put the entries of a record, or of all records of a fleet, into a log, and wait until
witnesses have cosigned it. What the log holds already is passed over, so that the command
can be run again at any time: after it was interrupted, or when records have grown.

Beside FILE.jsonl it keeps FILE.salt, by which the record is found in the log, and
FILE.kept.json, which shows without a network what the log held. The salt is made once:
hand it to whom you show the record, and keep it as long as the record. A log takes a
first entry only once, so put a record in before you show it to anybody.

Into a log's own folder its operator can add, while it is not being served; its witnesses
are then asked from here: name each as KEY@URL.`,
		Example: `  hourmeter log add drone-7.jsonl --to https://log.example/machines \
    --log-key log.example/machines+… --witness w1.example+… --witness w2.example+…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l.network = network
			v := verifier(nil)
			if err := a.lookUp(v, resolve, network); err != nil {
				return err
			}
			return a.addToLog(cmd.Context(), v, args[0], l)
		},
	}
	f := cmd.Flags()
	f.StringVar(&l.where, "to", "", "`URL` or folder of the log")
	f.StringVar(&l.key, "log-key", "", "verifier `key` of the log")
	f.StringArrayVar(&l.witnesses, "witness", nil, "verifier `key` of a witness, for a folder KEY@URL; may be repeated")
	f.IntVar(&l.quorum, "quorum", 0, "how many of the witnesses have to have cosigned, more than half (default all)")
	f.StringVar(&l.state, "log-state", "", "`file` that remembers the log's newest checkpoint from one run to the next")
	resolve.verifying(f)
	network.flags(f)
	return cmd
}

// A logTarget is a log that entries are added to, and read from after that.
type logTarget struct {
	*logReader
	add func(ctx context.Context, salt tlog.Salt, entries []chain.Item) error
	end func() error
}

func (a *app) addToLog(ctx context.Context, v *vc.Verifier, name string, l logFlags) (err error) {
	if l.where == "" || l.key == "" || len(l.witnesses) == 0 {
		return errors.New("--to, --log-key and at least one --witness are required: entries are in the log when witnesses say so")
	}
	var sources []source
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		sources, err = a.checkFleet(ctx, v, name)
		if err != nil {
			return err
		}
	} else {
		text, err := a.read(name, fleet.MaxChainBytes)
		if err != nil {
			return err
		}
		if name == "-" {
			return errors.New("a record in a pipe has no place for its salt beside it: name a file")
		}
		sources = []source{checkText(ctx, v, name, text)}
	}
	t, err := a.target(ctx, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()

	result := LogAdded{Verdict: Valid, Log: l.where, Records: []RecordAdded{}, Problems: []Problem{}}
	progress, finish := a.progress("adding")
	for i, s := range sources {
		added, problem := a.addRecord(ctx, t, &s)
		if problem != nil {
			result.Problems = append(result.Problems, *problem)
			result.Verdict = result.Verdict.worse(problem.Verdict)
		} else {
			result.Records = append(result.Records, added)
		}
		progress(i+1, len(sources))
		if ctx.Err() != nil {
			break
		}
	}
	finish()
	err = a.print(result, func(w io.Writer) {
		printProblems(w, result.Problems)
		for _, r := range result.Records {
			fmt.Fprintf(w, "%s: the log holds %s, %d of them new\n", r.File, count(r.Entries, "entry", "entries"), r.Added)
		}
		fmt.Fprintln(w, result.Verdict)
	})
	if err == nil && result.Verdict != Valid {
		return &verdictError{verdict: result.Verdict}
	}
	return err
}

// addRecord brings one record into the log and keeps what shows that it is there.
func (a *app) addRecord(ctx context.Context, t *logTarget, s *source) (RecordAdded, *Problem) {
	fail := func(verdict Verdict, err error) (RecordAdded, *Problem) {
		p := s.logProblem(err)
		p.Verdict = verdict
		return RecordAdded{}, &p
	}
	// 1. The record is whole: a log is no place to find out that it is not.
	if problems := s.problems(); len(problems) > 0 {
		return RecordAdded{}, &problems[0]
	}
	if s.report.History == nil || s.report.History.Len() == 0 {
		return fail(Invalid, errors.New("it has no entries"))
	}

	// 2. Its salt, which is on the disk before the log hears of it.
	r := RecordAdded{File: s.file, Machine: s.name, Subject: s.report.Machine.ID, Salt: beside(s.file, saltEnding), Kept: beside(s.file, keptEnding)}
	salt, err := a.salt(r.Salt)
	if missing(r.Salt) {
		salt = tlog.NewSalt()
		var text []byte
		if text, err = salt.MarshalText(); err == nil {
			err = a.write(output{name: r.Salt, secret: true}, append(text, '\n'))
		}
	}
	if err != nil {
		return fail(Unchecked, err)
	}
	record := tlog.Record{Chain: s.report.History.Chain(), Salt: salt}

	// 3. What the log does not hold yet. If it cannot say, all is sent: it passes over what it has.
	items := s.report.History.Entries()
	held := 0
	if view, err := t.Read(ctx, record); err == nil {
		logged, err := view.Record(record.Chain)
		if err == nil {
			_, err = s.report.History.Seen(view)
		}
		if err != nil {
			return fail(judgeLog(err), err)
		}
		held = len(logged.Entries)
	} else if judgeLog(err) == Invalid {
		return fail(Invalid, err)
	}
	for rest := items[min(held, len(items)):]; len(rest) > 0; {
		n, size := 0, tloghttp.MaxAdd+1024 // commas, and the rest of the body
		for n < min(len(rest), tloghttp.MaxAdd) && size+len(rest[n].Credential.JSON()) <= tloghttp.MaxAddBytes {
			size += len(rest[n].Credential.JSON())
			n++
		}
		if err := t.add(ctx, salt, rest[:n]); err != nil {
			refused, ok := errors.AsType[*resolver.RefuseError](err)
			switch {
			case ok && refused.Status == http.StatusForbidden:
				return fail(Refused, err)
			case ok && (refused.Status == http.StatusConflict || refused.Status == http.StatusBadRequest):
				return fail(Invalid, err)
			}
			return fail(judgeLog(err), err)
		}
		r.Added += int64(n)
		rest = rest[n:]
	}

	// 4. What shows it, checked.
	var kept *tlog.Kept
	err = t.again(func() (err error) {
		kept, err = t.Keep(ctx, record)
		return err
	})
	if err != nil {
		return fail(judgeLog(err), err)
	}
	view, err := t.Trust.View(kept)
	if err == nil {
		_, err = s.report.History.Seen(view)
	}
	if err != nil {
		return fail(judgeLog(err), err)
	}
	r.Entries = int64(len(kept.Receipts))
	text, err := json.Marshal(kept)
	if err == nil {
		err = a.write(output{name: r.Kept, force: true, secret: true}, append(text, '\n')) // it holds the salt
	}
	if err != nil {
		return fail(Unchecked, err)
	}
	if r.Entries < int64(len(items)) {
		return fail(Unchecked, fmt.Errorf("the log has published %d of %d entries: run the command again", r.Entries, len(items)))
	}
	return r, nil
}

// target opens a log to add to.
func (a *app) target(ctx context.Context, l logFlags) (*logTarget, error) {
	r, err := a.reader(l)
	if err != nil {
		return nil, err
	}
	if r.remote != nil {
		add := func(ctx context.Context, salt tlog.Salt, entries []chain.Item) error {
			var credentials [][]byte
			for _, it := range entries {
				credentials = append(credentials, []byte(it.Credential.JSON()))
			}
			return patiently(ctx, func() error {
				_, err := r.remote.Add(ctx, salt[:], credentials...)
				return err
			})
		}
		return &logTarget{logReader: r, add: add, end: func() error { return r.close(a) }}, nil
	}

	// A folder: this is its operator.
	client, err := l.network.client(a)
	if err != nil {
		return nil, err
	}
	keys, cosigners, err := witnessFlags(l.witnesses, client)
	if err != nil {
		return nil, err
	}
	if len(cosigners) < len(keys) {
		return nil, errors.New("--witness: to publish what is added to a folder, its witnesses are asked from here: name each as KEY@URL")
	}
	c, key, err := a.openLogFolder(ctx, l.where, "log")
	if err != nil {
		return nil, err
	}
	opened, err := tlog.Open(l.where, tlog.Config{Origin: c.Name, Key: key, Witnesses: keys, Quorum: l.quorum})
	if err != nil {
		return nil, err
	}
	r.Source, r.Scan = opened, false // it answers for its records itself
	publish := func(ctx context.Context) error {
		p, err := opened.Publish(ctx, cosigners...)
		if err == nil && !p.Published {
			err = fmt.Errorf("too few witnesses have cosigned it: %w", errors.Join(p.Failed...))
		}
		return err
	}
	add := func(ctx context.Context, salt tlog.Salt, entries []chain.Item) error {
		var submissions []tlog.Submission
		for _, it := range entries {
			name := it.Link.Chain
			if it.Link.Sequence == 0 {
				name = it.Credential.Digest()
			}
			entry := tlog.Entry{Key: salt.Key(name), Sequence: it.Link.Sequence, Digest: it.Credential.Digest()}
			submissions = append(submissions, tlog.Submission{Entry: entry, Previous: it.Link.Previous})
		}
		results, err := opened.AppendAll(ctx, submissions)
		if err != nil {
			return err
		}
		for _, result := range results {
			if result.Err != nil {
				return result.Err
			}
		}
		return publish(ctx)
	}
	// What was taken in before and not published, and a fresh word of the witnesses.
	if err := publish(ctx); err != nil {
		return nil, errors.Join(&verdictError{Unchecked, err.Error()}, opened.Close())
	}
	return &logTarget{logReader: r, add: add, end: func() error {
		client.CloseIdle()
		return errors.Join(r.close(a), opened.Close())
	}}, nil
}

// patiently tries again what may come out otherwise.
func patiently(ctx context.Context, try func() error) error {
	pause := addPause
	for n := 1; ; n++ {
		err := try()
		later, ok := errors.AsType[*resolver.RetryError](err)
		if !ok || n == addTries || ctx.Err() != nil {
			return err
		}
		wait := min(max(later.After, pause), addWait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
		pause *= 2
	}
}
