package signature

import (
	"crypto"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

// maxSize bounds a signature in base58, whose decoding takes quadratic time, in bytes: one of P-521 has 132.
const maxSize = 132

// SignBase58 is [Sign], written as proofValue has it (VC Data Integrity 1.0 §2.4, base58btc).
func SignBase58(key crypto.Signer, message []byte) (string, error) {
	s, err := Sign(key, message)
	if err != nil {
		return "", err
	}
	return multikey.EncodeBase58(s), nil
}

// DecodeBase58 reads what [SignBase58] writes, for [Verify].
func DecodeBase58(proofValue string) ([]byte, error) {
	s, err := multikey.DecodeBase58(proofValue, maxSize)
	if err != nil {
		return nil, fmt.Errorf("proofValue: %w", err)
	}
	return s, nil
}
