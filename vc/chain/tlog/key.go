package tlog

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Signature types of C2SP signed-note.
const (
	typeLog     = 0x01 // Ed25519 over the note's text
	typeWitness = 0x04 // Ed25519 cosignature with a time (C2SP tlog-cosignature)
)

// maxName bounds the name of a log or witness, in bytes: it stands in a line of
// each note, and host and path of a URL are shorter.
const maxName = 255

// LogKey returns the verifier key of a log, as readers and witnesses are given
// it: "origin+hash+key" (C2SP signed-note, verifier keys). The public key is an
// [ed25519.PublicKey]; the name is the log's origin.
func LogKey(origin string, public crypto.PublicKey) (string, error) {
	return encodeKey(origin, typeLog, public)
}

// WitnessKey returns the verifier key of a witness (C2SP tlog-cosignature). The
// public key is an [ed25519.PublicKey] that signs nothing else.
func WitnessKey(name string, public crypto.PublicKey) (string, error) {
	return encodeKey(name, typeWitness, public)
}

func encodeKey(name string, kind byte, public crypto.PublicKey) (string, error) {
	k, err := newKey(name, kind, public)
	if err != nil {
		return "", err
	}
	return k.String(), nil
}

// A key is the public key of a log or a witness, with its name. It is a note.Verifier.
type key struct {
	name   string
	id     uint32
	kind   byte
	public ed25519.PublicKey
}

func newKey(name string, kind byte, public crypto.PublicKey) (*key, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	pub, ok := public.(ed25519.PublicKey)
	if !ok || len(pub) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("tlog: the key of %s is not an Ed25519 key: C2SP logs and witnesses sign with those", name)
	}
	sum := sha256.Sum256(append([]byte(name+"\n"+string(rune(kind))), pub...))
	return &key{name: name, id: binary.BigEndian.Uint32(sum[:4]), kind: kind, public: pub}, nil
}

// checkName holds a name against C2SP signed-note: what it forbids would break notes.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxName || !utf8.ValidString(name):
		return fmt.Errorf("tlog: name %.40q of a log or witness: want 1 to %d bytes of UTF-8, such as example.com/log", name, maxName)
	case strings.Contains(name, "+") || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("tlog: name %.40q of a log or witness: spaces, control characters and + are not allowed", name)
	}
	return nil
}

// parseKey reads a verifier key of the given type.
func parseKey(vkey string, kind byte) (*key, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	id, b64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(b64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return nil, fmt.Errorf("tlog: verifier key %.80q: want name+hash+key, as LogKey and WitnessKey write it", vkey)
	}
	if raw[0] != kind {
		want := map[byte]string{typeLog: "a log, 0x01", typeWitness: "a witness, 0x04"}[kind]
		return nil, fmt.Errorf("tlog: verifier key of %.80q has signature type 0x%02x, want that of %s", name, raw[0], want)
	}
	k, err := newKey(name, kind, ed25519.PublicKey(raw[1:]))
	if err != nil {
		return nil, err
	}
	if id != fmt.Sprintf("%08x", k.id) {
		return nil, fmt.Errorf("tlog: verifier key of %s: hash %.16q does not fit name and key: was it copied whole?", name, id)
	}
	return k, nil
}

// String returns the verifier key.
func (k *key) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.id, base64.StdEncoding.EncodeToString(append([]byte{k.kind}, k.public...)))
}

func (k *key) Name() string    { return k.name }
func (k *key) KeyHash() uint32 { return k.id }

// Verify checks a signature over the text of a note.
func (k *key) Verify(text, sig []byte) bool {
	if k.kind == typeLog {
		return ed25519.Verify(k.public, text, sig)
	}
	return len(sig) == 8+ed25519.SignatureSize && ed25519.Verify(k.public, cosigned(text, binary.BigEndian.Uint64(sig)), sig[8:])
}

// cosigned is what a witness signs: tlog-cosignature, "Ed25519 signed message".
func cosigned(text []byte, unix uint64) []byte {
	b := append(strconv.AppendUint([]byte("cosignature/v1\ntime "), unix, 10), '\n')
	return append(b, text...)
}

// cosignedAt returns the time in a cosignature that was verified.
func cosignedAt(s note.Signature) time.Time {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) < 12 {
		return farFuture
	}
	if unix := binary.BigEndian.Uint64(raw[4:]); unix < uint64(farFuture.Unix()) {
		return time.Unix(int64(unix), 0).UTC()
	}
	return farFuture
}

// farFuture stands for all times that RFC 3339 cannot write.
var farFuture = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// A signer is a key that signs. It is a note.Signer.
type signer struct {
	*key
	private crypto.Signer
	now     func() time.Time // for witnesses
}

func newSigner(name string, kind byte, private crypto.Signer, now func() time.Time) (*signer, error) {
	if private == nil {
		return nil, fmt.Errorf("tlog: %.80q has no key to sign with", name)
	}
	k, err := newKey(name, kind, private.Public())
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &signer{k, private, now}, nil
}

// Sign signs the text of a note.
func (s *signer) Sign(text []byte) ([]byte, error) {
	var stamp []byte
	if s.kind == typeWitness {
		unix := s.now().Unix()
		if unix < 0 {
			return nil, errors.New("tlog: the clock of the witness stands before 1970")
		}
		stamp = binary.BigEndian.AppendUint64(nil, uint64(unix))
		text = cosigned(text, uint64(unix))
	}
	sig, err := s.private.Sign(rand.Reader, text, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("tlog: %s cannot sign: %w", s.name, err)
	}
	// A key store that answers with another key's signature is noticed here, not by the readers.
	if !ed25519.Verify(s.public, text, sig) {
		return nil, fmt.Errorf("tlog: %s signs with a key that is not its public key", s.name)
	}
	return append(stamp, sig...), nil
}
