package ldcontext

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A definer lays the terms of one context object over an active context.
type definer struct {
	set      *Set
	base     *active
	local    map[string]strictjson.Value // what it says of each term
	vocab    string
	protect  bool // @protected of the whole context
	override bool
	terms    map[string]*term
	open     map[string]bool // terms that are being defined; false: are defined
}

// define returns a with the terms of the context object local (§4.1.2, step 5.4 on).
func (s *Set) define(a *active, local strictjson.Value, override bool) (*active, error) {
	d := definer{
		set: s, base: a, local: map[string]strictjson.Value{}, vocab: a.vocab, override: override,
		terms: map[string]*term{}, open: map[string]bool{},
	}
	for def := range local.All() {
		d.local[def.Name()] = def
	}
	d.protect = local.Member("@protected").Kind() == strictjson.True
	if v := local.Member("@version"); v.Exists() && v.Raw() != "1.1" {
		return nil, errors.New("has an @version that is not 1.1")
	}
	if v := local.Member("@vocab"); v.Kind() == strictjson.Null {
		d.vocab = ""
	} else if v.Exists() {
		vocab, err := d.expand(v.Text(), true)
		if err != nil {
			return nil, err
		}
		if !isIRI(vocab) {
			return nil, errors.New("has an @vocab that is not an absolute IRI")
		}
		d.vocab = vocab
	}
	language, direction := a.language, a.direction
	for def := range local.All() {
		switch name := def.Name(); name {
		case "@version", "@vocab", "@protected", "@propagate":
		case "@base": // ignored in a context that is not part of the document (step 5.7)
		case "@language":
			if language = def.Text(); !isLanguage(def) {
				return nil, fmt.Errorf("has the @language %s, which is not a language tag", brief(def.Raw()))
			}
		case "@direction":
			if direction = def.Text(); !isDirection(def) {
				return nil, fmt.Errorf("has the @direction %s, which is neither ltr nor rtl", brief(def.Raw()))
			}
		case "@import":
			return nil, errors.New("uses @import, which is not processed here: write the imported context out")
		default:
			if err := d.term(name); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range []string{"@protected", "@propagate"} {
		if v := local.Member(name); v.Exists() && v.Kind() != strictjson.True && v.Kind() != strictjson.False {
			return nil, fmt.Errorf("has an %s that is not a boolean", name)
		}
	}

	next := &active{terms: d.terms, below: a, vocab: d.vocab, language: language, direction: direction, protected: a.protected}
	if a.below == nil && len(a.terms)+len(d.terms) <= maxFlat {
		next.terms, next.below = maps.Clone(a.terms), nil
		if next.terms == nil {
			next.terms = map[string]*term{}
		}
		maps.Copy(next.terms, d.terms)
	}
	for _, name := range a.typeAliases {
		if next.lookup(name).iri == "@type" {
			next.typeAliases = append(next.typeAliases, name)
		}
	}
	for name, t := range d.terms {
		next.protected = next.protected || t.protected
		if t.iri == "@type" && !slices.Contains(next.typeAliases, name) {
			next.typeAliases = append(next.typeAliases, name)
		}
	}
	return next, nil
}

// term creates the definition of a term (§4.2.2).
func (d *definer) term(name string) error {
	if open, seen := d.open[name]; seen {
		if open {
			return fmt.Errorf("defines %q by itself", brief(name))
		}
		return nil
	}
	d.open[name] = true
	def := d.local[name]
	refuse := func(why string) error { return fmt.Errorf("defines %q with %s", brief(name), why) }
	switch {
	case name == "":
		return errors.New("defines a term without a name")
	case name == "@type": // may only say @container: @set and @protected, which changes nothing here
		d.open[name] = false
		for m := range def.All() {
			if m.Name() != "@protected" && (m.Name() != "@container" || m.Text() != "@set") {
				return refuse(brief(m.Name()))
			}
		}
		return nil
	case name[0] == '@':
		return fmt.Errorf("redefines the keyword %q", brief(name))
	}

	t := &term{protected: d.protect}
	id, simple := def, def.Kind() == strictjson.String
	switch def.Kind() {
	case strictjson.Null, strictjson.String:
	case strictjson.Object:
		id = strictjson.Value{}
		for m := range def.All() {
			switch m.Name() {
			case "@id":
				id = m
			case "@reverse":
				t.reverse = true
				id = m
			case "@type":
				typ, err := d.expand(m.Text(), true)
				if err != nil {
					return err
				}
				if typ != "@id" && typ != "@vocab" && typ != "@json" && typ != "@none" && !isIRI(typ) {
					return refuse("an @type that is not an IRI")
				}
				t.typ = typ
			case "@container":
				container, err := containers(m)
				if err != nil {
					return refuse(err.Error())
				}
				t.container = container
			case "@context":
				t.context = m
			case "@language":
				if t.language = m; !isLanguage(m) {
					return refuse("an @language that is not a language tag")
				}
			case "@direction":
				if t.direction = m; !isDirection(m) {
					return refuse("an @direction that is neither ltr nor rtl")
				}
			case "@prefix", "@protected":
				if k := m.Kind(); k != strictjson.True && k != strictjson.False {
					return refuse("a " + m.Name() + " that is not a boolean")
				}
				if m.Name() == "@protected" {
					t.protected = m.Kind() == strictjson.True
				}
			default:
				return refuse(brief(m.Name()) + ", which is not processed here")
			}
		}
		if t.reverse && (def.Member("@id").Exists() || id.Kind() != strictjson.String) {
			return refuse("an @reverse that is not one IRI")
		}
	default:
		return refuse(def.Kind().String())
	}

	switch {
	case id.Kind() == strictjson.Null: // explicitly undefined
	case id.Kind() == strictjson.String && id.Text() != name:
		iri, err := d.expand(id.Text(), true)
		if err != nil {
			return err
		}
		if iri != "@id" && iri != "@type" && !isIRI(iri) || t.reverse && iri[0] == '@' {
			return refuse("an @id that is not an absolute IRI")
		}
		t.iri = iri
		if strings.Contains(strings.Trim(name, ":"), ":") || strings.Contains(name, "/") {
			// A term that looks like an IRI must mean that IRI (step 14.2.4).
			d.open[name] = false
			own, err := d.expandWord(name, false)
			if err != nil {
				return err
			}
			if own != iri {
				return refuse("an @id other than the IRI that it is")
			}
		} else {
			t.prefix = simple && iri[0] != '@' && strings.IndexByte(":/?#[]@", iri[len(iri)-1]) >= 0
		}
	case id.Exists() && id.Kind() != strictjson.String:
		return refuse("an @id that is " + id.Kind().String())
	default: // by its own name: a compact IRI, an IRI, or a word of @vocab
		iri, err := d.expandWord(name, false)
		if err != nil {
			return err
		}
		if iri == name && d.vocab != "" && !strings.Contains(name, ":") {
			iri = d.vocab + name
		}
		if !isIRI(iri) {
			return refuse("no @id")
		}
		t.iri = iri
	}
	if p := def.Member("@prefix"); p.Exists() {
		t.prefix = p.Kind() == strictjson.True && t.iri != ""
		if strings.ContainsAny(name, ":/") || t.prefix && t.iri[0] == '@' {
			return refuse("an @prefix that it cannot have")
		}
	}

	if t.prefix && isScheme(name) {
		return refuse("a prefix that is a scheme: identifiers would not be what they read as")
	}

	if _, ours := d.set.reserved[name]; ours {
		t.lookalike = d.set.reserved[name] && t.iri != HourmeterV1+"#"+name
	}
	if old := d.base.lookup(name); old != nil && old.protected && !d.override {
		if !t.means(old) {
			return fmt.Errorf("redefines %q, which a context before it protects", brief(name))
		}
		t = old
	}
	d.terms[name] = t
	d.open[name] = false
	return nil
}

// isScheme reports whether name begins the identifiers that readers take as they stand.
func isScheme(name string) bool {
	switch name {
	case "did", "urn", "http", "https", "data", "tag":
		return true
	}
	return false
}

// containers reads an @container. Maps other than by language are not processed here.
func containers(v strictjson.Value) (string, error) {
	var names []string
	switch v.Kind() {
	case strictjson.String:
		names = append(names, v.Text())
	case strictjson.Array:
		for e := range v.All() {
			names = append(names, e.Text())
		}
	}
	slices.Sort(names)
	switch joined := strings.Join(names, " "); joined {
	case "@set", "@list", "@graph", "@language", "@graph @set", "@language @set":
		return joined, nil
	}
	return "", fmt.Errorf("the container %s, which is not processed here", brief(v.Raw()))
}

// means reports whether two definitions differ in nothing but protection.
func (t *term) means(o *term) bool {
	return t.iri == o.iri && t.typ == o.typ && t.container == o.container && equal(t.language, o.language) &&
		equal(t.direction, o.direction) && t.reverse == o.reverse && t.prefix == o.prefix && equal(t.context, o.context)
}

// isLanguage reports whether v is a language tag (the form that BCP 47 and N-Quads share), or null.
func isLanguage(v strictjson.Value) bool {
	return v.Kind() == strictjson.Null || isTag(v.Text())
}

func isTag(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, c := range []byte(part) {
			if !('a' <= c|0x20 && c|0x20 <= 'z' || i > 0 && '0' <= c && c <= '9') {
				return false
			}
		}
	}
	return true
}

// isDirection reports whether v is a base direction, or null.
func isDirection(v strictjson.Value) bool {
	return v.Kind() == strictjson.Null || v.Text() == "ltr" || v.Text() == "rtl"
}

// equal reports whether two JSON values are the same, in whatever order their members stand.
func equal(a, b strictjson.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case strictjson.Object:
		for m := range a.All() {
			if other := b.Member(m.Name()); !other.Exists() || !equal(m, other) {
				return false
			}
		}
		return a.Len() == b.Len()
	case strictjson.Array:
		x, y := a.First(), b.First()
		for ; x.Exists() && y.Exists(); x, y = x.Next(), y.Next() {
			if !equal(x, y) {
				return false
			}
		}
		return !x.Exists() && !y.Exists()
	case strictjson.String:
		return a.Text() == b.Text()
	}
	return a.Raw() == b.Raw()
}

