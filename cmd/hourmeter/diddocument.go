package main

import (
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

// signing are the relationships of a key that signs credentials and answers challenges.
var signing = []string{string(did.AssertionMethod), string(did.Authentication)}

// documentFlags say what of the document of a DID is to change.
type documentFlags struct {
	file                          string
	addKeys, uses, removeKeys     []string
	addServices, removeServices   []string
	addAliases, removeAliases     []string
	addControllers, removeControl []string
}

func (d *documentFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&d.file, "document", "", "`file` with the whole document, in place of the one there is")
	f.StringArrayVar(&d.addKeys, "add-key", nil, "`KEY` to add: the name of a key, or a Multikey z…; may be repeated")
	f.StringSliceVar(&d.uses, "use", signing, "what keys that are added may do, with commas between")
	f.StringArrayVar(&d.removeKeys, "remove-key", nil, "`ID` of a key to take out, such as #key-1; may be repeated")
	f.StringArrayVar(&d.addServices, "add-service", nil, "`ID,TYPE,URL` of a service to add; may be repeated")
	f.StringArrayVar(&d.removeServices, "remove-service", nil, "`ID` of a service to take out; may be repeated")
	f.StringArrayVar(&d.addAliases, "add-alias", nil, "`URI` by which the subject is also known (alsoKnownAs); may be repeated")
	f.StringArrayVar(&d.removeAliases, "remove-alias", nil, "`URI` to take out of alsoKnownAs; may be repeated")
	f.StringArrayVar(&d.addControllers, "add-controller", nil, "`DID` of a controller to name in the document; may be repeated")
	f.StringArrayVar(&d.removeControl, "remove-controller", nil, "`DID` of a controller to take out; may be repeated")
}

// given reports whether anything is to change.
func (d documentFlags) given() bool {
	return d.file != "" || d.edits()
}

func (d documentFlags) edits() bool {
	return len(d.addKeys)+len(d.removeKeys)+len(d.addServices)+len(d.removeServices)+len(d.addAliases)+len(d.removeAliases)+
		len(d.addControllers)+len(d.removeControl) > 0
}

// apply returns the document as it is to become. taken are the fragments that the DID has used at
// any time: a name that has meant one key never means another.
func (d documentFlags) apply(a *app, doc *did.Document, taken func(fragment string) bool) (*did.Document, error) {
	if d.file != "" {
		if d.edits() {
			return nil, errors.New("--document replaces the whole document: make the other changes in that file")
		}
		text, err := a.read(d.file, did.MaxDocumentBytes)
		if err != nil {
			return nil, err
		}
		if doc, err = did.ParseDocument(text); err != nil {
			return nil, fmt.Errorf("%s: %w", d.file, err)
		}
		return doc, nil
	}
	changed := edited(doc)
	for _, text := range d.removeKeys {
		id, err := within(doc.ID, text)
		if err != nil {
			return nil, fmt.Errorf("--remove-key: %w", err)
		}
		if err := changed.removeMethod(id); err != nil {
			return nil, err
		}
	}
	for _, name := range d.addKeys {
		public, err := a.publicKeyOr(name)
		if err != nil {
			return nil, fmt.Errorf("--add-key: %w", err)
		}
		if _, err := changed.addMethod(public, d.uses, taken); err != nil {
			return nil, err
		}
	}
	for _, text := range d.removeServices {
		id, err := within(doc.ID, text)
		if err != nil {
			return nil, fmt.Errorf("--remove-service: %w", err)
		}
		before := len(changed.Service)
		changed.Service = slices.DeleteFunc(changed.Service, func(s did.Service) bool { return s.ID == id })
		if len(changed.Service) == before {
			return nil, fmt.Errorf("--remove-service: the document has no service %s", id)
		}
	}
	for _, text := range d.addServices {
		s, err := parseService(text)
		if err != nil {
			return nil, err
		}
		id, err := within(doc.ID, strings.SplitN(text, ",", 2)[0])
		if err != nil {
			return nil, fmt.Errorf("--add-service: %w", err)
		}
		if slices.ContainsFunc(changed.Service, func(s did.Service) bool { return s.ID == id }) {
			return nil, fmt.Errorf("--add-service: the document has a service %s: take it out first, with --remove-service", id)
		}
		s.ID = id
		changed.Service = append(changed.Service, s)
	}
	var err error
	for _, alias := range d.addAliases {
		if u, err := url.Parse(alias); err != nil || !u.IsAbs() {
			return nil, fmt.Errorf("--add-alias: %q is no URI such as did:web:fleet.example or https://fleet.example", alias)
		}
	}
	if changed.AlsoKnownAs, err = editList("alias", changed.AlsoKnownAs, d.addAliases, d.removeAliases); err != nil {
		return nil, err
	}
	var controllers []string
	for _, c := range changed.Controller {
		controllers = append(controllers, c.String())
	}
	if controllers, err = editList("controller", controllers, d.addControllers, d.removeControl); err != nil {
		return nil, err
	}
	changed.Controller = nil
	for _, text := range controllers {
		c, err := did.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--add-controller: %w", err)
		}
		changed.Controller = append(changed.Controller, c)
	}
	return &changed.Document, nil
}

