// Package fleet keeps the records of many machines in one folder.
//
//   - [Open] reads a folder. [Folder.Verify] checks a machine's record and says of
//     each defect in which file and line it is, so that one bad record does not
//     keep the others from being used.
//   - [Edit] opens a folder for writing, alone. [Editor.Chain] takes up a record
//     where it ended, and [Editor.Save] acknowledges what was added.
//
// The folder:
//
//	fleet.json            who is in it: machines and parties, by name, DID and name of key
//	chains/<name>.jsonl   one machine's record: a secured credential a line, in sequence
//	keys/                 where hourmeter import keeps keys; this package never looks
//	.lock                 held by whoever writes
//
// The danger: whoever can write to the folder can cut off the end of a record,
// here as in every chain. fleet.json remembers how long each was and shows an
// accident; it does not stop a person, who would change it, too. What shows that
// is a log (see package chain).
//
// # What a crash leaves
//
// A chain file only grows, and fleet.json is replaced as a whole: written beside,
// synced, renamed. Save syncs the chain files first and fleet.json last, so what
// fleet.json counts is on the disk. What a chain file holds beyond that was never
// acknowledged: [Editor.Chain] keeps the whole entries there that verify and
// follow one another, cuts off the rest, and says so in a [Notice]. Within what
// fleet.json counts nothing is ever cut or repaired: it is damage, [Folder.Verify]
// names it, and [Editor.Chain] refuses to build on it.
package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

const (
	// KeyFolder is where in the folder whoever manages keys may keep them.
	KeyFolder = "keys"

	indexName   = "fleet.json"
	chainFolder = "chains"
	lockName    = ".lock"
	format      = "hourmeter-fleet/1"
)

// Limits on what is read.
const (
	MaxName       = 200       // bytes of the name of a machine or party: an asset number, not a description
	MaxIndexBytes = 16 << 20  // of fleet.json: some 40,000 machines
	MaxChainBytes = 256 << 20 // of one chain file, which is read as a whole: some 130,000 entries
)

// A Machine is one machine of a fleet.
type Machine struct {
	Name string  `json:"name"` // as its operator calls it
	ID   did.DID `json:"id"`
	Key  string  `json:"key"`  // name of its key in the store of keys
	File string  `json:"file"` // its record, with slashes, relative to the folder

	// As of the last Save. The file is what counts; these show what it has lost.

	Entries int64     `json:"entries"`        // in the record
	Bytes   int64     `json:"bytes"`          // of the file
	Head    vc.Digest `json:"head,omitempty"` // of the newest entry
}

// A Party is somebody who issues credentials in a fleet, or is named in them.
type Party struct {
	Name  string  `json:"name"`            // unique, such as "workshop"
	Title string  `json:"title,omitempty"` // for people, such as "Workshop North GmbH"
	ID    did.DID `json:"id"`
	Key   string  `json:"key"` // name of its key in the store of keys
}

type index struct {
	Format   string    `json:"format"`
	Machines []Machine `json:"machines"`
	Parties  []Party   `json:"parties"`
}

// A Folder is a fleet to read. It shows the fleet as it was when opened.
type Folder struct {
	path  string
	root  *os.Root
	index index
	place places
}

// places are positions in the index.
type places struct {
	machine, party     map[string]int // by name
	machineID, partyID map[did.DID]int
}

// Open reads the fleet in a folder. Close it when done. If there is no fleet
// the error wraps [fs.ErrNotExist].
func Open(path string) (*Folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("fleet: open: %w", err)
	}
	f := &Folder{path: path, root: root}
	if f.index, f.place, err = readIndex(root); err != nil {
		root.Close()
		return nil, fmt.Errorf("fleet: open %s: %w", path, err)
	}
	return f, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Machines returns all machines in the order in which they were added. The
// slice is the caller's.
func (f *Folder) Machines() []Machine { return slices.Clone(f.index.Machines) }

// Parties returns all parties in the order in which they were added. The slice
// is the caller's.
func (f *Folder) Parties() []Party { return slices.Clone(f.index.Parties) }

// Machine returns the machine with this name or DID.
func (f *Folder) Machine(nameOrID string) (Machine, bool) {
	i, ok := f.place.machine[nameOrID]
	if !ok {
		id, _ := did.Parse(nameOrID)
		if i, ok = f.place.machineID[id]; !ok {
			return Machine{}, false
		}
	}
	return f.index.Machines[i], true
}

// Party returns the party with this name or DID.
func (f *Folder) Party(nameOrID string) (Party, bool) {
	i, ok := f.place.party[nameOrID]
	if !ok {
		id, _ := did.Parse(nameOrID)
		if i, ok = f.place.partyID[id]; !ok {
			return Party{}, false
		}
	}
	return f.index.Parties[i], true
}

