package vcapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/filelock"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/status"
)

// maxLine bounds a line of the journal: the id of a credential, and what stands around it.
const maxLine = 16 << 10

// signedFor is how long a list that did not change is served before it is signed again.
const signedFor = time.Minute

// StatusLists keeps bitstring status lists (Bitstring Status List 1.0), one for each purpose, and a
// journal of them in a file. When they are full it begins others. It is a [Statuses], a Source of
// package status for its own lists, and safe for concurrent use.
//
// The journal is written, and on the disk, before a credential or an answer leaves the house. If it is
// lost, so is who was revoked: keep it as you keep the key.
type StatusLists struct {
	StatusConfig

	mu         sync.Mutex
	journal    *os.File
	end        int64 // of what is good in the journal
	broken     error // why nothing can be written any more
	lists      []statusList
	credential map[string]place
	signed     map[string]signedList
}

// StatusConfig says which lists a [StatusLists] keeps.
type StatusConfig struct {
	URL      string     // where they are served, such as "https://shop.example/status-lists/"; required
	Name     string     // what the names of its lists start with, such as "depot-7-"; other instances have others
	Purposes []string   // nil means revocation and suspension
	Issuer   *vc.Issuer // signs the lists: the issuer of the credentials; required
	Journal  string     // file; "" keeps nothing beyond the process

	// Again gives a credential whose id was issued before a place of its own, and the id
	// then stands for that. False refuses it, so that who revokes an id revokes all of it.
	Again bool
}

// A place is where the status of a credential stands: in which of the lists of each purpose, and where.
type place struct{ list, index int }

// A statusList is one list of each purpose, and which places of them are taken.
type statusList struct {
	taken *status.Indexes
	used  map[int]bool // that were given to credentials, for updates by index
	bits  map[string]*status.BitstringList
}

type signedList struct {
	raw  []byte
	when time.Time
}

// A journalLine is a line of the journal: a place that was given out, or a status.
type journalLine struct {
	List       int    `json:"list"`
	Index      int    `json:"index"`
	Credential string `json:"credential,omitzero"`
	Purpose    string `json:"purpose,omitzero"`
	Value      int    `json:"value,omitzero"`
}

