package vcapi

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// minToken is the shortest secret that is taken for an API token, in bytes: 22 characters of base64
// hold 128 bits.
const minToken = 22

// A Token is the SHA-256 hash of an API token. The token itself is kept by the client.
type Token [sha256.Size]byte

// NewToken returns the hash of a token that is hard to guess. Make one with crypto/rand.Text.
func NewToken(secret string) (Token, error) {
	if len(secret) < minToken || strings.ContainsFunc(secret, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return Token{}, fmt.Errorf("vcapi: an API token has %d printable characters or more, and no spaces: make it at random", minToken)
	}
	return sha256.Sum256([]byte(secret)), nil
}

// String says nothing of the token.
func (Token) String() string { return "(API token)" }

// ParseTokens reads the text of a token file: a token on each line. Empty lines and those that start
// with # do not count.
func ParseTokens(text string) ([]Token, error) {
	var tokens []Token
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		token, err := NewToken(line)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 {
		return nil, errors.New("vcapi: there is no API token")
	}
	return tokens, nil
}

// allowed reports whether a request has one of these tokens. How long it takes says nothing of them:
// hashes are compared, all of them, in constant time.
func allowed(r *http.Request, tokens []Token) bool {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	found := 0
	for i := range tokens {
		found |= subtle.ConstantTimeCompare(hash[:], tokens[i][:])
	}
	return ok && strings.EqualFold(scheme, "Bearer") && found == 1
}

// requestID names a request in the answer and in the log.
func requestID() string { return rand.Text()[:16] }
