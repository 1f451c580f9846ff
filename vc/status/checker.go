package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// DefaultMaxAge is how old a list may be unless told: what drafts of Bitstring Status List 1.0
// gave a list that names no time to live.
const DefaultMaxAge = 5 * time.Minute

// A Checker finds out the status of credentials from lists, and keeps the lists it has read. It is a
// [vc.StatusChecker] for BitstringStatusListEntry and for the status claim of tokens.
//
// The zero Checker has no lists, so it finds out nothing: a credential with a status is then neither
// accepted nor refused, and the error is of the kind that says to try again. A Checker is used by
// pointer and is safe for concurrent use; its fields do not change after first use.
//
// A list is believed if its issuer is that of the credential, or one of Issuers; its proof holds; it
// is the list that was asked for, in its period, for the purpose of the entry, and not too old, nor
// older than one that this Checker has seen before.
type Checker struct {
	Source   Source       // where lists come from; nil means nowhere
	Verifier *vc.Verifier // checks the credentials and keys of lists; nil means the zero Verifier

	// Issuers are those whose lists are believed about anybody's credentials. An issuer is
	// always believed about its own.
	Issuers []did.DID

	// MaxAge is how old a list may be: since it was fetched, or, if that is a stranger's word,
	// since it was signed. A list's own ttl may only shorten it. Zero means DefaultMaxAge.
	MaxAge time.Duration
	// Stale is how much older a list may be while the Source has no answer; zero means not at
	// all. How old an answer is stands in vc.StatusResult.AsOf.
	Stale time.Duration

	// MinEntries is how long a BitstringStatusList has to be, where an ecosystem has agreed on
	// another length than the standard's (§3.2); zero means the constant MinEntries.
	MinEntries int

	// Unnamed also believes a BitstringStatusListCredential without id. The standard allows it,
	// but then only the server says which of its issuer's lists it is: never with documents from
	// a stranger, who could hand over another.
	Unnamed bool

	// Judge decides what a status means. It returns nil if the credential stays in force, an error
	// wrapping vc.ErrStatus if not, and any other error if it does not know. nil means [Judge].
	Judge func(vc.StatusResult) error

	lists cache
}

// Judge is what the standards say that a status means. Revocation and suspension, INVALID and SUSPENDED,
// end a credential, at least for now. A message and the wish to refresh do not. Any other status that
// is set is one that somebody has to have told the Checker about.
func Judge(r vc.StatusResult) error {
	if r.Value == 0 || r.Purpose == Refresh || r.Purpose == Message {
		return nil
	}
	if r.Purpose == Revocation || r.Purpose == Suspension || r.Purpose == StatusList && r.Value <= Suspended {
		return fmt.Errorf("%w: %s: %s by the list %.200q as of %s", vc.ErrStatus, r.Purpose, r.Message, r.List, stamp(r.AsOf))
	}
	return problem(VerificationError, r.List, fmt.Errorf("nobody said what %.80q of %d (%.80q) means: give the Checker a Judge", r.Purpose, r.Value, r.Message))
}

// StatusList is the purpose in a result from a Token Status List, which has none: the name of the
// mechanism in the status claim.
const StatusList = "status_list"

// CheckStatus implements [vc.StatusChecker].
func (c *Checker) CheckStatus(ctx context.Context, issuer did.DID, entry []byte, at time.Time) (vc.StatusResult, error) {
	doc, err := strictjson.Parse(entry, strictjson.Limits{Bytes: maxEntryBytes, Depth: maxEntryDepth})
	if err != nil {
		return vc.StatusResult{}, malformed("", err)
	}
	root := doc.Root()
	var result vc.StatusResult
	if root.Member("status_list").Exists() {
		result, err = c.token(ctx, issuer, root, at)
	} else if typ := root.Member("type").Text(); typ != entryType {
		return vc.StatusResult{}, &vc.UncheckedError{Signer: issuer, Member: "credentialStatus", Type: typ}
	} else {
		result, err = c.bitstring(ctx, issuer, root, at)
	}
	if err != nil {
		return vc.StatusResult{}, err
	}
	judge := c.Judge
	if judge == nil {
		judge = Judge
	}
	return result, judge(result)
}

// bitstring is Bitstring Status List 1.0 §3.2, from its step 3.
func (c *Checker) bitstring(ctx context.Context, issuer did.DID, root strictjson.Value, at time.Time) (vc.StatusResult, error) {
	var none vc.StatusResult
	e, err := readEntry(root)
	if err != nil {
		return none, err
	}
	l, err := c.list(ctx, key{e.List, bitstringList}, at)
	if err != nil {
		return none, err
	}
	if err := c.believes(issuer, l, e.List); err != nil {
		return none, err
	}
	if !slices.Contains(l.purposes, e.Purpose) {
		return none, problem(VerificationError, e.List, fmt.Errorf("it is for %.80q, not for %.80q", l.purposes, e.Purpose))
	}
	if l.size != 0 && l.size != e.size() {
		return none, problem(VerificationError, e.List, fmt.Errorf("its statusSize is %d, the entry's is %d", l.size, e.size()))
	}
	list := BitstringList{l.bits, e.size()}
	least := c.MinEntries
	if least <= 0 {
		least = MinEntries
	}
	if list.Len() < least {
		return none, problem(LengthError, e.List, fmt.Errorf("%d entries, want at least %d", list.Len(), least))
	}
	value, err := list.Get(e.Index)
	if err != nil {
		return none, within(e.List, err)
	}
	return vc.StatusResult{Purpose: e.Purpose, Value: value, Message: e.message(value), List: e.List, AsOf: l.asOf}, nil
}

// token is Token Status List §8.3, from its step 1.
func (c *Checker) token(ctx context.Context, issuer did.DID, root strictjson.Value, at time.Time) (vc.StatusResult, error) {
	var none vc.StatusResult
	r, err := readReference(root)
	if err != nil {
		return none, err
	}
	l, err := c.list(ctx, key{r.URI, tokenList}, at)
	if err != nil {
		return none, err
	}
	if err := c.believes(issuer, l, r.URI); err != nil {
		return none, err
	}
	list := TokenList{l.bits, l.size}
	value, err := list.Get(r.Index)
	if err != nil {
		return none, within(r.URI, err)
	}
	message := fmt.Sprintf("0x%02X", value)
	if value <= Suspended {
		message = [...]string{"VALID", "INVALID", "SUSPENDED"}[value]
	}
	return vc.StatusResult{Purpose: StatusList, Value: value, Message: message, List: r.URI, AsOf: l.asOf}, nil
}

// believes says whether the issuer of a list may speak about a credential of issuer.
func (c *Checker) believes(issuer did.DID, l *list, url string) error {
	if l.issuer == issuer && !issuer.IsZero() || slices.Contains(c.Issuers, l.issuer) {
		return nil
	}
	return problem(VerificationError, url, fmt.Errorf("it is by %s, who was not named as one to believe about credentials of %s", l.issuer, issuer))
}

// within says of which list an index is outside.
func within(url string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.List = url
	}
	return err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
