package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// An app is the world as a command sees it: streams, environment, and the
// flags that every command has.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	json           bool
	keys           string
	passphraseFile string

	passphrase []byte // once asked for
}

// print writes a result: as JSON if asked to, otherwise as text does.
func (a *app) print(result any, text func(w io.Writer)) error {
	if a.json {
		b, err := json.Marshal(result, json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			return fmt.Errorf("print result: %w", err)
		}
		_, err = a.stdout.Write(append(b, '\n'))
		return err
	}
	var b bytes.Buffer
	text(&b)
	_, err := a.stdout.Write(b.Bytes())
	return err
}

// table lines up columns that f writes separated by tabs.
func table(w io.Writer, f func(w io.Writer)) {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	f(t)
	t.Flush()
	for l := range strings.Lines(b.String()) {
		fmt.Fprintln(w, strings.TrimRight(l, " \n"))
	}
}

// read returns the content of a file, or of stdin if name is "-".
func (a *app) read(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readLimited(a.stdin, "standard input", limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name a file in it", name)
	}
	return readLimited(f, name, limit)
}

func readLimited(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fileError(name, err)
	case len(b) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%s is longer than the %s that are read", name, size(limit))
	}
	return b, nil
}

// fileError says the same as err, for people.
func fileError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file or folder", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: no permission; check who owns it", name)
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err // of name, or of the file that was to become it
	}
	return fmt.Errorf("%s: %w", name, err)
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// An output is where a command puts its product.
type output struct {
	name   string // "-" is stdout
	force  bool
	secret bool // for the owner only
}

func (o *output) flags(flags *pflag.FlagSet) {
	flags.StringVarP(&o.name, "out", "o", "-", "file to write")
	flags.BoolVar(&o.force, "force", false, "replace the file if it exists")
}

// free reports an error if something is there that must not be replaced.
func (o output) free() error {
	if _, err := os.Lstat(o.name); err == nil && o.name != "-" && !o.force {
		return fmt.Errorf("%s exists: pass --force to replace it", o.name)
	}
	return nil
}

// write puts b there, whole or not at all: no reader ever sees half a file, and
// nothing that exists is replaced unless force is set.
func (a *app) write(out output, b []byte) error {
	if out.name == "-" || out.name == "" {
		_, err := a.stdout.Write(b)
		return err
	}
	if err := out.free(); err != nil {
		return err
	}
	dir, base := filepath.Split(out.name)
	if dir == "" {
		dir = "."
	}
	mode := os.FileMode(0o666) // less what the umask takes
	if out.secret {
		mode = 0o600
	}
	tmp, err := os.OpenFile(filepath.Join(dir, "."+base+"."+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fileError(out.name, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fileError(out.name, err)
	}
	if out.force {
		err = os.Rename(tmp.Name(), out.name)
	} else {
		// Unlike a rename, a link fails if somebody else was faster.
		err = os.Link(tmp.Name(), out.name)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = os.Rename(tmp.Name(), out.name) // a file system without links
		}
	}
	if err != nil {
		return fileError(out.name, err)
	}
	if d, err := os.Open(dir); err == nil {
		d.Sync() // the file is whole either way; some systems cannot sync a folder
		d.Close()
	}
	return nil
}

// isTerminal reports whether a person is looking at w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// bold returns how to make text stand out on stdout: not at all, unless it is a
// terminal (https://no-color.org).
func (a *app) bold() func(string) string {
	if !isTerminal(a.stdout) || a.getenv("NO_COLOR") != "" || a.getenv("TERM") == "dumb" {
		return func(s string) string { return s }
	}
	return func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
}

// progress returns a function to call with what is done so far. It draws a bar
// on stderr if that is a terminal, and nothing otherwise.
func (a *app) progress(what string) (report func(done, total int), finish func()) {
	if !isTerminal(a.stderr) {
		return func(int, int) {}, func() {}
	}
	var bar *progressbar.ProgressBar
	report = func(done, total int) {
		if bar == nil {
			bar = progressbar.NewOptions(total,
				progressbar.OptionSetWriter(a.stderr),
				progressbar.OptionSetDescription(what),
				progressbar.OptionSetWidth(30),
				progressbar.OptionShowCount(),
				progressbar.OptionThrottle(65*time.Millisecond),
				progressbar.OptionClearOnFinish())
		}
		if bar.GetMax() != total {
			bar.ChangeMax(total)
		}
		bar.Set(done)
	}
	return report, func() {
		if bar != nil {
			bar.Finish()
		}
	}
}

// parseTime reads a time or a day, which means its first moment in UTC.
func parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("--%s: %q is neither a time like 2026-11-22T08:30:00Z nor a day like 2026-11-22", flag, s)
}

// short abbreviates an identifier for a table: its start and its end.
func short(s string) string {
	if len(s) <= 24 {
		return s
	}
	return s[:14] + "…" + s[len(s)-6:]
}

// trimType drops what all types of credentials end with.
func trimType(s string) string { return strings.TrimSuffix(s, "Credential") }

// oneLine makes text from a stranger fit for a terminal: no control characters,
// no line breaks.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '\uFFFD'
		}
		return r
	}, s)
}
