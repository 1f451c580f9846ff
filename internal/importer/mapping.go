package importer

import (
	_ "embed" // mapping.txt
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// MaxMappingBytes is the longest mapping that is read: a hundred sources with
// long lookup tables.
const MaxMappingBytes = 1 << 20

// A Mapping says what the rows of an operator's files mean. It is immutable.
// [MappingHelp] describes its format.
type Mapping struct {
	name    string
	parties map[string]string // titles by name
	sources []sourceSpec
}

//go:embed mapping.txt
var mappingHelp string

// MappingHelp describes the format of a mapping, for operators.
func MappingHelp() string { return mappingHelp }

// A MappingError says what is wrong with a mapping, alone or with the files it is for.
type MappingError struct {
	File    string // of the mapping
	Pointer string // where, as a JSON Pointer (RFC 6901)
	Rule    string // what should be there, and what is
}

// Error implements error.
func (e *MappingError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("mapping %s: %s", e.File, e.Rule)
	}
	return fmt.Sprintf("mapping %s: %s: %s", e.File, e.Pointer, e.Rule)
}

type mappingFile struct {
	Format      string               `json:"format" validate:"required,eq=hourmeter-import/1"`
	Description string               `json:"description" validate:"max=10000"`
	Parties     map[string]partySpec `json:"parties" validate:"required,min=1,max=1000,dive"`
	Sources     []sourceSpec         `json:"sources" validate:"required,min=1,max=100,dive"`
}

type partySpec struct {
	Title       string `json:"title" validate:"max=200"`
	Description string `json:"description" validate:"max=10000"`
}

type sourceSpec struct {
	Name         string           `json:"name" validate:"required,max=64"`
	Description  string           `json:"description" validate:"max=10000"`
	Files        []string         `json:"files" validate:"required,min=1,max=100,dive,required,max=1000"`
	Format       string           `json:"format" validate:"required,oneof=csv jsonl"`
	Delimiter    string           `json:"delimiter"`
	Columns      []string         `json:"columns" validate:"max=1024,unique,dive,required"`
	DecimalComma bool             `json:"decimalComma"`
	Identity     []string         `json:"identity" validate:"max=1024,unique,dive,required"`
	Where        []condition      `json:"where" validate:"max=100,dive"`
	Machine      string           `json:"machine" validate:"required"`
	Time         *clock           `json:"time"`
	Match        *match           `json:"match"`
	Record       string           `json:"record"`
	Issuer       *value           `json:"issuer" validate:"required_with=Record"`
	Cosigners    []value          `json:"cosigners" validate:"max=7"` // vc reads 8 proofs
	Outcome      *value           `json:"outcome"`
	Closes       *match           `json:"closes"`
	Class        string           `json:"class"`
	Due          *value           `json:"due"`
	Fields       map[string]value `json:"fields" validate:"max=200"`

	pointer string
	comma   rune
	record  string
	kind    chain.EntryKind
	class   string
	fields  []field           // in the order in which they are made
	uses    map[string]string // columns of its files by name, with the pointer that names one
}

type match struct {
	Description string            `json:"description" validate:"max=10000"`
	Source      string            `json:"source" validate:"required"`
	On          map[string]string `json:"on" validate:"required,min=1,max=32,dive,required"`
	Within      duration          `json:"within"`

	ours []string // keys of On, in order
}

type clock struct {
	Description string `json:"description" validate:"max=10000"`
	Column      string `json:"column" validate:"required"`
	Layout      string `json:"layout" validate:"required"`
	Zone        string `json:"zone"`

	zone *time.Location // nil if the layout has an offset
}

type condition struct {
	Description string   `json:"description" validate:"max=10000"`
	Column      string   `json:"column"`
	In          []string `json:"in" validate:"max=10000"`
	NotIn       []string `json:"notIn" validate:"max=10000"`
	Matched     *bool    `json:"matched"`
}

// A duration is text such as "90d" or "36h".
type duration time.Duration

// ParseMapping reads a mapping. Name is that of its file, for messages. The error
// is a *[MappingError].
func ParseMapping(name string, text []byte) (*Mapping, error) {
	m := &Mapping{name: name, parties: map[string]string{}}
	var file mappingFile
	if err := m.decode(text, &file); err != nil {
		return nil, err
	}
	if err := m.rules(&file); err != nil {
		return nil, err
	}
	for party, spec := range file.Parties {
		at := "/parties/" + escape(party)
		if err := fleet.CheckName(party); err != nil {
			return nil, m.fail(at, "%v", err)
		}
		if party == machineCosigner {
			return nil, m.fail(at, `no party can be called %q: among cosigners that is the machine`, party)
		}
		m.parties[party] = spec.Title
	}
	m.sources = file.Sources
	for i := range m.sources {
		s := &m.sources[i]
		s.pointer = "/sources/" + strconv.Itoa(i)
		s.uses = map[string]string{}
		if j := slices.IndexFunc(m.sources, func(o sourceSpec) bool { return o.Name == s.Name }); j < i {
			return nil, m.fail(s.pointer+"/name", "source %d has this name too", j)
		}
	}
	for i := range m.sources {
		if err := m.compile(&m.sources[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Mapping) fail(pointer, format string, args ...any) error {
	return &MappingError{File: m.name, Pointer: pointer, Rule: fmt.Sprintf(format, args...)}
}