func (d *definer) lookup(name string) *term {
	if t, ok := d.terms[name]; ok {
		return t
	}
	return d.base.lookup(name)
}

// needs defines name first if this context defines it too.
func (d *definer) needs(name string) error {
	if _, ok := d.local[name]; ok && name != "" && name[0] != '@' {
		return d.term(name)
	}
	return nil
}

// expand expands a word of a context to an IRI or keyword (§5.2.2, with vocab). What cannot be expanded
// is returned as it is.
func (d *definer) expand(word string, vocab bool) (string, error) {
	if strings.HasPrefix(word, "@") {
		return word, nil
	}
	if err := d.needs(word); err != nil {
		return "", err
	}
	if t := d.lookup(word); t != nil && vocab {
		return t.iri, nil
	}
	return d.expandWord(word, vocab)
}

// expandWord expands a word that is not a term.
func (d *definer) expandWord(word string, vocab bool) (string, error) {
	if prefix, suffix, ok := strings.Cut(word, ":"); ok && prefix != "" {
		if prefix == "_" || strings.HasPrefix(suffix, "//") {
			return word, nil
		}
		if err := d.needs(prefix); err != nil {
			return "", err
		}
		if t := d.lookup(prefix); t != nil && t.iri != "" && t.prefix {
			return t.iri + suffix, nil
		}
		return word, nil
	}
	if vocab && d.vocab != "" {
		return d.vocab + word, nil
	}
	return word, nil
}

// isIRI reports whether s is an absolute IRI: a scheme, and no character that RFC 3987 excludes.
func isIRI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || scheme[0]|0x20 < 'a' || scheme[0]|0x20 > 'z' {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.') {
			return false
		}
	}
	for i := range len(rest) {
		if c := rest[i]; c <= ' ' || c == 0x7f || strings.IndexByte("<>\"{}|\\^`", c) >= 0 {
			return false
		}
	}
	return true
}
