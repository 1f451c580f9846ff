package rdfc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

const sdName = "ecdsa-sd-2023"

// ECDSASD2023 is ecdsa-sd-2023: a credential of which its holder may show a part (vc-di-ecdsa §3.4 to §3.6).
// Keys are of P-256.
//
// The issuer's proof, the base proof, signs what is mandatory as a whole and every other statement by itself. It
// is for the holder alone, and no verifier takes it: [ECDSASD2023.Derive] makes of it what one may show.
//
// What is not mandatory the holder may leave out, so a verifier must not conclude anything from what is not
// there. An issuer who lets validUntil or credentialStatus be left out has issued a credential that never ends.
// Whoever sees two derived credentials can tell that they are of one: the base proof's signature is in both, and
// so are the labels of the things that have no id.
type ECDSASD2023 struct {
	// MandatoryPointers say what must be shown always, as JSON pointers (RFC 6901) that each match something. Nil
	// means every member of the credential but the claims, credentialSubject; an empty list means nothing at all.
	// Only Sign reads it.
	MandatoryPointers []string

	Contexts *vc.Contexts // nil means Contexts()

	fixed *fixedKeys // in tests; otherwise new ones for each proof
}

// The secrets of one base proof. The holder gets the first, so as to find the labels; nobody keeps the second.
type fixedKeys struct {
	labels []byte
	proof  *ecdsa.PrivateKey
}

// Name implements [vc.Suite].
func (ECDSASD2023) Name() string { return sdName }

// Traits says that the suite signs RDF, and that the holder may have left statements out.
func (ECDSASD2023) Traits() vc.Traits { return vc.Traits{JSONLD: true, Selective: true} }

// Sign implements [vc.Suite]: it makes a base proof (§3.6.1).
func (s ECDSASD2023) Sign(key crypto.Signer, document, options []byte) (string, error) {
	if err := needP256(key.Public()); err != nil {
		return "", err
	}
	doc, proofHash, err := s.read(document, options)
	if err != nil {
		return "", err
	}
	keys := s.fixed
	if keys == nil {
		keys = &fixedKeys{labels: make([]byte, sha256.Size)}
		rand.Read(keys.labels) // never fails
		if keys.proof, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return "", err
		}
	}
	base := baseProof{labelKey: keys.labels, pointers: s.MandatoryPointers}
	if base.publicKey, err = encodeP256(&keys.proof.PublicKey); err != nil {
		return "", err
	}
	if base.pointers == nil {
		for m := doc.First(); m.Exists(); m = m.Next() {
			if !slices.Contains([]string{"@context", "id", "type", "credentialSubject"}, m.Name()) {
				base.pointers = append(base.pointers, "/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(m.Name()))
			}
		}
	}
	if err := checkCount(base.pointers); err != nil {
		return "", fmt.Errorf("mandatory: %w", err)
	}

	all, err := s.statements(doc, base.labelKey)
	if err != nil {
		return "", err
	}
	mandatory, err := s.choose(doc, all, base.pointers)
	if err != nil {
		return "", fmt.Errorf("mandatory: %w", err)
	}
	if n := len(all.lines) - len(mandatory.lines); n > maxSignatures {
		return "", fmt.Errorf("%d statements that may be left out, at most %d can be signed", n, maxSignatures)
	}
	for _, line := range all.lines {
		if _, ok := slices.BinarySearch(mandatory.lines, line); ok {
			continue
		}
		one, err := signature.Sign(keys.proof, []byte(line))
		if err != nil {
			return "", err
		}
		base.signatures = append(base.signatures, one)
	}
	if base.signature, err = signature.Sign(key, signData(proofHash, base.publicKey, mandatory.lines)); err != nil {
		return "", err
	}
	return base.encode()
}

