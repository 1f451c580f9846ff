package keystore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// A Cost says how much work Argon2id (RFC 9106) makes of each guess at a
// passphrase. It is written into each file; the Cost of a [Dir] is for files
// still to be written. Below 8 KiB of memory per lane, or beyond the maxima, it
// is refused with [ErrCost], when written and when read.
type Cost struct {
	Memory uint32 // KiB; zero means DefaultMemory
	Passes uint32 // over that memory; zero means DefaultPasses
	Lanes  uint8  // that may be computed at once; zero means DefaultLanes
}

// The cost of a zero [Cost]: the first choice for Argon2id of the OWASP Password
// Storage Cheat Sheet. A guess takes 25 ms on a core of a server.
const (
	DefaultMemory = 19 << 10 // KiB
	DefaultPasses = 2
	DefaultLanes  = 1
)

// The highest cost. Whoever can write a file could else have its reader fill all
// memory or compute for hours; at these maxima it takes a second. 64 MiB is the
// memory of the second recommended option of RFC 9106 §4, which has 3 passes
// and 4 lanes.
const (
	MaxMemory = 64 << 10 // KiB
	MaxPasses = 16
	MaxLanes  = 4
)

const minMemoryPerLane = 8 // KiB (RFC 9106 §3.1)

func (c Cost) orDefault() Cost {
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Passes == 0 {
		c.Passes = DefaultPasses
	}
	if c.Lanes == 0 {
		c.Lanes = DefaultLanes
	}
	return c
}

func (c Cost) check() error {
	if c.Passes < 1 || c.Passes > MaxPasses || c.Lanes < 1 || c.Lanes > MaxLanes ||
		c.Memory < minMemoryPerLane*uint32(c.Lanes) || c.Memory > MaxMemory {
		return fmt.Errorf("%w: %d KiB, %d passes, %d lanes; at most %d, %d, %d",
			ErrCost, c.Memory, c.Passes, c.Lanes, MaxMemory, MaxPasses, MaxLanes)
	}
	return nil
}

// The layout of both kinds of file is in the package documentation.
const (
	keyMagic      = "\x89HMKEY\r\n"
	backupMagic   = "\x89HMBAK\r\n"
	formatVersion = 1

	versionAt  = 8
	lanesAt    = 9
	memoryAt   = 10
	passesAt   = 14
	saltAt     = 18
	nonceAt    = saltAt + 16 // RFC 9106 §3.1 recommends 16 bytes of salt
	headerSize = nonceAt + chacha20poly1305.NonceSizeX

	maxKeyFile = headerSize + 2 + maxName + 97 + 48 + chacha20poly1305.Overhead // P-384
)

// newHeader starts a file: its first headerSize bytes, with fresh salt and nonce.
func newHeader(magic string, c Cost) ([]byte, error) {
	c = c.orDefault()
	b := make([]byte, headerSize, maxKeyFile)
	copy(b, magic)
	b[versionAt], b[lanesAt] = formatVersion, c.Lanes
	binary.BigEndian.PutUint32(b[memoryAt:], c.Memory)
	binary.BigEndian.PutUint32(b[passesAt:], c.Passes)
	rand.Read(b[saltAt:])
	return b, c.check()
}

// parseHeader checks the first headerSize bytes of a file.
func parseHeader(magic string, b []byte) (Cost, error) {
	switch {
	case len(b) < headerSize || string(b[:versionAt]) != magic:
		return Cost{}, fmt.Errorf("%w: it does not begin as one", ErrFormat)
	case b[versionAt] != formatVersion:
		return Cost{}, fmt.Errorf("%w %d: this program reads version %d", ErrVersion, b[versionAt], formatVersion)
	}
	c := costOf(b)
	return c, c.check()
}

func costOf(header []byte) Cost {
	return Cost{
		Memory: binary.BigEndian.Uint32(header[memoryAt:]),
		Passes: binary.BigEndian.Uint32(header[passesAt:]),
		Lanes:  header[lanesAt],
	}
}

