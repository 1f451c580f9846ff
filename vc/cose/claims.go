package cose

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// The claims that are read (IANA, CWT Claims).
const (
	claimIss    = 1
	claimSub    = 2
	claimAud    = 3
	claimExp    = 4
	claimNbf    = 5
	claimIat    = 6
	claimCti    = 7
	claimNonce  = 10    // eat_nonce (RFC 9711 §4.1)
	claimStatus = 65535 // Token Status List §6.4
)

// Limits on claims.
const (
	minNonce    = 8            // bytes (RFC 9711 §4.1)
	maxNonce    = 64           // likewise
	maxAudience = 16           // one who asks has one name
	maxTime     = 253402300799 // the end of the year 9999, beyond which RFC 3339 cannot write
)

// claims are what an envelope says beside the document.
type claims struct {
	iss, sub      string
	aud           []string
	exp, nbf, iat time.Time
	cti           []byte
	nonce         string
	status        []byte // JSON
}

// read reads the claim of a label. It reports false for one that it does not know, whose value is
// then still to be read.
func (c *claims) read(label cbor.Item, r *cbor.Reader) (known bool, err error) {
	n, _ := label.Int64() // 0 for text: no claim has it
	switch n {
	case claimIss:
		c.iss, err = r.Text()
	case claimSub:
		c.sub, err = r.Text()
	case claimAud:
		c.aud, err = readAudience(r)
	case claimExp:
		c.exp, err = readTime(r)
	case claimNbf:
		c.nbf, err = readTime(r)
	case claimIat:
		c.iat, err = readTime(r)
	case claimCti:
		c.cti, err = r.Bytes()
	case claimNonce:
		var nonce []byte
		if nonce, err = r.Bytes(); err == nil {
			c.nonce, err = string(nonce), checkNonce(string(nonce))
		}
	case claimStatus:
		c.status, err = readStatus(r)
	default:
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("claim %d: %w", n, err)
	}
	return true, err
}

func checkNonce(nonce string) error {
	if len(nonce) < minNonce || len(nonce) > maxNonce || !utf8.ValidString(nonce) {
		return fmt.Errorf("a nonce of %d bytes, want %d to %d bytes of UTF-8 (RFC 9711 §4.1)", len(nonce), minNonce, maxNonce)
	}
	return nil
}

func readAudience(r *cbor.Reader) ([]string, error) {
	first, err := r.Next()
	switch {
	case err != nil:
		return nil, err
	case first.Kind == cbor.Text:
		return []string{string(first.Data)}, nil
	case first.Kind != cbor.Array || first.N == 0 || first.N > maxAudience:
		return nil, fmt.Errorf("want text, or an array of 1 to %d", maxAudience)
	}
	var aud []string
	for range first.N {
		s, err := r.Text()
		if err != nil {
			return nil, err
		}
		aud = append(aud, s)
	}
	return aud, nil
}

// readTime reads a NumericDate without a fraction (RFC 8392 §2).
func readTime(r *cbor.Reader) (time.Time, error) {
	n, err := r.Int()
	if err == nil && (n <= 0 || n > maxTime) {
		err = fmt.Errorf("%d: want seconds since 1970, before the year 10000", n)
	}
	return time.Unix(n, 0).UTC(), err
}

// readStatus reads {"status_list": {"idx": n, "uri": "…"}} and returns it as JSON.
func readStatus(r *cbor.Reader) ([]byte, error) {
	var index int64 = -1
	var uri string
	err := r.Pairs(func(key cbor.Item) error {
		if string(key.Data) != "status_list" {
			return errors.New("want a status_list and nothing else")
		}
		return r.Pairs(func(key cbor.Item) (err error) {
			switch string(key.Data) {
			case "idx":
				index, err = r.Int()
			case "uri":
				uri, err = r.Text()
			default:
				err = errors.New("status_list: want idx and uri and nothing else")
			}
			return err
		})
	})
	if err == nil && (index < 0 || index > strictjson.MaxInteger || uri == "") {
		err = errors.New("status_list: want idx, which is not negative, and uri")
	}
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"status_list":{"idx":%d,"uri":%s}}`, index, quote(nil, uri)), nil
}

// append appends the pairs of all claims but one, in ascending order, and returns how many they are.
func (c *claims) append(dst []byte) ([]byte, int, error) {
	n := 0
	label := func(l int64) []byte { n++; return cbor.AppendInt(dst, l) }
	date := func(l int64, t time.Time) error {
		if t.IsZero() {
			return nil
		}
		if s := t.Unix(); s <= 0 || s > maxTime || t.Nanosecond() != 0 {
			return fmt.Errorf("claim %d: %s is no whole second after 1970", l, t.Format(time.RFC3339Nano))
		}
		dst = cbor.AppendInt(label(l), t.Unix())
		return nil
	}
	if c.iss != "" {
		dst = cbor.AppendText(label(claimIss), c.iss)
	}
	if c.sub != "" {
		dst = cbor.AppendText(label(claimSub), c.sub)
	}
	switch {
	case len(c.aud) == 1:
		dst = cbor.AppendText(label(claimAud), c.aud[0])
	case len(c.aud) > 1:
		dst = cbor.AppendArray(label(claimAud), len(c.aud))
		for _, a := range c.aud {
			dst = cbor.AppendText(dst, a)
		}
	}
	if err := errors.Join(date(claimExp, c.exp), date(claimNbf, c.nbf), date(claimIat, c.iat)); err != nil {
		return nil, 0, err
	}
	if c.cti != nil {
		dst = cbor.AppendBytes(label(claimCti), c.cti)
	}
	if c.nonce != "" {
		if err := checkNonce(c.nonce); err != nil {
			return nil, 0, err
		}
		dst = cbor.AppendBytes(label(claimNonce), []byte(c.nonce))
	}
	if c.status != nil {
		doc, err := strictjson.Parse(c.status, strictjson.Limits{})
		if err != nil {
			return nil, 0, fmt.Errorf("status: %w", err)
		}
		list := doc.Root().Member("status_list")
		index, ok := list.Member("idx").Int64()
		uri := list.Member("uri").Text()
		if !ok || index < 0 || uri == "" || list.Len() != 2 || doc.Root().Len() != 1 {
			return nil, 0, errors.New("status: want a status_list with idx and uri, and nothing else")
		}
		dst = cbor.AppendText(cbor.AppendMap(label(claimStatus), 1), "status_list")
		dst = cbor.AppendInt(cbor.AppendText(cbor.AppendMap(dst, 2), "idx"), index)
		dst = cbor.AppendText(cbor.AppendText(dst, "uri"), uri)
	}
	return dst, n, nil
}