// OpenStatusLists reads the journal, if there is one, and locks it until Close.
func OpenStatusLists(c StatusConfig) (*StatusLists, error) {
	if c.Purposes == nil {
		c.Purposes = []string{status.Revocation, status.Suspension}
	}
	if c.URL == "" || c.Issuer == nil {
		return nil, errors.New("vcapi: status lists need their URL and Issuer")
	}
	s := &StatusLists{StatusConfig: c, credential: map[string]place{}, signed: map[string]signedList{}}
	if c.Journal == "" {
		return s, nil
	}
	f, err := os.OpenFile(c.Journal, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if ok, err := filelock.Try(f); !ok || err != nil {
		return nil, errors.Join(fmt.Errorf("vcapi: %s: another process keeps these status lists", c.Journal), err, f.Close())
	}
	s.journal = f
	if err := s.replay(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// replay does what the journal says. A last line without an end was not written to the end, so
// nobody was told of it: it is cut off.
func (s *StatusLists) replay() error {
	lines := bufio.NewReaderSize(s.journal, maxLine)
	for n := 1; ; n++ {
		text, err := lines.ReadSlice('\n')
		if err == io.EOF {
			return s.journal.Truncate(s.end)
		} else if err != nil {
			return fmt.Errorf("vcapi: %s: line %d: %w", s.Journal, n, err)
		}
		var line journalLine
		if err := json.Unmarshal(text, &line, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("vcapi: %s: line %d: %w", s.Journal, n, err)
		}
		if err := s.apply(line); err != nil {
			return fmt.Errorf("vcapi: %s: line %d: %w", s.Journal, n, err)
		}
		s.end += int64(len(text))
	}
}

// apply does in memory what a line says.
func (s *StatusLists) apply(line journalLine) error {
	for line.List >= len(s.lists) && line.List <= len(s.lists)+1 {
		if err := s.begin(); err != nil {
			return err
		}
	}
	if line.List < 0 || line.List >= len(s.lists) {
		return fmt.Errorf("there is no list %d", line.List)
	}
	l := s.lists[line.List]
	if line.Purpose == "" {
		if line.Index < 0 || line.Index >= status.MinEntries {
			return fmt.Errorf("index %d is not in the list", line.Index)
		}
		l.used[line.Index] = true
		if line.Credential != "" {
			s.credential[line.Credential] = place{line.List, line.Index}
		}
		return nil
	}
	bits := l.bits[line.Purpose]
	if bits == nil {
		return fmt.Errorf("there is no list of the purpose %.40q any more", line.Purpose)
	}
	delete(s.signed, s.name(line.List, line.Purpose))
	return bits.Set(line.Index, line.Value)
}

// begin adds an empty list of each purpose.
func (s *StatusLists) begin() error {
	l := statusList{used: map[int]bool{}, bits: map[string]*status.BitstringList{}}
	for _, purpose := range s.Purposes {
		bits, err := status.NewBitstringList(status.MinEntries, 1)
		if err != nil {
			return err
		}
		l.bits[purpose] = bits
	}
	s.lists = append(s.lists, l)
	return nil
}

// indexes returns the free places of the last list, which are known once the journal is read.
func (s *StatusLists) indexes() (*status.Indexes, error) {
	l := &s.lists[len(s.lists)-1]
	if l.taken == nil {
		used, err := status.NewBitstringList(status.MinEntries, 1)
		if err != nil {
			return nil, err
		}
		for index := range l.used {
			if err := used.Set(index, 1); err != nil {
				return nil, err
			}
		}
		if l.taken, err = status.NewIndexes(used); err != nil {
			return nil, err
		}
	}
	return l.taken, nil
}

// write appends a line to the journal, and then does what it says.
func (s *StatusLists) write(line journalLine) error {
	if s.broken != nil {
		return s.broken
	}
	if s.journal != nil {
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if len(text) >= maxLine {
			return fmt.Errorf("vcapi: a line of the journal has %d bytes, at most %d are read", len(text)+1, maxLine)
		}
		n, err := s.journal.WriteAt(append(text, '\n'), s.end)
		if err == nil {
			err = s.journal.Sync()
		}
		if err != nil {
			if cut := s.journal.Truncate(s.end); cut != nil {
				s.broken = errors.Join(err, cut)
			}
			return err
		}
		s.end += int64(n)
	}
	return s.apply(line)
}

// Entries implements [Statuses].
func (s *StatusLists) Entries(id string) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.credential[id]; taken && id != "" && !s.Again {
		return nil, fmt.Errorf("vcapi: %w", ErrTaken)
	}
	if len(s.lists) == 0 {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	free, err := s.indexes()
	if err != nil {
		return nil, err
	}
	index, err := free.Take()
	if errors.Is(err, status.ErrFull) {
		if err = s.begin(); err == nil {
			if free, err = s.indexes(); err == nil {
				index, err = free.Take()
			}
		}
	}
	if err != nil {
		return nil, err
	}
	at := place{len(s.lists) - 1, index}
	if err := s.write(journalLine{List: at.list, Index: at.index, Credential: id}); err != nil {
		return nil, err
	}
	var entries [][]byte
	for _, purpose := range s.Purposes {
		entry, err := json.Marshal(status.Entry{Purpose: purpose, List: s.URL + s.name(at.list, purpose), Index: at.index})
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// name is that of a list.
func (s *StatusLists) name(list int, purpose string) string {
	return s.Name + purpose + "-" + strconv.Itoa(list+1)
}

// find returns the list that has this name.
func (s *StatusLists) find(name string) (list int, purpose string, ok bool) {
	for list := range s.lists {
		for _, purpose := range s.Purposes {
			if s.name(list, purpose) == name {
				return list, purpose, true
			}
		}
	}
	return 0, "", false
}

// keeps reports whether a URL is that of a list of its own.
func (s *StatusLists) keeps(url string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := strings.CutPrefix(url, s.URL)
	if ok {
		_, _, ok = s.find(name)
	}
	return ok
}

// Update implements [Statuses].
func (s *StatusLists) Update(u StatusUpdate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	none := fmt.Errorf("vcapi: %w", ErrNoStatus)
	at, ok := s.credential[u.CredentialID]
	if u.Index >= 0 {
		var purpose string
		if at.list, purpose, ok = s.find(strings.TrimPrefix(u.List, s.URL)); !ok || purpose != u.Purpose || !s.lists[at.list].used[u.Index] {
			return none
		}
		at.index = u.Index
	}
	if !ok || !slices.Contains(s.Purposes, u.Purpose) {
		return none
	}
	is, err := s.lists[at.list].bits[u.Purpose].Get(at.index)
	switch {
	case err != nil:
		return err
	case is == u.Value:
		return nil
	case is == 1 && u.Purpose == status.Revocation:
		return fmt.Errorf("vcapi: %w: what was revoked stays so: issue another credential", ErrFinal)
	}
	return s.write(journalLine{List: at.list, Index: at.index, Purpose: u.Purpose, Value: u.Value})
}

// List implements [Statuses].
func (s *StatusLists) List(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, purpose, ok := s.find(name)
	if !ok {
		return nil, fmt.Errorf("vcapi: %w", ErrNoStatus)
	}
	if is, ok := s.signed[name]; ok && time.Since(is.when) < signedFor {
		return is.raw, nil
	}
	credential := &status.BitstringCredential{
		URL: s.URL + name, Purposes: []string{purpose}, List: s.lists[list].bits[purpose], TTL: status.DefaultMaxAge, ValidFrom: time.Now(),
	}
	raw, err := credential.Sign(s.Issuer)
	if err != nil {
		return nil, err
	}
	s.signed[name] = signedList{raw, time.Now()}
	return raw, nil
}

// Document implements the Source of package status, for lists of its own.
func (s *StatusLists) Document(_ context.Context, url, _ string) (body []byte, mediaType string, fetched time.Time, err error) {
	name, ours := strings.CutPrefix(url, s.URL)
	if !ours {
		return nil, "", time.Time{}, fmt.Errorf("vcapi: %w", ErrNoStatus)
	}
	body, err = s.List(name)
	return body, "application/vc", time.Now(), err
}

// Checker returns a checker that knows what stands in its own lists at the time, and asks next about
// others; nil next knows nothing of them. verifier checks the signatures of its own lists.
func (s *StatusLists) Checker(verifier *vc.Verifier, next vc.StatusChecker) vc.StatusChecker {
	return ownStatuses{s, verifier, next}
}

type ownStatuses struct {
	lists    *StatusLists
	verifier *vc.Verifier
	next     vc.StatusChecker
}

// CheckStatus implements [vc.StatusChecker].
func (o ownStatuses) CheckStatus(ctx context.Context, issuer did.DID, entry []byte, at time.Time) (vc.StatusResult, error) {
	if e, err := status.ParseEntry(entry); err == nil && o.lists.keeps(e.List) {
		// A Checker of this one question: it remembers no list from before.
		checker := status.Checker{Source: o.lists, Verifier: o.verifier, Issuers: []did.DID{o.lists.Issuer.ID}}
		return checker.CheckStatus(ctx, issuer, entry, at)
	}
	if o.next == nil {
		return vc.StatusResult{}, errors.New("vcapi: the status list is another's, and this service looks up only its own")
	}
	return o.next.CheckStatus(ctx, issuer, entry, at)
}

// Close ends writing.
func (s *StatusLists) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = errors.New("vcapi: the status lists are closed")
	if s.journal == nil {
		return nil
	}
	return s.journal.Close()
}
