package ldcontext

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// An active context (JSON-LD 1.1 API §4.1) says what each term means at one place of a document. It is
// immutable, but for the memory of which active context each scope leads to.
type active struct {
	terms       map[string]*term
	below       *active  // where to look for terms that are not in terms; nil if those are all
	previous    *active  // in force again in the objects below: what a type-scoped context was laid over
	vocab       string   // prefix of every word that is not a term; "" is none
	language    string   // of strings whose term does not say; "" is none
	direction   string   // likewise
	protected   bool     // it has a protected term, at any layer
	typeAliases []string // terms that mean @type

	next   atomic.Pointer[map[scope]*active]
	folded atomic.Pointer[map[string]bool] // terms without their case, once somebody has asked
}

// A scope is a way from one active context to the next.
type scope struct {
	term   *term  // whose scoped context comes into force
	byType bool   // term is a type of the object, not the property it is the value of
	name   string // or: the URL of a context that the document lists
}

// A term is a term definition (JSON-LD 1.1 API §4.2).
type term struct {
	iri       string           // an absolute IRI; "@id" or "@type" for an alias; "" if the term is mapped to null
	typ       string           // type coercion: "@id", "@vocab", "@json", "@none", an IRI; or ""
	container string           // its keywords, sorted and joined by a space
	context   strictjson.Value // the scoped context; absent if there is none
	language  strictjson.Value // @language, a string or null; absent if it does not say
	direction strictjson.Value // @direction, likewise
	reverse   bool
	prefix    bool // may be the prefix of a compact IRI
	protected bool
	lookalike bool // a reserved name with another meaning
}

// lookup returns the definition of name, or nil.
func (a *active) lookup(name string) *term {
	for ; a != nil; a = a.below {
		if t, ok := a.terms[name]; ok {
			return t
		}
	}
	return nil
}

// hasVariant reports whether a term differs from name only by case, if at all.
func (a *active) hasVariant(name string) bool {
	name = fold(name)
	for ; a != nil; a = a.below {
		folded := a.folded.Load()
		if folded == nil {
			made := make(map[string]bool, len(a.terms))
			for known := range a.terms {
				made[fold(known)] = true
			}
			folded = &made
			a.folded.Store(folded)
		}
		if (*folded)[name] {
			return true
		}
	}
	return false
}

// fold returns s without its case: what strings.EqualFold calls equal becomes the same.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}

// returningTo returns a with another previous context.
func (a *active) returningTo(previous *active) *active {
	if a.previous == previous {
		return a
	}
	return &active{
		terms: a.terms, below: a.below, previous: previous, vocab: a.vocab, language: a.language, direction: a.direction,
		protected: a.protected, typeAliases: a.typeAliases,
	}
}

// remembered returns the active context that step leads to, or nil.
func (a *active) remembered(step scope) *active {
	if next := a.next.Load(); next != nil {
		return (*next)[step]
	}
	return nil
}

// remember keeps where step leads from a. When the memory is full, all is forgotten and it fills anew:
// then hostile input costs those who come after it a little time, and never their place.
func (s *Set) remember(a *active, step scope, to *active) {
	if s.kept.Add(1) > maxRemembered {
		s.kept.Store(0)
		s.empty.next.Store(nil) // every active context is reached from here
		return
	}
	for {
		old := a.next.Load()
		grown := map[scope]*active{step: to}
		if old != nil {
			maps.Copy(grown, *old)
		}
		if a.next.CompareAndSwap(old, &grown) {
			return
		}
	}
}

// named returns the active context after the context of that URL.
func (w *walk) named(a *active, url string) (*active, error) {
	context, ok := w.contexts[url]
	if !ok {
		return nil, errUnknown
	}
	return w.follow(a, scope{name: url}, context)
}

// scoped returns the active context after the scoped context of t, which must have one.
func (w *walk) scoped(a *active, t *term, byType bool) (*active, error) {
	return w.follow(a, scope{term: t, byType: byType}, t.context)
}

