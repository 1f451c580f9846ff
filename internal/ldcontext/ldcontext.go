// Package ldcontext says whether the contexts that a credential lists define every term it uses, and
// what it says by them in RDF, without a network.
//
// [Set.Check] is the question, and [Set.Quads] the statements; [Default] is the set of contexts that are
// compiled in, and [Set.With] adds one that the caller vouches for. A member or type that no context defines would be dropped by
// a JSON-LD processor: a signature over the JSON text would cover it, and one over the RDF would not,
// so two verifiers of one credential would read two claims. Here it is refused.
//
// What is checked is the JSON-LD 1.1 subset that credentials use (JSON-LD 1.1 API §4 and §5.1):
// property-scoped and type-scoped contexts, @propagate, @protected, @vocab, prefixes, aliases of @id
// and @type, @json values, value objects. A context that uses anything else (@import, @nest, maps by
// @id, @index or @type) is refused by With, never guessed at.
//
// Defined is not true: a context says what a word means, and nothing about who said it.
package ldcontext

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Limits on contexts. Those of a credential are strictjson's.
const (
	MaxContextBytes = 1 << 20 // of a context given to With; the largest published ones have some 100 kB
	maxContextDepth = 8       // contexts that name contexts; published ones go 2 deep
	maxNames        = 16      // contexts that one object lists; credentials list 2 to 5
	maxTypes        = 64      // types of one object; credentials have 2 or 3
	maxRemembered   = 1024    // active contexts kept for reuse, so that hostile input cannot fill the memory; ours lead to some 60
	maxFresh        = 256     // active contexts computed for one document, so that none costs more than its reading; ours need 10
	maxFlat         = 256     // terms of an active context that are copied, to be found at once; ours have 50, schema.org 3,000
	maxInline       = 8 << 10 // bytes of a context written into a document: those of conformance suites have 100, and each may be processed maxFresh times
)

// A Set is a set of JSON-LD contexts, each known by its URL. It is immutable and safe for
// concurrent use.
type Set struct {
	contexts map[string]strictjson.Value // URL to the value of @context
	inline   bool                        // documents may carry contexts of their own
	reserved map[string]bool             // terms that only HourmeterV1 may define; false: or another context, but not its @vocab
	empty    *active                     // where every check starts
	kept     atomic.Int64                // active contexts remembered, at most maxRemembered
}

// Default returns the contexts that are compiled in, each byte for byte as published: see
// context/SOURCES.md. They are parsed when first asked for.
func Default() *Set { return defaultSet() }

var defaultSet = sync.OnceValue(func() *Set {
	s := &Set{contexts: map[string]strictjson.Value{}, empty: new(active)}
	for _, e := range embedded {
		doc, err := strictjson.Parse([]byte(e.document), strictjson.Limits{})
		if err != nil {
			panic("ldcontext: the compiled-in " + e.url + ": " + err.Error()) // a test parses them all
		}
		s.contexts[e.url] = doc.Root().Member("@context")
	}
	s.reserved = reserved(s.contexts[HourmeterV1])
	return s
})

// reserved returns the terms that Hourmeter's own context mints. A reader looks for its credential
// types and for "record" by name, so another context may not give them another meaning (true). The
// members of its claims are common words, which another context may define, but which a context that
// defines every word by @vocab does not mean (false).
func reserved(context strictjson.Value) map[string]bool {
	names := map[string]bool{}
	minted := func(def strictjson.Value) bool {
		id := def
		if def.Kind() == strictjson.Object {
			id = def.Member("@id")
		}
		return strings.HasPrefix(id.Text(), HourmeterV1+"#")
	}
	for def := range context.All() {
		if !minted(def) {
			continue
		}
		names[def.Name()] = true
		if strings.HasSuffix(def.Name(), "Credential") {
			for member := range def.Member("@context").All() {
				if _, ok := names[member.Name()]; !ok && minted(member) {
					names[member.Name()] = false
				}
			}
		}
	}
	delete(names, "evidence") // W3C's word in a credential; ours only within a score
	return names
}

// With returns a set that also knows the context that document holds under "@context", by url. It
// refuses a context that the set knows under that URL with other content, that is larger than
// MaxContextBytes, that uses what this package does not process, that names a context the set does
// not know, or that redefines a protected term of credentials/v2.
func (s *Set) With(url string, document []byte) (*Set, error) {
	if !isIRI(url) {
		return nil, fmt.Errorf("JSON-LD: context %q: its name must be an absolute URL", brief(url))
	}
	doc, err := strictjson.Parse(document, strictjson.Limits{Bytes: MaxContextBytes})
	if err != nil {
		return nil, fmt.Errorf("JSON-LD: context %s: %w", brief(url), err)
	}
	context := doc.Root().Member("@context")
	if !context.Exists() {
		return nil, fmt.Errorf("JSON-LD: context %s: the document has no member @context", brief(url))
	}
	if known, ok := s.contexts[url]; ok {
		if known.Raw() != context.Raw() {
			return nil, fmt.Errorf("JSON-LD: context %s is known with other content: contexts never change", brief(url))
		}
		return s, nil
	}
	with := &Set{contexts: maps.Clone(s.contexts), inline: s.inline, reserved: s.reserved, empty: new(active)}
	with.contexts[url] = context
	if err := with.fits(url, context, CredentialsV2); err != nil {
		// A context of the time before credentials/v2 may fit on its predecessor alone, or be that.
		if !with.Known(CredentialsV1) || with.fits(url, context, CredentialsV1) != nil {
			return nil, fmt.Errorf("JSON-LD: context %s: %w", brief(url), err)
		}
	}
	return with, nil
}

// fits reports why the context of that URL cannot be listed after the one of credentials, which is
// what a credential lists first (VCDM 2.0 §4.3).
func (s *Set) fits(url string, context strictjson.Value, credentials string) error {
	w := walk{Set: s}
	base, err := w.named(s.empty, credentials)
	if err != nil {
		return err
	}
	if _, err := w.named(base, url); err != nil {
		return err
	}
	return s.validateScopes(base, context)
}

// WithInline returns a set of the same contexts whose Check also takes contexts that are written
// into the @context of a document. They may name no context that the set does not know, redefine no
// protected term, rename no identifier or type, and set no @base.
//
// Then the document chooses what its own words mean: a reader that looks for names, as most do, may
// only believe those that a context it knows protects.
func (s *Set) WithInline() *Set {
	if s.inline {
		return s
	}
	return &Set{contexts: s.contexts, inline: true, reserved: s.reserved, empty: new(active)}
}

// Document returns the text of a JSON document that holds the context of that URL under "@context".
func (s *Set) Document(url string) (string, bool) {
	context, ok := s.contexts[url]
	if !ok {
		return "", false
	}
	return context.Document(), true
}

// Known reports whether s has a context of this URL.
func (s *Set) Known(url string) bool {
	_, ok := s.contexts[url]
	return ok
}

// A TermError reports the first term that the contexts do not define, or a context that is not
// known or does not fit on those before it.
type TermError struct {
	Pointer string // where it stands in the document (RFC 6901)
	Term    string // the member's name, the type or the context's URL
	Reason  string // why it is refused
}

// Error implements error.
func (e *TermError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("JSON-LD: %q %s", brief(e.Term), e.Reason)
	}
	return fmt.Sprintf("JSON-LD: %s: %q %s", brief(e.Pointer), brief(e.Term), e.Reason)
}

// brief shortens text that somebody else chose, for a message.
func brief(s string) string {
	const most = 120
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