// Verify implements [vc.Suite]: it verifies a derived proof (§3.6.7).
func (s ECDSASD2023) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	if err := needP256(public); err != nil {
		return err
	}
	derived, err := parseDerived(proofValue)
	if err != nil {
		return err
	}
	proofKey, err := decodeP256(derived.publicKey)
	if err != nil {
		return err
	}
	_, proofHash, err := s.read(document, options)
	if err != nil {
		return err
	}

	// The statements under the labels that they were signed with (§3.5.9).
	said, err := quads(s.Contexts, document)
	if err != nil {
		return err
	}
	_, issued, err := rdf.Canonicalize(said, rdf.Options{})
	if err != nil {
		return err
	}
	// One label each, no more, no less: with one label for two nodes the holder would show two things where the
	// issuer spoke of one.
	if len(derived.labels) != len(issued) {
		return fmt.Errorf("proofValue: labels for %d blank nodes, where the document has %d", len(derived.labels), len(issued))
	}
	for input, canonical := range issued {
		n, err := strconv.Atoi(strings.TrimPrefix(canonical, "c14n"))
		if err != nil {
			return err
		}
		issued[input] = derived.labels[n]
	}
	lines, err := relabel(said, issued)
	if err != nil {
		return err
	}
	if n := len(derived.mandatory); n > 0 && derived.mandatory[n-1] >= len(lines) { // they ascend
		return fmt.Errorf("proofValue: statement %d is mandatory, where there are %d", derived.mandatory[n-1], len(lines))
	}
	if want := len(lines) - len(derived.mandatory); len(derived.signatures) != want {
		return fmt.Errorf("proofValue: %d signatures for %d statements that are not mandatory", len(derived.signatures), want)
	}

	var mandatory, single []string
	for i, line := range lines {
		if _, ok := slices.BinarySearch(derived.mandatory, i); ok {
			mandatory = append(mandatory, line)
		} else {
			single = append(single, line)
		}
	}
	if err := signature.Verify(public, signData(proofHash, derived.publicKey, mandatory), derived.signature); err != nil {
		return fmt.Errorf("what is mandatory: %w", err)
	}
	for i, line := range single {
		if err := signature.Verify(proofKey, []byte(line), derived.signatures[i]); err != nil {
			return fmt.Errorf("statement %.200q: %w", line, err)
		}
	}
	return nil
}

// read parses what is to be signed or verified, and hashes the proof's options (§3.6.3, §3.6.4).
func (s ECDSASD2023) read(document, options []byte) (doc strictjson.Value, proofHash []byte, err error) {
	d, err := strictjson.Parse(document, strictjson.Limits{})
	if err != nil {
		return doc, nil, fmt.Errorf("document: %w", err)
	}
	if doc = d.Root(); doc.Member("proof").Exists() {
		return doc, nil, errors.New("covers no other proof, so it cannot be part of a proof chain")
	}
	o, err := strictjson.Parse(options, strictjson.Limits{})
	if err != nil {
		return doc, nil, fmt.Errorf("proof: %w", err)
	}
	config, err := configuration(sdName, doc, o.Root())
	if err == nil {
		config, err = Canonicalize(s.Contexts, config, crypto.SHA256)
	}
	if err != nil {
		return doc, nil, fmt.Errorf("proof: %w", err)
	}
	sum := sha256.Sum256(config)
	return doc, sum[:], nil
}

// signData is what the issuer's key signs (§3.5.1).
func signData(proofHash, publicKey []byte, mandatory []string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(mandatory, "")))
	return slices.Concat(proofHash, publicKey, sum[:])
}

// Statements are what a document says, or a part of it.
type statements struct {
	document []byte
	quads    []rdf.Quad
	labels   map[string]string // of the blank nodes in quads: those that are signed
	lines    []string          // the quads under these labels, sorted
}

// statements labels what a document says with HMACs of canonical labels (§3.4.4): a holder who shows part of the
// lines must not show by their numbers how many others there are.
func (s ECDSASD2023) statements(doc strictjson.Value, key []byte) (all statements, err error) {
	if all.quads, err = quads(s.Contexts, []byte(doc.Raw())); err != nil {
		return all, err
	}
	if _, all.labels, err = rdf.Canonicalize(all.quads, rdf.Options{}); err != nil {
		return all, err
	}
	for input, canonical := range all.labels {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(canonical))
		all.labels[input] = multikey.EncodeBase64URL(h.Sum(nil))
	}
	all.lines, err = relabel(all.quads, all.labels)
	return all, err
}

// relabel returns quads as lines with other labels, sorted by code point and each once (§3.4.1).
func relabel(quads []rdf.Quad, labels map[string]string) ([]string, error) {
	lines := make([]string, len(quads))
	for i, q := range quads {
		for _, t := range []*rdf.Term{&q.Subject, &q.Object, &q.Graph} {
			if t.Kind == rdf.Blank {
				t.Value = labels[t.Value] // one that is missing is no label: AppendQuad refuses it
			}
		}
		line, err := rdf.AppendQuad(nil, q)
		if err != nil {
			return nil, err
		}
		lines[i] = string(line)
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

func needP256(public crypto.PublicKey) error {
	k, ok := public.(*ecdsa.PublicKey)
	switch {
	case !ok:
		return fmt.Errorf("needs a P-256 key, got %T", public)
	case k.Curve != elliptic.P256():
		return fmt.Errorf("needs a P-256 key, got %s", k.Params().Name)
	}
	return nil
}
