package webvh

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A proof is a Data Integrity proof of the one suite there is.
type proof struct {
	signer    string // a Multikey, which did:key repeats
	config    [sha256.Size]byte
	signature []byte
}

// readProof reads a proof (VC Data Integrity 1.0 §2.1). What did:webvh has no use for is refused: a
// member such as expires would ask for a check that is not made.
func readProof(v strictjson.Value) (p proof, err error) {
	for m := range v.All() {
		if m.Kind() != strictjson.String {
			return p, fmt.Errorf("has a %.40q that is no string", m.Name())
		}
		want := ""
		switch name := m.Name(); name {
		case "id", "nonce", "verificationMethod", "proofValue":
		case "created": // in any zone
			if _, err := time.Parse(time.RFC3339, m.Text()); err != nil {
				return p, fmt.Errorf("created: %w", err)
			}
		case "type":
			want = "DataIntegrityProof"
		case "cryptosuite":
			want = "eddsa-jcs-2022"
		case "proofPurpose":
			want = "assertionMethod"
		default:
			return p, fmt.Errorf("has a member %.40q", name)
		}
		if want != "" && m.Text() != want {
			return p, fmt.Errorf("has the %s %.40q instead of %q", m.Name(), m.Text(), want)
		}
	}
	for _, name := range [...]string{"type", "cryptosuite", "proofPurpose", "verificationMethod", "proofValue"} {
		if !v.Member(name).Exists() {
			return p, fmt.Errorf("has no %s", name)
		}
	}
	// The fragment is what names the key, and the identifier is the key: two keys here would be a trap.
	method := v.Member("verificationMethod").Text()
	id, fragment, _ := strings.Cut(method, "#")
	var isKey bool
	if p.signer, isKey = strings.CutPrefix(id, "did:key:"); !isKey || p.signer == "" || fragment != p.signer {
		return p, fmt.Errorf("has the verificationMethod %.160q: want did:key:z…#z…, with the same key twice", method)
	}
	if p.signature, err = signature.DecodeBase58(v.Member("proofValue").Text()); err != nil {
		return p, err
	}
	p.config = sha256.Sum256(jcs.Append(make([]byte, 0, len(v.Raw())), v, jcs.Override{Name: "proofValue"}))
	return p, nil
}

// verify checks that key signed what has this digest (Data Integrity EdDSA 1.0 §3.3.2).
func (p *proof) verify(key ed25519.PublicKey, digest [sha256.Size]byte) error {
	var message [2 * sha256.Size]byte
	copy(message[:], p.config[:])
	copy(message[sha256.Size:], digest[:])
	if err := signature.Verify(key, message[:], p.signature); errors.Is(err, signature.ErrMismatch) {
		return errors.New("does not match: what was signed has changed, or another key signed it")
	} else if err != nil {
		return err
	}
	return nil
}

// sign returns a proof of canonical by key, and the key as a Multikey (Data Integrity EdDSA 1.0 §3.3.1).
func sign(key crypto.Signer, at time.Time, canonical []byte) (proof, signer string, err error) {
	if key == nil {
		return "", "", errors.New("webvh: which key is to sign?")
	}
	if signer, err = keyText(key.Public()); err != nil {
		return "", "", err
	}
	// Members in canonical order; nothing in them has to be escaped.
	config := `{"created":"` + stamp(at) + `","cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod",` +
		`"type":"DataIntegrityProof","verificationMethod":"did:key:` + signer + "#" + signer + `"}`
	head, digest := sha256.Sum256([]byte(config)), sha256.Sum256(canonical)
	value, err := signature.SignBase58(key, append(head[:], digest[:]...))
	if err != nil {
		return "", "", err
	}
	return strings.TrimSuffix(config, "}") + `,"proofValue":"` + value + `"}`, signer, nil
}

// readTime reads a time in UTC (ISO 8601, as RFC 3339 has it).
func readTime(text string) (t time.Time, err error) {
	if t, err = time.Parse(time.RFC3339, text); err != nil {
		return t, err
	}
	if text[len("2006-01-02T15")] != ':' || strings.Contains(text, ",") { // package time takes T1:00 and 00,5 as well
		return t, fmt.Errorf("%.40q is no time of RFC 3339", text)
	}
	if _, offset := t.Zone(); offset != 0 {
		return t, fmt.Errorf("%.40q is not in UTC", text)
	}
	return t.UTC(), nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
