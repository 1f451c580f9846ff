package importer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Limits on what is read. Rows are held in memory, since they have to be put in order.
const (
	MaxLineBytes = 64 << 10 // of a row: a work report with its text; far below what a credential may have
	MaxRows      = 1 << 20  // of all files: 10,000 machines with 100 rows each
	MaxDataBytes = 1 << 30  // of all files
	MaxColumns   = 1 << 10  // of a file
)

// A source is a source's files, read.
type source struct {
	mapping *Mapping
	spec    *sourceSpec
	index   int // in the mapping
	files   int
	columns map[string]int
	rows    []*row
}

// A fate is what becomes of a row.
type fate byte

const (
	pending fate = iota
	skipped
	known
	added
	unmapped
)

// A row is one row of a file.
type row struct {
	source  *source
	file    string
	line    int
	values  []string // by column
	machine string
	time    time.Time // zero if the source has none
	id      string    // of its credential

	matched, opened *row     // as match and closes found it
	parties         []string // that its credential needs

	fate fate
	late bool
}

// get returns a column's text, "" if the row does not have it.
func (r *row) get(column string) string {
	if i, ok := r.source.columns[column]; ok && i < len(r.values) {
		return r.values[i]
	}
	return ""
}

func (r *row) compare(o *row) int {
	return cmp.Or(cmp.Compare(r.source.index, o.source.index), strings.Compare(r.file, o.file), cmp.Compare(r.line, o.line))
}

