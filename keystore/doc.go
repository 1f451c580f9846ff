// Package keystore keeps private keys and signs with them.
//
// A [Store] hands out a [crypto.Signer] and never the key itself, so a TPM, a
// secure element, a cloud KMS and a file are used alike. [Ensure] is what a
// device calls at every start: it opens its key, or makes it the first time.
// [Dir] keeps each key in an encrypted file, [Memory] forgets. To use a key
// this package knows nothing about, pass its crypto.Signer to package vc
// directly: nothing else in this module asks for a Store.
package keystore
