// Package keystore keeps private keys and signs with them.
//
// A [Store] hands out a [crypto.Signer] and never the key itself, so a TPM, a
// secure element, a cloud KMS and a file are used alike. [Ensure] is what a
// device calls at every start: it opens its key, or makes it the first time.
// [Dir] keeps each key in an encrypted file; [Memory] forgets. To use a key
// this package knows nothing about, pass its crypto.Signer to package vc
// directly: nothing else in this module asks for a Store.
//
// The danger is the passphrase. Whoever has the files and guesses it is the
// machine, and without it the machine's identity is lost for good. A device
// that starts with nobody there must read it from somewhere: from a chip or a
// service if it can. Beside the key files it protects nothing.
//
// # Signatures
//
// Signers behave as those of crypto/ed25519 and crypto/ecdsa do and work with
// [crypto.SignMessage]: Ed25519 signs messages, or a SHA-512 digest as Ed25519ph
// (RFC 8032); the others sign a digest by SHA-256, SHA-384 or SHA-512 and give
// ASN.1 DER. With a nil reader P-256 and P-384 signatures are deterministic
// (RFC 6979), with any other they are hedged with fresh randomness. secp256k1
// signatures are always deterministic, with s in the lower half. The public
// keys are an ed25519.PublicKey or an *ecdsa.PublicKey, whose Curve for
// secp256k1 is S256() of github.com/decred/dcrd/dcrec/secp256k1/v4.
//
// Nothing prints a secret: formatting, encoding or comparing a signer shows the
// public key at most. Buffers that held a secret are cleared when done with,
// but a signer holds its key for as long as it lives, and neither Go nor the
// libraries below promise to leave no copy in memory, in a swap file or in a
// core dump.
//
// # Writing
//
// A new file is staged under another name, synced, and only then linked or
// renamed to its own, and the folder is synced. A process killed at any point
// leaves the old state or the new one; a full disk leaves the old one. What was
// staged is removed by the next writer. Writers exclude each other with flock
// (LockFileEx on Windows) on the file ".lock", which the system drops when its
// holder dies; leave the file there. Readers need no lock.
//
// On Unix a file must have no permission for group and others (0600), the
// folder neither (0700), and a key must be a regular file: all else is refused
// with [ErrMode], both ways. Windows, js/wasm, wasip1 and Plan 9 have no such
// bits, and there the folder must be kept private by other means. js/wasm,
// wasip1, Plan 9, Solaris and AIX have no such lock, and there only one Dir may
// write to a folder.
//
// Nobody without the passphrase can alter a key file, exchange two of them or
// pass one off under another name. But who can write to the folder can delete
// files and put back earlier ones, with the passphrase they had.
//
// # Files
//
// The key called NAME is the file NAME.key. Numbers are big-endian.
//
//	offset  bytes
//	     0      8  89 48 4d 4b 45 59 0d 0a: "\x89HMKEY\r\n"
//	     8      1  version of the format: 1
//	     9      1  Argon2id lanes (RFC 9106, version 0x13)
//	    10      4  Argon2id memory, KiB
//	    14      4  Argon2id passes
//	    18     16  Argon2id salt, random
//	    34     24  XChaCha20-Poly1305 nonce, random
//	    58      1  algorithm: 1 Ed25519, 2 P-256, 3 P-384, 4 secp256k1
//	    59      1  length n of the name
//	    60      n  name
//	  60+n      p  public key: p = 32 for Ed25519 (RFC 8032 §5.1.2), else the
//	               uncompressed point (SEC 1 §2.3.3), p = 65, or 97 for P-384
//	60+n+p      s  encrypted secret: the seed of Ed25519 (RFC 8032 §5.1.5), else
//	               the scalar (SEC 1 §2.3.7), s = 32, or 48 for P-384
//	     …     16  Poly1305 tag
//
// The key of the cipher is the 32 bytes that Argon2id makes of passphrase and
// salt. The associated data is everything before the encrypted secret. Secrets
// are not PKCS #8, which the standard library cannot read for secp256k1; of
// fixed length, they leave nothing to parse.
//
// A backup is one file of the same kind, which encrypts nothing itself:
//
//	 0      8  89 48 4d 42 41 4b 0d 0a: "\x89HMBAK\r\n"
//	 8     50  as above
//	58      4  number of key files
//	62      …  key files in ascending order of their names, each after its
//	           length in 2 bytes
//	 …     16  Poly1305 tag over everything before it
package keystore