// read reads the files of a source. A row that cannot be read is reported; a file
// that the mapping does not fit is an error.
func (r *run) read(ctx context.Context, spec *sourceSpec) (*source, error) {
	s := &source{mapping: r.Mapping, spec: spec, index: len(r.sources), columns: map[string]int{}}
	var files []string
	for i, pattern := range spec.Files {
		found, err := fs.Glob(r.Data, pattern)
		if err != nil || len(found) == 0 {
			return nil, r.Mapping.fail(fmt.Sprintf("%s/files/%d", spec.pointer, i), "there is no file %q in the folder of the data", pattern)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	for _, name := range slices.Compact(files) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.readFile(s, name); err != nil {
			if _, ok := errors.AsType[*MappingError](err); ok {
				return nil, err
			}
			return nil, fmt.Errorf("import: %s: %w", name, err)
		}
		s.files++
	}
	return s, nil
}

func (r *run) readFile(s *source, name string) error {
	file, err := r.Data.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := &lineReader{r: bufio.NewReaderSize(file, MaxLineBytes)}
	if err := lines.start(); err != nil {
		return err
	}
	decode, err := s.decoder(name, lines)
	if err != nil {
		return err
	}
	occurrences := map[[sha256.Size]byte]uint64{}
	for {
		values, line, err := decode()
		if err == io.EOF {
			return nil
		}
		if lines.err != nil {
			return lines.err
		}
		r.bytes += int64(lines.taken)
		lines.taken = 0
		if r.rows++; r.rows > MaxRows || r.bytes > MaxDataBytes {
			return fmt.Errorf("more than %d rows or %d MiB in all: import them in parts, oldest first", MaxRows, MaxDataBytes>>20)
		}
		row := &row{source: s, file: name, line: line, values: values}
		s.rows = append(s.rows, row)
		if err != nil {
			r.fail(row, err)
			continue
		}
		if err := s.complete(row, occurrences); err != nil {
			r.fail(row, err)
		}
	}
}

// complete reads of a row what every row has.
func (s *source) complete(r *row, occurrences map[[sha256.Size]byte]uint64) error {
	for i := range s.spec.Where {
		if !s.spec.Where[i].holds(r) {
			r.fate = skipped
			return nil
		}
	}
	r.machine = r.get(s.spec.Machine)
	if err := fleet.CheckName(r.machine); err != nil {
		return fmt.Errorf("column %q: %w", s.spec.Machine, err)
	}
	if t := s.spec.Time; t != nil {
		text := r.get(t.Column)
		if text == "" {
			return fmt.Errorf("column %q, the time, is empty", t.Column)
		}
		var err error
		if r.time, err = parseTime(text, t.Layout, t.zone); err != nil {
			return fmt.Errorf("column %q: %w", t.Column, err)
		}
	}
	content := s.content(r)
	n := occurrences[content]
	occurrences[content]++
	r.id = uuid(sha256.Sum256(binary.BigEndian.AppendUint64(content[:], n)))
	return nil
}

// content is the digest of what makes a row that row. Each text goes in with its length
// before it, so that no two rows run into the same bytes.
func (s *source) content(r *row) [sha256.Size]byte {
	b := make([]byte, 0, 512)
	put := func(text string) {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	put("hourmeter import 1")
	put(s.spec.Name)
	put(r.machine)
	columns := s.spec.Identity
	if columns == nil {
		columns = slices.Collect(maps.Keys(s.columns))
	}
	for _, column := range slices.Sorted(slices.Values(columns)) {
		if text := r.get(column); text != "" {
			put(column)
			put(text)
		}
	}
	return sha256.Sum256(b)
}

// decoder returns what reads the rows of a file one after the other: the values by
// column, and the line where the row begins. Its error is about that row, or io.EOF.
func (s *source) decoder(name string, lines *lineReader) (func() ([]string, int, error), error) {
	if s.spec.Format == "jsonl" {
		return func() ([]string, int, error) {
			text, line, err := lines.next()
			if err != nil {
				return nil, line, err
			}
			values, err := s.object(text)
			return values, line, err
		}, nil
	}

	header := s.spec.Columns
	if header == nil {
		var err error
		if header, _, err = s.record(lines, 0); err != nil {
			if err == io.EOF {
				err = errors.New("it is empty, even without a header line")
			}
			return nil, fmt.Errorf("header line: %w", err)
		}
	}
	if len(header) > MaxColumns {
		return nil, fmt.Errorf("it has %d columns, at most %d are read", len(header), MaxColumns)
	}
	// Files of one source may differ in the order of their columns, and in columns
	// that nobody asks for.
	place := make([]int, len(header))
	for i, column := range header {
		if column == "" || slices.Contains(header[:i], column) {
			return nil, fmt.Errorf("header line: column %d, %q, has no name of its own", i+1, column)
		}
		if _, ok := s.columns[column]; !ok {
			s.columns[column] = len(s.columns)
		}
		place[i] = s.columns[column]
	}
	for column, pointer := range s.spec.uses {
		if !slices.Contains(header, column) {
			return nil, s.mapping.fail(pointer, "file %s has no column %q; it has %.300q", name, column, header)
		}
	}
	return func() ([]string, int, error) {
		fields, line, err := s.record(lines, len(header))
		if err != nil {
			return nil, line, err
		}
		values := make([]string, len(s.columns))
		for i, text := range fields {
			values[place[i]] = text
		}
		return values, line, nil
	}, nil
}

// record reads one record of CSV: a line, or more if a quoted field has line ends.
// An error costs one line: a stray quote does not swallow what follows.
func (s *source) record(lines *lineReader, columns int) ([]string, int, error) {
	text, line, err := lines.next()
	if err != nil {
		return nil, line, err
	}
	fields, err := s.fields(text, columns)
	if err == nil || bytes.Count(text, []byte(`"`))%2 == 0 {
		return fields, line, err
	}
	// An odd number of quotes: one may be closed on a later line.
	var after []rawLine
	joined := bytes.Clone(text)
	for open := true; open && len(joined) <= MaxLineBytes; {
		more := lines.raw()
		if more.err == io.EOF {
			break
		}
		after = append(after, more)
		if more.err != nil {
			break
		}
		joined = append(append(joined, '\n'), bytes.TrimSuffix(more.text, []byte("\r"))...)
		if bytes.Count(more.text, []byte(`"`))%2 == 1 {
			open = false
			if whole, wholeErr := s.fields(joined, columns); wholeErr == nil {
				return whole, line, nil
			}
		}
	}
	lines.unread(after)
	return nil, line, err
}

func (s *source) fields(text []byte, columns int) ([]string, error) {
	if !utf8.Valid(text) {
		return nil, errNotUTF8
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = s.spec.comma
	fields, err := r.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("column %d: %w", parse.Column, parse.Err)
	}
	if err != nil {
		return nil, err
	}
	if _, err := r.Read(); err != io.EOF {
		return nil, errors.New("a line end stands outside quotes")
	}
	if columns > 0 && len(fields) != columns {
		return nil, fmt.Errorf("the row has %d columns, the header has %d", len(fields), columns)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, nil
}

var errNotUTF8 = errors.New("the line is not UTF-8: export the file as UTF-8")

// object reads one line of JSON Lines. Members of objects in it become columns such
// as "period.from"; a list is its JSON text.
func (s *source) object(text []byte) ([]string, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxLineBytes, Depth: 8, Values: MaxColumns})
	if err != nil {
		return nil, err
	}
	if doc.Root().Kind() != strictjson.Object {
		return nil, fmt.Errorf("the line is %v, want an object", doc.Root().Kind())
	}
	var values []string
	var add func(prefix string, object strictjson.Value) error
	add = func(prefix string, object strictjson.Value) error {
		for m := object.First(); m.Exists(); m = m.Next() {
			column := prefix + m.Name()
			text := m.Raw()
			switch m.Kind() {
			case strictjson.Object:
				if err := add(column+".", m); err != nil {
					return err
				}
				continue
			case strictjson.Null:
				continue
			case strictjson.String:
				text = strings.TrimSpace(m.Text())
			}
			i, ok := s.columns[column]
			if !ok {
				if i = len(s.columns); i >= MaxColumns {
					return fmt.Errorf("the lines have more than %d columns in all", MaxColumns)
				}
				s.columns[column] = i
			}
			for len(values) <= i {
				values = append(values, "")
			}
			if values[i] != "" {
				return fmt.Errorf("column %.80q is there twice, once within an object", column)
			}
			values[i] = text
		}
		return nil
	}
	if err := add("", doc.Root()); err != nil {
		return nil, err
	}
	return values, nil
}