// Name returns what the fleet calls a machine or party, "" if it is neither.
func (f *Folder) Name(id did.DID) string {
	if i, ok := f.place.machineID[id]; ok {
		return f.index.Machines[i].Name
	}
	if i, ok := f.place.partyID[id]; ok {
		return f.index.Parties[i].Name
	}
	return ""
}

// Credentials returns the lines of a machine's file, in order and unchecked,
// without their line ends: what the machine shows to whoever asks. Line n of
// the file is element n-1. A machine without a file has none.
func (f *Folder) Credentials(m Machine) ([][]byte, error) {
	text, err := readChain(f.root, m)
	if err != nil {
		return nil, err
	}
	lines, _ := split(text)
	return lines, nil
}

// readChain returns the content of a machine's file, nothing if there is none.
func readChain(root *os.Root, m Machine) ([]byte, error) {
	text, err := readFile(root, m.File, MaxChainBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fleet: record of machine %s: %w", m.Name, err)
	}
	return text, nil
}

// split returns the lines of a chain file, the last one even if it has no line
// end, and how many bytes those have that do.
func split(text []byte) (lines [][]byte, whole int) {
	for line := range bytes.Lines(text) {
		cut, ended := bytes.CutSuffix(line, []byte("\n"))
		if ended {
			whole += len(line)
		}
		lines = append(lines, cut)
	}
	return lines, whole
}

func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is longer than the %d MiB that are read", name, limit>>20)
	}
	return text, err
}

func readIndex(root *os.Root) (index, places, error) {
	text, err := readFile(root, indexName, MaxIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return index{}, places{}, fmt.Errorf("no fleet is here, since there is no %s; hourmeter import makes one: %w", indexName, err)
	}
	if err != nil {
		return index{}, places{}, err
	}
	ix, at, err := parseIndex(text)
	if err != nil {
		return index{}, places{}, fmt.Errorf("%s: %w", indexName, err)
	}
	return ix, at, nil
}

// parseIndex reads fleet.json. Names, DIDs, keys and files are each unique: else
// a record could be shown as another machine's.
func parseIndex(text []byte) (ix index, at places, err error) {
	if _, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxIndexBytes}); err != nil {
		return ix, at, err
	}
	if err := json.Unmarshal(text, &ix, json.RejectUnknownMembers(true)); err != nil {
		return ix, at, err
	}
	if ix.Format != format {
		return ix, at, fmt.Errorf("format is %.40q, this program reads %q", ix.Format, format)
	}
	at = places{map[string]int{}, map[string]int{}, map[did.DID]int{}, map[did.DID]int{}}
	taken := map[string]bool{} // keys and files
	for i, m := range ix.Machines {
		if err := CheckName(m.Name); err != nil {
			return ix, at, fmt.Errorf("machine %d: %w", i, err)
		}
		base := path.Base(m.File)
		_, named := at.machine[m.Name]
		_, known := at.machineID[m.ID]
		switch {
		case m.ID.IsZero() || m.Key == "" || named || known || taken["key "+m.Key]:
			return ix, at, fmt.Errorf("machine %q: name, id and key are required, and no two machines may share one", m.Name)
		case m.File != path.Join(chainFolder, base) || !strings.HasSuffix(base, ".jsonl") || taken[m.File]:
			return ix, at, fmt.Errorf("machine %q: file %.80q is no chain file of its own", m.Name, m.File)
		case m.Entries < 0 || m.Bytes < 0:
			return ix, at, fmt.Errorf("machine %q: a count is negative", m.Name)
		}
		at.machine[m.Name], at.machineID[m.ID] = i, i
		taken["key "+m.Key], taken[m.File] = true, true
	}
	for i, p := range ix.Parties {
		if err := CheckName(p.Name); err != nil {
			return ix, at, fmt.Errorf("party %d: %w", i, err)
		}
		_, named := at.party[p.Name]
		_, known := at.partyID[p.ID]
		_, machine := at.machineID[p.ID]
		if p.ID.IsZero() || p.Key == "" || named || known || machine || taken["key "+p.Key] {
			return ix, at, fmt.Errorf("party %q: name, id and key are required, and no two may share one", p.Name)
		}
		at.party[p.Name], at.partyID[p.ID] = i, i
		taken["key "+p.Key] = true
	}
	return ix, at, nil
}

func (ix index) text() ([]byte, error) {
	ix.Format = format
	text, err := json.Marshal(ix, jsontext.WithIndent("  "), json.FormatNilSliceAsNull(false))
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if len(text) > MaxIndexBytes {
		return nil, fmt.Errorf("%s would be longer than the %d MiB that are read: split the fleet", indexName, MaxIndexBytes>>20)
	}
	return text, nil
}

// CheckName refuses what cannot be the name of a machine or party: it is 1 to
// [MaxName] bytes of UTF-8 that people can see, without white space around it.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > MaxName:
		return fmt.Errorf("the name %.40q… has %d bytes, at most %d are taken", name, len(name), MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the name %.80q has characters that cannot be seen", name)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("the name %.80q has white space around it", name)
	}
	return nil
}