// editList takes values out of a list, and adds others.
func editList(what string, list, add, remove []string) ([]string, error) {
	list = slices.Clone(list)
	for _, text := range remove {
		i := slices.Index(list, text)
		if i < 0 {
			return nil, fmt.Errorf("--remove-%s: the document does not have %q", what, text)
		}
		list = slices.Delete(list, i, i+1)
	}
	for _, text := range add {
		if slices.Contains(list, text) {
			return nil, fmt.Errorf("--add-%s: the document has %q already", what, text)
		}
		list = append(list, text)
	}
	return list, nil
}

// within reads the id of a thing in the document of id: a DID URL, or its fragment with or without "#".
func within(id did.DID, text string) (did.URL, error) {
	if !strings.HasPrefix(text, "did:") {
		return did.URL{DID: id}.Parse("#" + strings.TrimPrefix(text, "#"))
	}
	url, err := did.ParseURL(text)
	if err == nil && url.DID != id {
		err = fmt.Errorf("%s is not of %s", url, id)
	}
	return url, err
}

// publicKeyOr returns the public half of a key by its name, or of a Multikey.
func (a *app) publicKeyOr(text string) (crypto.PublicKey, error) {
	if public, err := multikey.Decode(text); err == nil {
		return public, nil
	}
	return a.publicKey(text)
}

// An editedDocument is a copy of a document, to be changed.
type editedDocument struct{ did.Document }

func edited(doc *did.Document) *editedDocument {
	e := editedDocument{*doc}
	e.Raw = ""
	e.Context = slices.Clone(e.Context)
	e.VerificationMethod = slices.Clone(e.VerificationMethod)
	e.Service = slices.Clone(e.Service)
	for _, refs := range e.relationships() {
		*refs = slices.Clone(*refs)
	}
	return &e
}

func (e *editedDocument) relationships() map[did.Relationship]*[]did.MethodRef {
	return map[did.Relationship]*[]did.MethodRef{
		did.Authentication: &e.Authentication, did.AssertionMethod: &e.AssertionMethod, did.KeyAgreement: &e.KeyAgreement,
		did.CapabilityInvocation: &e.CapabilityInvocation, did.CapabilityDelegation: &e.CapabilityDelegation,
	}
}

// The JSON-LD contexts of documents with Multikeys.
const (
	contextDID      = "https://www.w3.org/ns/did/v1"
	contextMultikey = "https://w3id.org/security/multikey/v1"
)

// addMethod adds a key under the first name key-1, key-2 … that was never used.
func (e *editedDocument) addMethod(public crypto.PublicKey, uses []string, taken func(fragment string) bool) (did.URL, error) {
	fragment := ""
	for n := 1; fragment == "" || e.Method(e.ID.URL(fragment)) != nil || taken(fragment); n++ {
		fragment = fmt.Sprintf("key-%d", n)
	}
	m, err := did.NewVerificationMethod(e.ID.URL(fragment), did.Multikey, e.ID, public)
	if err != nil {
		return did.URL{}, err
	}
	if len(e.Context) == 0 {
		e.Context = []string{contextDID}
	}
	if !slices.Contains(e.Context, contextMultikey) {
		e.Context = append(e.Context, contextMultikey)
	}
	e.VerificationMethod = append(e.VerificationMethod, m)
	for _, use := range uses {
		refs := e.relationships()[did.Relationship(use)]
		if refs == nil {
			return did.URL{}, fmt.Errorf("--use: %q is no verification relationship: see hourmeter did key --help", use)
		}
		*refs = append(*refs, did.MethodRef{ID: m.ID})
	}
	for _, use := range uses {
		if _, err := e.Key(m.ID, did.Relationship(use)); err != nil {
			return did.URL{}, fmt.Errorf("--use: %w", err)
		}
	}
	return m.ID, nil
}

// removeMethod takes a key out of the document.
func (e *editedDocument) removeMethod(id did.URL) error {
	if e.Method(id) == nil {
		return e.noMethod(id)
	}
	e.VerificationMethod = slices.DeleteFunc(e.VerificationMethod, func(m did.VerificationMethod) bool { return m.ID == id })
	e.withdraw(id)
	return nil
}

// revoke marks a key as one that others may have had since a time. It stays in the document, so
// that whoever meets its signatures learns of it, and has no role any more.
func (e *editedDocument) revoke(id did.URL, since time.Time) error {
	m := e.Method(id)
	if m == nil {
		return e.noMethod(id)
	}
	if !m.Revoked.IsZero() && !since.Before(m.Revoked) {
		return fmt.Errorf("%s is marked as revoked since %s already", id, m.Revoked.UTC().Format(time.RFC3339))
	}
	marked := *m
	marked.Revoked = since.UTC()
	e.withdraw(id)
	e.VerificationMethod = slices.DeleteFunc(e.VerificationMethod, func(m did.VerificationMethod) bool { return m.ID == id })
	e.VerificationMethod = append(e.VerificationMethod, marked)
	return nil
}

// withdraw takes all its roles from a key.
func (e *editedDocument) withdraw(id did.URL) {
	for _, refs := range e.relationships() {
		*refs = slices.DeleteFunc(*refs, func(ref did.MethodRef) bool { return ref.ID == id })
	}
}

func (e *editedDocument) noMethod(id did.URL) error {
	var known []string
	for _, m := range e.VerificationMethod {
		known = append(known, "#"+m.ID.Fragment)
	}
	return fmt.Errorf("the document has no key %s; it has %s", id, strings.Join(known, ", "))
}
