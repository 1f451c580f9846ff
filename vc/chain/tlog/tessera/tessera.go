// Package tessera runs the log of package tlog on transparency-dev/tessera, for
// operators who outgrow one machine: leaves, rule, checkpoints, heads, archive and
// receipts are the same, and so are the readers. Tessera keeps entries and tiles and
// has checkpoints cosigned, on a POSIX file system, on AWS or on GCP: the caller
// brings its driver. It is a module of its own, so that nobody else links Tessera.
//
//	driver, err := posix.New(ctx, posix.Config{Path: "/srv/log/public"})
//	log, err := tessera.Open(ctx, driver, tessera.Config{
//		Config:  tlog.Config{Origin: "log.example/machines", Key: key, Witnesses: keys},
//		URLs:    urls,
//		Archive: "/srv/log/archive",
//	})
//
// On AWS the driver is, instead, that of storage/aws
//
//	driver, err := aws.New(ctx, aws.Config{Bucket: "log", DSN: "user:secret@tcp(db:3306)/log", MaxOpenConns: 32, MaxIdleConns: 8})
//
// and on GCP that of storage/gcp
//
//	driver, err := gcp.New(ctx, gcp.Config{Bucket: "log", Spanner: "projects/p/instances/i/databases/d"})
//
// Tiles and the raw checkpoint are then served from the bucket, and heads, archive and
// receipts by this program: see [Log.ReadFile].
//
// # One writer
//
// A log takes entry n of a record only after entry n−1, so somebody has to know the
// newest of every record. That is this package, in memory: some 200 bytes an entry. It
// reads all entries when it opens, so nothing else has to be kept, and nothing can
// contradict the log. Therefore one process at a time writes. The archive's folder is
// locked, which holds on one machine; between machines, let a lease of your own decide
// who runs. Two writers that run all the same are noticed, by the indexes that Tessera
// gives, before a second entry is acknowledged, and the log stops. Any number of
// processes may serve what is written.
//
// The danger: what is acknowledged is kept, but readers see it only with the next
// checkpoint. If witnesses are out of reach there is none, and [Log.Update] says so.
package tessera

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/note"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

const (
	bundleWidth = 256  // entries in a full bundle, hashes in a full tile (C2SP tlog-tiles)
	leafBytes   = 72   // of an entry of a record: see tlog.Entry
	maxWave     = 1024 // entries on their way at once; Tessera pushes back from 4096 on

	// poll is how often Open asks whether Tessera has caught up with itself.
	poll = 50 * time.Millisecond
)

// Config says who a log is and where its parts are.
type Config struct {
	tlog.Config // with at least one witness

	// URLs are where the witnesses answer, in the order of Witnesses, such as
	// "https://witness.example/w1": Tessera asks below it for add-checkpoint (C2SP
	// tlog-witness), by the HTTP client that the driver was given.
	URLs []string

	Archive string // folder for archived checkpoints, on the machine that writes

	// Options are Tessera's own: how often to publish, how large batches are. nil means
	// its defaults. Signer and witnesses are set by Open.
	Options *tessera.AppendOptions
}

// A Log is a [tlog.Log] on Tessera. It is safe for concurrent use.
type Log struct {
	answers  *tlog.Answerer
	appender *tessera.Appender
	shutdown func(context.Context) error
	cancel   context.CancelFunc

	// adding is held while entries are on their way. A checkpoint may cover those already, and
	// whoever read them from there would take them for another writer's.
	adding  sync.Mutex
	stopped error
}

