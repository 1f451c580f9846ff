package rdfc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

// The proof values begin with these three bytes (vc-di-ecdsa §3.5.2, §3.5.7).
const (
	baseHeader    = "\xd9\x5d\x00"
	derivedHeader = "\xd9\x5d\x01"
)

const (
	// maxProofBytes bounds a proof value, decoded: package vc reads 128 KiB of text.
	maxProofBytes = 95 << 10
	// maxSignatures is how many signatures of statements fit, with pointers and labels beside them. Checking them
	// takes a tenth of a second.
	maxSignatures = 1300

	sigSize = 64
	keySize = 35 // its code, p256-pub, in two bytes, and a compressed point
)

// A baseProof is a base proof value (§3.5.2, §3.5.3).
type baseProof struct {
	signature, publicKey, labelKey []byte
	signatures                     [][]byte
	pointers                       []string
}

func (p *baseProof) encode() (string, error) {
	b := cbor.AppendArray([]byte(baseHeader), 5)
	b = cbor.AppendBytes(b, p.signature)
	b = cbor.AppendBytes(b, p.publicKey)
	b = cbor.AppendBytes(b, p.labelKey)
	b = cbor.AppendArray(b, len(p.signatures))
	for _, s := range p.signatures {
		b = cbor.AppendBytes(b, s)
	}
	b = cbor.AppendArray(b, len(p.pointers))
	for _, s := range p.pointers {
		b = cbor.AppendText(b, s)
	}
	return seal(b)
}

// A derivedProof is a derived proof value (§3.5.7, §3.5.8).
type derivedProof struct {
	signature, publicKey []byte
	signatures           [][]byte
	labels               []string // of c14n0, c14n1, …
	mandatory            []int    // which of the statements are, ascending
}

func (p *derivedProof) encode() (string, error) {
	b := cbor.AppendArray([]byte(derivedHeader), 5)
	b = cbor.AppendBytes(b, p.signature)
	b = cbor.AppendBytes(b, p.publicKey)
	b = cbor.AppendArray(b, len(p.signatures))
	for _, s := range p.signatures {
		b = cbor.AppendBytes(b, s)
	}
	b = cbor.AppendMap(b, len(p.labels))
	for i, label := range p.labels {
		hash, err := multikey.DecodeBase64URL(label, sha256.Size)
		if err != nil {
			return "", err
		}
		b = cbor.AppendBytes(cbor.AppendInt(b, int64(i)), hash)
	}
	b = cbor.AppendArray(b, len(p.mandatory))
	for _, n := range p.mandatory {
		b = cbor.AppendInt(b, int64(n))
	}
	return seal(b)
}

func seal(b []byte) (string, error) {
	if len(b) > maxProofBytes {
		return "", fmt.Errorf("a proofValue of %d bytes, at most %d are read", len(b), maxProofBytes)
	}
	return multikey.EncodeBase64URL(b), nil
}

// open reads the head of a proof value.
func open(proofValue, header string) (*cbor.Reader, error) {
	b, err := multikey.DecodeBase64URL(proofValue, maxProofBytes)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(b, []byte(header)):
	case bytes.HasPrefix(b, []byte(baseHeader)):
		return nil, errors.New("is a base proof, which is the holder's alone: what they show is to be derived from it")
	case bytes.HasPrefix(b, []byte(derivedHeader)):
		return nil, errors.New("is a derived proof: derive from the base proof that the issuer made")
	default:
		return nil, fmt.Errorf("begins with %x, where %s has %x", b[:min(3, len(b))], sdName, header)
	}
	r := cbor.NewReader(b[len(header):])
	five, err := r.Want(cbor.Array)
	if err == nil && five.N != 5 {
		err = fmt.Errorf("an array of %d, want 5", five.N)
	}
	return r, err
}