func (w *walk) follow(a *active, step scope, context strictjson.Value) (*active, error) {
	if next := a.remembered(step); next != nil {
		return next, nil
	}
	if w.fresh++; w.fresh > maxFresh {
		return nil, errTooMany
	}
	// What a property means includes what its value's words mean, protected or not, all the way
	// down. A type must not contradict, and holds for its object alone (§5.1.2, steps 8 and 11).
	override, propagate := step.term != nil && !step.byType, !step.byType
	next, err := w.process(a, context, override, propagate, maxContextDepth)
	if err != nil {
		return nil, err
	}
	w.remember(a, step, next)
	return next, nil
}

var (
	errUnknown   = errors.New("is a context that is not known here: pin it by passing its document")
	errTooDeep   = errors.New("names contexts too many levels deep")
	errTooMany   = errors.New("comes after too many others in one document")
	errNullifies = errors.New("is null, which would clear protected terms")
)

// process applies a local context to a (JSON-LD 1.1 API §4.1.2): the context processing algorithm,
// with an empty base. override allows it to redefine protected terms, propagate is the default of
// @propagate, depth how many more contexts may name another.
func (s *Set) process(a *active, local strictjson.Value, override, propagate bool, depth int) (*active, error) {
	if depth == 0 {
		return nil, errTooDeep
	}
	if p := local.Member("@propagate"); p.Exists() {
		if p.Kind() != strictjson.True && p.Kind() != strictjson.False {
			return nil, errors.New("has an @propagate that is not a boolean")
		}
		propagate = p.Kind() == strictjson.True
	}
	previous := a.previous
	if !propagate && previous == nil {
		previous = a
	}

	one := func(result *active, local strictjson.Value) (*active, error) {
		switch local.Kind() {
		case strictjson.Null:
			if result.protected && !override {
				return nil, errNullifies
			}
			return new(active), nil
		case strictjson.String:
			context, ok := s.contexts[local.Text()]
			if !ok {
				return nil, fmt.Errorf("names the context %q, which is not known here", brief(local.Text()))
			}
			return s.process(result, context, false, true, depth-1)
		case strictjson.Object:
			return s.define(result, local, override)
		}
		return nil, fmt.Errorf("has %s where a context belongs", local.Kind())
	}
	result, err := a, error(nil)
	if local.Kind() != strictjson.Array {
		result, err = one(result, local)
	} else {
		for element := range local.All() {
			// Processors disagree on whether it is about the element or the list (§4.1.2, step 3).
			if element.Member("@propagate").Exists() {
				return nil, errors.New("has @propagate within a list of contexts")
			}
			if result, err = one(result, element); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return result.returningTo(previous), nil
}

// validateScopes processes every scoped context within local, as the algorithm does when it creates
// a term definition, so that a bad one is refused before a credential meets it. How deep they nest, strictjson limits.
func (s *Set) validateScopes(a *active, local strictjson.Value) error {
	switch local.Kind() {
	case strictjson.Array:
		for element := range local.All() {
			if err := s.validateScopes(a, element); err != nil {
				return err
			}
			if element.Kind() == strictjson.Object {
				next, err := s.process(a, element, true, true, maxContextDepth)
				if err != nil {
					return err
				}
				a = next
			}
		}
	case strictjson.Object:
		inner, err := s.process(a, local, true, true, maxContextDepth)
		if err != nil {
			return err
		}
		for def := range local.All() {
			if scope := def.Member("@context"); scope.Exists() {
				if _, err := s.process(inner, scope, true, true, maxContextDepth); err != nil {
					return fmt.Errorf("in the context of term %q: %w", brief(def.Name()), err)
				}
				if err := s.validateScopes(inner, scope); err != nil {
					return fmt.Errorf("in the context of term %q: %w", brief(def.Name()), err)
				}
			}
		}
	}
	return nil
}
