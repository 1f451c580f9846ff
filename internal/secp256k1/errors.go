package secp256k1

import "errors"

// ErrLeftOut says that this program was built without the curve. It is returned
// by builds with the tag nosecp256k1 only.
var ErrLeftOut = errors.New("secp256k1: left out of this program: build it without the tag nosecp256k1")
