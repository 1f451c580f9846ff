package pkh

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

const (
	digits    = "0123456789"
	hexDigits = digits + "abcdef"
	base58    = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
)

// only reports whether s has at least one byte, and none but these.
func only(s, allowed string) bool {
	for i := range len(s) {
		if strings.IndexByte(allowed, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// checkEIP155 checks an account of Ethereum or another EVM chain (CASA namespaces, eip155): the
// chain's number, 0 for none in particular, and twenty bytes in hexadecimal, in lower case or
// with the checksum of EIP-55.
func checkEIP155(chain, address string) error {
	if !only(chain, digits) || len(chain) > 19 || chain[0] == '0' && chain != "0" {
		return errors.New("the chain is not a number of at most 19 digits")
	}
	body, ok := strings.CutPrefix(address, "0x")
	lower := strings.ToLower(body)
	if !ok || len(body) != 40 || !only(lower, hexDigits) {
		return errors.New("the address is not 0x and 40 hexadecimal digits")
	}
	if body == lower {
		return nil
	}
	// EIP-55: a letter is a capital where the hash of the text in lower case has 8 or more.
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(lower))
	sum := hex.EncodeToString(h.Sum(nil))
	for i := range body {
		if c := body[i]; c > '9' && (c < 'a') != (sum[i] >= '8') {
			return errors.New("the address has capitals, and not those of its EIP-55 checksum: is it mistyped?")
		}
	}
	return nil
}

// Chains of bip122, the first 32 digits of the hash of their first block.
const (
	bitcoin  = "000000000019d6689c085ae165831e93"
	dogecoin = "1a91e3dace36e2be3bf030a65679fe82"
)

// checkBIP122 checks an account of Bitcoin or a chain like it (CASA namespaces, bip122): the
// hash of a key, in Base58Check. Hashes of scripts, and addresses in Bech32, have no such key.
func checkBIP122(chain, address string) error {
	if len(chain) != 32 || !only(chain, hexDigits) {
		return errors.New("the chain is not 32 hexadecimal digits in lower case")
	}
	b, err := base58Check(address, 1+20)
	if err != nil {
		return err
	}
	if want, known := map[string]byte{bitcoin: 0x00, dogecoin: 0x1e}[chain]; known && b[0] != want {
		return fmt.Errorf("the address has the version %#02x, and a hash of a key on this chain has %#02x", b[0], want)
	}
	return nil
}

// base58Check reads Base58Check, size bytes without the checksum.
func base58Check(text string, size int) ([]byte, error) {
	b, err := multikey.DecodeBase58("z"+text, size+4)
	if err != nil || len(b) != size+4 {
		return nil, fmt.Errorf("the text is not %d bytes in base58", size+4)
	}
	first := sha256.Sum256(b[:size])
	second := sha256.Sum256(first[:])
	if string(b[size:]) != string(second[:4]) {
		return nil, errors.New("the checksum does not fit: is it mistyped?")
	}
	return b[:size], nil
}

// solanaKey returns the key that an account of Solana is (CASA namespaces, solana), as a JWK.
// A program's address is off the curve on purpose: no key signs for it.
func solanaKey(chain, address string) ([]byte, error) {
	if len(chain) != 32 || !only(chain, base58) {
		return nil, errors.New("the chain is not 32 characters of base58")
	}
	b, err := multikey.DecodeBase58("z"+address, ed25519.PublicKeySize)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, errors.New("the address is not 32 bytes in base58")
	}
	// The did:key document of a key has a second key, which is none if the first is no point.
	if id, err := did.NewKey(ed25519.PublicKey(b)); err != nil {
		return nil, err
	} else if _, err := (did.Offline{}).Resolve(context.Background(), id, did.Version{}); err != nil {
		return nil, errors.New("the address is not a key: is it a program's?")
	}
	return did.MarshalJWK(ed25519.PublicKey(b))
}

// tezosAccount checks an account of Tezos (CASA namespaces, tezos): the hash of a key, in
// Base58Check, whose first bytes say on which curve the key is.
func tezosAccount(chain, address string) (method, error) {
	if b, err := base58Check(chain, 3+4); err != nil || string(b[:3]) != "\x57\x52\x00" {
		return method{}, errors.New("the chain is not Net… in Base58Check")
	}
	b, err := base58Check(address, 3+20)
	if err != nil {
		return method{}, err
	}
	const suffix = "PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021"
	switch string(b[:3]) {
	case "\x06\xa1\x9f":
		return method{"blockchainAccountId", "Ed25519" + suffix, security + "Ed25519" + suffix}, nil
	case "\x06\xa1\xa1":
		return recovery, nil
	case "\x06\xa1\xa4":
		return method{"blockchainAccountId", "P256" + suffix, security + "P256" + suffix}, nil
	}
	return method{}, errors.New("the address is not tz1, tz2 or tz3: contracts and others have no key of these kinds")
}

// checkArweave checks an account of Arweave: the SHA-256 of an RSA modulus, in base64url.
func checkArweave(chain, address string) error {
	if !only(chain, letters+digits+"-_") || len(chain) > 32 {
		return errors.New("the chain is not 1 to 32 letters, digits, - and _")
	}
	if b, err := multikey.DecodeBase64URL("u"+address, sha256.Size); err != nil || len(b) != sha256.Size {
		return errors.New("the address is not 32 bytes in base64url")
	}
	return nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// checkAleo checks an account of Aleo (CASA namespaces, aleo): 32 bytes behind "aleo1", in
// Bech32m (BIP 350) or, as Aleo's first networks had it, Bech32 (BIP 173).
func checkAleo(chain, address string) error {
	if !only(chain, letters+digits+"-_") || len(chain) > 32 {
		return errors.New("the chain is not 1 to 32 letters, digits, - and _")
	}
	const charset, length = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58
	data, ok := strings.CutPrefix(address, "aleo1")
	if !ok || len(data) != length {
		return errors.New("the address is not aleo1 and 58 characters")
	}
	sum := uint32(1)
	step := func(v byte) { // the BCH code of BIP 173
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for _, c := range []byte("aleo") {
		step(c >> 5)
	}
	step(0)
	for _, c := range []byte("aleo") {
		step(c & 31)
	}
	last := 0
	for i := range length {
		v := strings.IndexByte(charset, data[i])
		if v < 0 {
			return errors.New("the address has a character that Bech32 has not")
		}
		if i == length-7 {
			last = v // 52 characters are 260 bits: four too many
		}
		step(byte(v))
	}
	if sum != 0x2bc830a3 && sum != 1 || last&15 != 0 {
		return errors.New("the checksum does not fit: is it mistyped?")
	}
	return nil
}