func parseBase(proofValue string) (p baseProof, err error) {
	r, err := open(proofValue, baseHeader)
	if err == nil {
		p.signature, err = sized(r, "the signature", sigSize)
	}
	if err == nil {
		p.publicKey, err = sized(r, "the public key", keySize)
	}
	if err == nil {
		p.labelKey, err = sized(r, "the HMAC key", sha256.Size)
	}
	if err == nil {
		p.signatures, err = signatures(r)
	}
	if err == nil {
		err = items(r, "pointers", maxPointers, func() error {
			pointer, err := r.Text()
			p.pointers = append(p.pointers, pointer)
			return err
		})
	}
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return p, fmt.Errorf("proofValue: %w", err)
	}
	return p, nil
}

func parseDerived(proofValue string) (p derivedProof, err error) {
	r, err := open(proofValue, derivedHeader)
	if err == nil {
		p.signature, err = sized(r, "the signature", sigSize)
	}
	if err == nil {
		p.publicKey, err = sized(r, "the public key", keySize)
	}
	if err == nil {
		p.signatures, err = signatures(r)
	}
	if err == nil {
		p.labels, err = labels(r)
	}
	if err == nil {
		err = items(r, "mandatory statements", maxProofBytes, func() error {
			n, err := r.Int()
			if last := len(p.mandatory) - 1; err == nil && (n < 0 || n > maxProofBytes || last >= 0 && n <= int64(p.mandatory[last])) {
				err = fmt.Errorf("the numbers of mandatory statements do not ascend, or are beyond any document: %d", n)
			}
			p.mandatory = append(p.mandatory, int(n))
			return err
		})
	}
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return p, fmt.Errorf("proofValue: %w", err)
	}
	return p, nil
}

// items reads an array, item by item: nothing is made as large as its head says it will be.
func items(r *cbor.Reader, what string, most uint64, item func() error) error {
	head, err := r.Want(cbor.Array)
	if err == nil && head.N > most {
		err = fmt.Errorf("%d %s, at most %d are read", head.N, what, most)
	}
	for ; err == nil && head.N > 0; head.N-- {
		err = item()
	}
	return err
}

func sized(r *cbor.Reader, what string, size int) ([]byte, error) {
	b, err := r.Bytes()
	if err == nil && len(b) != size {
		err = fmt.Errorf("%s has %d bytes, want %d", what, len(b), size)
	}
	return b, err
}

func signatures(r *cbor.Reader) (all [][]byte, err error) {
	err = items(r, "signatures", maxSignatures, func() error {
		s, err := sized(r, "a signature", sigSize)
		all = append(all, s)
		return err
	})
	return all, err
}

// labels reads the label map (§3.5.5, §3.5.6): exactly c14n0 to the last, in any order, no label twice. Of two
// nodes with one label nobody could say which of them the issuer spoke of.
func labels(r *cbor.Reader) ([]string, error) {
	byNumber := map[uint64]string{}
	used := map[string]bool{}
	err := r.Pairs(func(key cbor.Item) error {
		if key.Kind != cbor.Uint {
			return fmt.Errorf("%s as a key of the label map, want the number of a canonical label", key.Kind)
		}
		hash, err := sized(r, "a label", sha256.Size)
		if err != nil {
			return err
		}
		label := multikey.EncodeBase64URL(hash)
		if used[label] {
			return fmt.Errorf("the label map gives one label to two blank nodes: %s", label)
		}
		used[label] = true
		byNumber[key.N] = label
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]string, len(byNumber))
	for i := range all {
		label, ok := byNumber[uint64(i)]
		if !ok {
			return nil, fmt.Errorf("the label map has %d labels, but none for c14n%d", len(all), i)
		}
		all[i] = label
	}
	return all, nil
}

// encodeP256 writes a public key as a proof value has it: a Multikey, without its multibase (§3.6.5).
func encodeP256(key *ecdsa.PublicKey) ([]byte, error) {
	text, err := multikey.Encode(key)
	if err != nil {
		return nil, err
	}
	return multikey.DecodeBase58(text, keySize)
}

func decodeP256(b []byte) (*ecdsa.PublicKey, error) {
	key, err := multikey.Decode(multikey.EncodeBase58(b))
	if err != nil {
		return nil, fmt.Errorf("proofValue: %w", err)
	}
	if k, ok := key.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P256() {
		return k, nil
	}
	return nil, errors.New("proofValue: its public key is not one of P-256")
}
