package rdfc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// Derive makes, of a credential with a base proof, one that shows what selectivePointers select (RFC 6901) and what
// the issuer made mandatory, and nothing else (§3.6.6). The holder needs no key for it.
//
// An object is shown with its id and types wherever a pointer leads through it, and arrays close up over what is
// left out. A list that is ordered in RDF can be shown as a whole only. Other proofs of the credential are left
// out: they would not hold.
//
// Derive checks what it shows against the base proof, but the issuer's signature only a verifier can: see that
// first, by verifying a credential derived with all pointers.
func (s ECDSASD2023) Derive(credential []byte, selectivePointers []string) ([]byte, error) {
	derived, err := s.derive(credential, selectivePointers)
	if err != nil {
		return nil, fmt.Errorf("rdfc: derive: %w", err)
	}
	return derived, nil
}

func (s ECDSASD2023) derive(credential []byte, selectivePointers []string) ([]byte, error) {
	d, err := strictjson.Parse(credential, strictjson.Limits{Bytes: vc.MaxCredentialBytes})
	if err != nil {
		return nil, err
	}
	proofs := []strictjson.Value{d.Root().Member("proof")}
	if proofs[0].Kind() == strictjson.Array {
		proofs = slices.Collect(proofs[0].All())
	}
	proofs = slices.DeleteFunc(proofs, func(p strictjson.Value) bool { return p.Member("cryptosuite").Text() != sdName })
	switch {
	case len(proofs) == 0:
		return nil, fmt.Errorf("the credential has no proof of %s", sdName)
	case len(proofs) > 1:
		return nil, fmt.Errorf("the credential has %d proofs of %s: leave one", len(proofs), sdName)
	case proofs[0].Member("previousProof").Exists():
		return nil, errors.New("the proof covers another one, which would be left out")
	}
	base, err := parseBase(proofs[0].Member("proofValue").Text())
	if err != nil {
		return nil, err
	}
	proofKey, err := decodeP256(base.publicKey)
	if err != nil {
		return nil, err
	}
	d, err = strictjson.Parse(jcs.Append(nil, d.Root(), jcs.Override{Name: "proof"}), strictjson.Limits{})
	if err != nil {
		return nil, err
	}

	// What there is, what must be shown, and what will be (§3.5.4).
	all, err := s.statements(d.Root(), base.labelKey)
	if err != nil {
		return nil, err
	}
	mandatory, err := s.choose(d.Root(), all, base.pointers)
	if err != nil {
		return nil, fmt.Errorf("mandatory: %w", err)
	}
	if err := checkCount(selectivePointers); err != nil {
		return nil, err
	}
	shown, err := s.choose(d.Root(), all, slices.Concat(base.pointers, selectivePointers))
	if err != nil {
		return nil, err
	}
	if shown.document == nil {
		return nil, errors.New("nothing is mandatory and nothing selected: name what to show")
	}
	if want := len(all.lines) - len(mandatory.lines); len(base.signatures) != want {
		return nil, fmt.Errorf("the base proof has %d signatures for %d statements: it is not of this credential", len(base.signatures), want)
	}
	derived := derivedProof{signature: base.signature, publicKey: base.publicKey}
	next, place := 0, 0 // of the signatures, and of the statements that are shown
	for _, line := range all.lines {
		_, isMandatory := slices.BinarySearch(mandatory.lines, line)
		_, isShown := slices.BinarySearch(shown.lines, line)
		switch {
		case isMandatory:
			derived.mandatory = append(derived.mandatory, place)
		case isShown:
			if err := signature.Verify(proofKey, []byte(line), base.signatures[next]); err != nil {
				return nil, fmt.Errorf("statement %.200q is not as the issuer signed it: %w", line, err)
			}
			derived.signatures = append(derived.signatures, base.signatures[next])
		}
		if !isMandatory {
			next++
		}
		if isShown {
			place++
		}
	}

	// The verifier numbers the blank nodes that it sees: tell it which ones they are.
	_, issued, err := rdf.Canonicalize(shown.quads, rdf.Options{})
	if err != nil {
		return nil, err
	}
	derived.labels = make([]string, len(issued))
	for input, canonical := range issued {
		n, err := strconv.Atoi(strings.TrimPrefix(canonical, "c14n"))
		if err != nil {
			return nil, err
		}
		derived.labels[n] = shown.labels[input]
	}
	value, err := derived.encode()
	if err != nil {
		return nil, err
	}
	out := append(shown.document[:len(shown.document)-1], `,"proof":`...)
	out = jcs.Append(out, proofs[0], jcs.Override{Name: "proofValue", Canonical: []byte(`"` + value + `"`)})
	return append(out, '}'), nil
}