// seal appends the box that holds secret to b, which begins with a header. All
// of b is authenticated with it.
func (d *Dir) seal(ctx context.Context, b, passphrase, secret []byte) ([]byte, error) {
	box, err := d.box(ctx, b, passphrase)
	if err != nil {
		return nil, err
	}
	return box.Seal(b, b[nonceAt:headerSize], secret, b), nil
}

// unseal returns what the box b[at:] holds. The header is checked already.
func (d *Dir) unseal(ctx context.Context, b []byte, at int, passphrase []byte) ([]byte, error) {
	box, err := d.box(ctx, b, passphrase)
	if err != nil {
		return nil, err
	}
	secret, err := box.Open(nil, b[nonceAt:headerSize], b[at:], b[:at])
	if err != nil {
		return nil, ErrPassphrase
	}
	return secret, nil
}

func (d *Dir) box(ctx context.Context, header, passphrase []byte) (cipher.AEAD, error) {
	release, err := d.derives.take(ctx, runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	defer release()
	c := costOf(header)
	key := argon2.IDKey(passphrase, header[saltAt:nonceAt], c.Passes, c.Memory, c.Lanes, chacha20poly1305.KeySize)
	defer clear(key)
	return chacha20poly1305.NewX(key)
}

// An Info is what a key file says of itself to anyone who can read it.
//
// It proves nothing: whoever can write to the folder can have it name another
// public key. [Dir.Open] checks all of it.
type Info struct {
	Name      string
	Algorithm Algorithm
	Public    crypto.PublicKey // an ed25519.PublicKey or *ecdsa.PublicKey
	Cost      Cost
}

// A keyFile is a key file that is well formed; nothing of it is checked against
// the passphrase.
type keyFile struct {
	Info
	public []byte // within raw
	box    int    // where in raw the box begins
	raw    []byte
}

// encrypt returns the key file of a key.
func (d *Dir) encrypt(ctx context.Context, name string, key *signer, secret, passphrase []byte) ([]byte, error) {
	b, err := newHeader(keyMagic, d.Cost)
	if err != nil {
		return nil, err
	}
	b = append(b, byte(key.algorithm), byte(len(name)))
	b = append(b, name...)
	b = append(b, key.encoded...)
	return d.seal(ctx, b, passphrase, secret)
}

// parseKeyFile reads a key file. It keeps b.
func parseKeyFile(b []byte) (*keyFile, error) {
	cost, err := parseHeader(keyMagic, b)
	if err != nil {
		return nil, err
	}
	if len(b) < headerSize+2 {
		return nil, fmt.Errorf("%w: cut short", ErrFormat)
	}
	alg, nameAt := Algorithm(b[headerSize]), headerSize+2
	if !alg.known() {
		return nil, fmt.Errorf("%w: %v", ErrFormat, alg)
	}
	publicAt := nameAt + int(b[headerSize+1])
	box := publicAt + alg.publicSize()
	if want := box + alg.secretSize() + chacha20poly1305.Overhead; len(b) != want {
		return nil, fmt.Errorf("%w: it has %d bytes, not %d", ErrFormat, len(b), want)
	}
	name, public := string(b[nameAt:publicAt]), b[publicAt:box]
	if !validName(name) {
		return nil, fmt.Errorf("%w: %w", ErrFormat, ErrName)
	}
	pub, err := alg.parsePublic(public)
	if err != nil {
		return nil, fmt.Errorf("%w: public key: %w", ErrFormat, err)
	}
	return &keyFile{Info{name, alg, pub, cost}, public, box, b}, nil
}

// decrypt returns the key of a key file. The caller clears the secret.
//
// Comparing the public key also commits the file to one passphrase, which the
// cipher alone does not: two secrets of one public key are the same secret.
func (d *Dir) decrypt(ctx context.Context, k *keyFile, passphrase []byte) (key *signer, secret []byte, err error) {
	if secret, err = d.unseal(ctx, k.raw, k.box, passphrase); err != nil {
		return nil, nil, err
	}
	if key, err = newSigner(k.Algorithm, secret); err != nil || !bytes.Equal(key.encoded, k.public) {
		clear(secret)
		return nil, nil, fmt.Errorf("%w: the secret is not that of the public key", ErrFormat)
	}
	return key, secret, nil
}