// Open opens the log that a driver keeps, or begins it. It reads all entries, and
// waits until Tessera has integrated what it had taken in before.
func Open(ctx context.Context, driver tessera.Driver, c Config) (*Log, error) {
	// 1. Who signs and who cosigns.
	if len(c.Witnesses) == 0 || len(c.URLs) != len(c.Witnesses) {
		return nil, fmt.Errorf("tessera: log %s: %d witnesses and %d URLs: want as many, and one at least", c.Origin, len(c.Witnesses), len(c.URLs))
	}
	if c.Quorum == 0 {
		c.Quorum = len(c.Witnesses)/2 + 1 // as tlog.Config says
	}
	if c.Quorum < 0 || c.Quorum > len(c.Witnesses) {
		return nil, fmt.Errorf("tessera: log %s asks for %d cosignatures and names %d witnesses", c.Origin, c.Quorum, len(c.Witnesses))
	}
	s, err := newSigner(c.Origin, c.Key)
	if err != nil {
		return nil, err
	}
	group := tessera.WitnessGroup{N: c.Quorum}
	for i, key := range c.Witnesses {
		u, err := url.Parse(c.URLs[i])
		if err != nil {
			return nil, fmt.Errorf("tessera: URL of witness %d: %w", i, err)
		}
		w, err := tessera.NewWitness(key, u)
		if err != nil {
			return nil, fmt.Errorf("tessera: key of witness %d: %w", i, err)
		}
		group.Components = append(group.Components, w)
	}

	// 2. The archive: it locks out other writers on this machine.
	files := new(source)
	answers, err := tlog.OpenAnswerer(c.Archive, files, c.Config)
	if err != nil {
		return nil, err
	}

	// 3. Tessera, and what it holds.
	options := c.Options
	if options == nil {
		options = tessera.NewAppendOptions()
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Log{answers: answers, cancel: cancel}
	l.appender, l.shutdown, files.LogReader, err = tessera.NewAppender(running, driver, options.WithCheckpointSigner(s).WithWitnesses(group, nil))
	if err != nil {
		err = fmt.Errorf("tessera: log %s: %w", c.Origin, err)
	} else {
		err = l.load(ctx, files)
	}
	if err != nil {
		cancel()
		return nil, errors.Join(err, answers.Close())
	}
	return l, nil
}

// load waits until all that has an index is integrated, and reads it.
func (l *Log) load(ctx context.Context, reader *source) error {
	var size uint64
	for {
		next, err := reader.NextIndex(ctx)
		if err != nil {
			return fmt.Errorf("tessera: %w", err)
		}
		if size, err = reader.IntegratedSize(ctx); err != nil {
			return fmt.Errorf("tessera: %w", err)
		}
		if size >= next {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("tessera: %d entries wait to be integrated: %w", next-size, ctx.Err())
		case <-time.After(poll):
		}
	}
	for n := uint64(0); n*bundleWidth < size; n++ {
		width := min(bundleWidth, size-n*bundleWidth)
		bundle, err := reader.bundle(ctx, n, width)
		if err != nil {
			return fmt.Errorf("tessera: entries %d to %d: %w", n*bundleWidth, n*bundleWidth+width-1, err)
		}
		for ; len(bundle) > 0; bundle = bundle[2+leafBytes:] {
			if binary.BigEndian.Uint16(bundle) != leafBytes {
				return fmt.Errorf("tessera: bundle %d holds something else than entries of records", n)
			}
			e, err := tlog.ParseEntry(bundle[2 : 2+leafBytes])
			if err == nil {
				err = l.answers.Add(e)
			}
			if err != nil {
				return fmt.Errorf("tessera: bundle %d: %w", n, err)
			}
		}
	}
	_, err := l.answers.Update(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Tessera publishes the first one shortly
	}
	return err
}

// Append is [tlog.Log.Append]: it returns when Tessera has taken the entry in for
// good. It has no place in a checkpoint yet.
func (l *Log) Append(ctx context.Context, e tlog.Entry, previous vc.Digest) (index int64, err error) {
	results, err := l.AppendAll(ctx, []tlog.Submission{{Entry: e, Previous: previous}})
	if err != nil {
		return 0, err
	}
	return results[0].Index, results[0].Err
}

// AppendAll is [tlog.Log.AppendAll]. Entries of different records go together; those
// of one record, one after the other, a Tessera batch each. An error that wraps
// [tessera.ErrPushback] says to try again what has it. After any other failure of
// Tessera it is not known what was taken in: the log stops until it is opened again.
func (l *Log) AppendAll(ctx context.Context, submissions []tlog.Submission) ([]tlog.Result, error) {
	l.adding.Lock()
	defer l.adding.Unlock()
	results := make([]tlog.Result, len(submissions))
	waiting := make([]int, len(submissions))
	for i := range waiting {
		waiting[i] = i
	}
	for len(waiting) > 0 {
		if l.stopped != nil {
			return nil, l.stopped
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var later []int
		var wave []flight
		under := map[tlog.Key]bool{}  // records with an entry in this wave
		begun := map[vc.Digest]bool{} // records that begin in it: each has one salt, and so one key
		for _, i := range waiting {
			s := submissions[i]
			first := s.Entry.Sequence == 0
			if under[s.Entry.Key] || first && begun[s.Entry.Digest] || len(wave) == maxWave {
				later = append(later, i)
				continue
			}
			index, held, err := l.answers.Look(s)
			if err != nil || held {
				results[i] = tlog.Result{Index: index, Err: err}
				continue
			}
			under[s.Entry.Key] = true
			if first {
				begun[s.Entry.Digest] = true
			}
			wave = append(wave, flight{at: i, entry: s.Entry, landed: l.appender.Add(ctx, tessera.NewEntry(s.Entry.Leaf()))})
		}
		if err := l.land(wave, results); err != nil {
			return nil, err
		}
		waiting = later
	}
	return results, nil
}

// A flight is an entry on its way.
type flight struct {
	at     int // in the results
	entry  tlog.Entry
	landed tessera.IndexFuture
	index  uint64
}

// land waits for all of a wave. The entries of one have no order among themselves, but
// the indexes that they get come right after those that are known: this is the only writer.
func (l *Log) land(wave []flight, results []tlog.Result) error {
	landed := wave[:0]
	var failed error
	for _, f := range wave {
		index, err := f.landed()
		switch {
		case errors.Is(err, tessera.ErrPushback):
			results[f.at].Err = err
		case err != nil:
			failed = err
		default:
			f.index = index.Index
			landed = append(landed, f)
		}
	}
	slices.SortFunc(landed, func(a, b flight) int { return cmp.Compare(a.index, b.index) })
	for _, f := range landed {
		if next := l.answers.Size(); failed == nil && int64(f.index) != next {
			failed = fmt.Errorf("an entry got index %d, where %d was next: does another process write this log?", f.index, next)
		}
		if failed == nil {
			failed = l.answers.Add(f.entry)
		}
		results[f.at].Index = int64(f.index)
	}
	if failed != nil {
		l.stopped = fmt.Errorf("tessera: %w: %w", tlog.ErrStopped, failed)
	}
	return l.stopped
}

// Update takes in the checkpoint that Tessera has published last, and returns its
// size: heads, archive and receipts are as of the last Update. Call it about as often
// as Tessera publishes. Checkpoints that nobody took in leave no time in the archive:
// their entries count as logged by the time of the next.
func (l *Log) Update(ctx context.Context) (size int64, err error) {
	l.adding.Lock()
	defer l.adding.Unlock()
	c, err := l.answers.Update(ctx)
	if err != nil {
		return 0, err
	}
	return c.Size, nil
}

// Key returns the log's verifier key: readers and witnesses are given it.
func (l *Log) Key() string { return l.answers.Key() }

// Size returns how many entries have been acknowledged, published or not.
func (l *Log) Size() int64 { return l.answers.Size() }

// Newest is [tlog.Log.Newest].
func (l *Log) Newest(k tlog.Key) (e tlog.Entry, index int64, ok bool) { return l.answers.Newest(k) }

// ReadFile makes a Log a [tlog.Source]: all that it publishes, as of the last Update.
func (l *Log) ReadFile(ctx context.Context, path string) ([]byte, error) {
	return l.answers.ReadFile(ctx, path)
}

// Receipt is [tlog.Log.Receipt].
func (l *Log) Receipt(ctx context.Context, index int64) ([]byte, error) {
	return l.answers.Receipt(ctx, index)
}

// Close waits, as long as ctx allows, until all that is acknowledged is published, and
// lets another process open the log. If it could not wait, nothing is lost: the next
// process publishes it.
func (l *Log) Close(ctx context.Context) error {
	l.adding.Lock()
	defer l.adding.Unlock()
	err := l.shutdown(ctx)
	if err == nil {
		_, err = l.answers.Update(ctx)
	}
	l.cancel()
	if l.stopped == nil {
		l.stopped = fmt.Errorf("tessera: %w", fs.ErrClosed)
	}
	return errors.Join(err, l.answers.Close())
}

// A source reads a log's files through Tessera, wherever its driver keeps them.
type source struct{ tessera.LogReader }

func (s *source) ReadFile(ctx context.Context, path string) ([]byte, error) {
	if path == "checkpoint" {
		return s.ReadCheckpoint(ctx)
	}
	absent := &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, _ := strings.Cut(rest, "/")
	number, part, partial := strings.Cut(rest, ".p/")
	n, width := uint64(0), uint64(bundleWidth)
	for _, digits := range strings.Split(number, "/") {
		d, err := strconv.ParseUint(strings.TrimPrefix(digits, "x"), 10, 16)
		if err != nil || d > 999 || n > 1<<40 {
			return nil, absent
		}
		n = n*1000 + d
	}
	if partial {
		var err error
		if width, err = strconv.ParseUint(part, 10, 8); err != nil || width == 0 {
			return nil, absent
		}
	}
	if !ok {
		return nil, absent
	}
	if level == "entries" {
		return s.bundle(ctx, n, width)
	}
	l, err := strconv.ParseUint(level, 10, 6)
	if err != nil {
		return nil, absent
	}
	tile, err := s.ReadTile(ctx, l, n, uint8(width%bundleWidth))
	if err == nil && uint64(len(tile)) < width*32 {
		err = fmt.Errorf("tessera: %s has %d bytes", path, len(tile))
	}
	if err != nil {
		return nil, err
	}
	return tile[:width*32], nil // for a partial tile Tessera may give the full one
}

// bundle reads so many entries of bundle n.
func (s *source) bundle(ctx context.Context, n, width uint64) ([]byte, error) {
	bundle, err := s.ReadEntryBundle(ctx, n, uint8(width%bundleWidth))
	if err == nil && uint64(len(bundle)) < width*(2+leafBytes) {
		err = fmt.Errorf("tessera: bundle %d has %d bytes", n, len(bundle))
	}
	if err != nil {
		return nil, err
	}
	return bundle[:width*(2+leafBytes)], nil
}

// A signer signs checkpoints, as a note.Signer of signature type 0x01 (C2SP signed-note).
type signer struct {
	name string
	hash uint32
	key  crypto.Signer
}

func newSigner(origin string, key crypto.Signer) (*signer, error) {
	if key == nil {
		return nil, fmt.Errorf("tessera: log %s has no key to sign with", origin)
	}
	vkey, err := tlog.LogKey(origin, key.Public())
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("tessera: log %s: %w", origin, err)
	}
	return &signer{name: origin, hash: v.KeyHash(), key: key}, nil
}

func (s *signer) Name() string    { return s.name }
func (s *signer) KeyHash() uint32 { return s.hash }

func (s *signer) Sign(text []byte) ([]byte, error) {
	sig, err := s.key.Sign(rand.Reader, text, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("tessera: %s cannot sign: %w", s.name, err)
	}
	// A key store that answers with another key's signature is noticed here, not by the readers.
	if public, ok := s.key.Public().(ed25519.PublicKey); !ok || !ed25519.Verify(public, text, sig) {
		return nil, fmt.Errorf("tessera: %s signs with a key that is not its public key", s.name)
	}
	return sig, nil
}
