package status

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
)

// The labels of a token's claims (RFC 8392 §4, Token Status List §5.2).
const (
	labelIss        = 1
	labelSub        = 2
	labelExp        = 4
	labelNbf        = 5
	labelIat        = 6
	labelStatusList = 65533
	labelTTL        = 65534
)

// maxTime is the last second of the year 9999, the last that RFC 3339 can write.
const maxTime = 253402300799

// SignCWT returns the token as a CWT, signed with the key of method (§5.2): an untagged COSE_Sign1.
func (t *Token) SignCWT(key crypto.Signer, method did.URL) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	packed, err := t.List.Pack()
	if err != nil {
		return nil, err
	}
	claims := 3
	payload := cbor.AppendText(cbor.AppendInt(nil, labelSub), t.URI)
	if !t.Expires.IsZero() {
		claims++
		payload = cbor.AppendInt(cbor.AppendInt(payload, labelExp), t.Expires.Unix())
	}
	payload = cbor.AppendInt(cbor.AppendInt(payload, labelIat), t.Issued.Unix())
	payload = append(cbor.AppendInt(payload, labelStatusList), t.appendList(packed)...)
	if t.TTL > 0 {
		claims++
		payload = cbor.AppendInt(cbor.AppendInt(payload, labelTTL), int64(t.TTL/time.Second))
	}
	payload = append(cbor.AppendMap(nil, claims), payload...)
	signed, err := cosesign1.Sign(key, &cosesign1.Message{Typ: "application/" + typeCWT, Kid: []byte(method.String()), Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("status: token %s: %w", t.URI, err)
	}
	return signed[len(tagSign1):], nil
}

// appendList writes a StatusList (§4.3), its keys in the order of the standard's examples.
func (t *Token) appendList(packed []byte) []byte {
	n := 2
	if t.Aggregation != "" {
		n++
	}
	b := cbor.AppendMap(nil, n)
	b = cbor.AppendInt(cbor.AppendText(b, "bits"), int64(t.List.bits))
	b = cbor.AppendBytes(cbor.AppendText(b, "lst"), packed)
	if t.Aggregation != "" {
		b = cbor.AppendText(cbor.AppendText(b, "aggregation_uri"), t.Aggregation)
	}
	return b
}

// tagSign1 is the tag that COSE_Sign1 may have (RFC 9052 §2), and a token may not.
const tagSign1 = "\xd2"

// readCWT reads a token in CWT form. With the tags that it may not have it is read, too: the standard's
// own first examples had them, and they change nothing.
func readCWT(raw []byte) (*signedToken, error) {
	raw = cosesign1.StripCWTTag(raw)
	if len(raw) > 0 && raw[0] != tagSign1[0] {
		raw = slices.Concat([]byte(tagSign1), raw)
	}
	m, err := cosesign1.Parse(raw, maxTokenBytes)
	if err != nil {
		return nil, err
	}
	if m.Typ != "application/"+typeCWT {
		return nil, fmt.Errorf("type (16) is %.60q, want application/%s", m.Typ, typeCWT)
	}
	t := &signedToken{verify: m.Verify}
	var notBefore time.Time
	r := cbor.NewReader(m.Payload)
	err = r.Pairs(func(label cbor.Item) (err error) {
		switch n, _ := label.Int64(); n { // 0, which is no claim, if it is text
		case labelIss:
			t.issuer, err = r.Text()
		case labelSub:
			t.URI, err = r.Text()
		case labelExp:
			t.Expires, err = readTime(r)
		case labelNbf:
			notBefore, err = readTime(r)
		case labelIat:
			t.Issued, err = readTime(r)
		case labelTTL:
			var seconds int64
			if seconds, err = r.Int(); err == nil && seconds <= 0 {
				err = errors.New("want a positive number of seconds")
			}
			t.TTL = time.Duration(min(max(seconds, 0), int64(maxTTL/time.Second))) * time.Second
		case labelStatusList:
			t.List, t.Aggregation, err = readCBORList(r)
		default:
			_, err = r.Skip()
		}
		if err != nil {
			return fmt.Errorf("claim %d: %w", label.N, err)
		}
		return nil
	})
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, err
	}
	if err := t.complete(notBefore); err != nil {
		return nil, err
	}
	return t, t.signedWith(string(m.Kid))
}

// readTime reads a NumericDate (RFC 8392 §2): here of whole seconds, as the standard's examples are.
func readTime(r *cbor.Reader) (time.Time, error) {
	seconds, err := r.Int()
	if err == nil && (seconds < 0 || seconds > maxTime) {
		err = fmt.Errorf("%d is no time in seconds since 1970", seconds)
	}
	return time.Unix(seconds, 0).UTC(), err
}

// readCBORList reads a StatusList (§4.3).
func readCBORList(r *cbor.Reader) (list *TokenList, aggregation string, err error) {
	var bits int64
	var lst []byte
	err = r.Pairs(func(name cbor.Item) (err error) {
		switch string(name.Data) {
		case "bits":
			bits, err = r.Int()
		case "lst":
			lst, err = r.Bytes()
		case "aggregation_uri":
			aggregation, err = r.Text()
		default:
			_, err = r.Skip()
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if bits < 0 || bits > 8 {
		return nil, "", fmt.Errorf("bits: %d, want 1, 2, 4 or 8", bits)
	}
	list, err = UnpackTokenList(lst, int(bits))
	return list, aggregation, err
}
