package multikey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"

	"github.com/hourmeter/hourmeter/internal/secp256k1"
)

// The names of the curves of an [*ecdsa.PublicKey], as JWK writes them (RFC 7518 §6.2.1.1, RFC 8812 §3.1).
const (
	P256      = "P-256"
	P384      = "P-384"
	P521      = "P-521"
	Secp256k1 = "secp256k1"
)

// Point returns the name of pub's curve, and its point uncompressed: 04 ‖ x ‖ y, big-endian, each as
// long as the curve's field (SEC 1 §2.3.3). It fails unless pub is a point on one of the four curves.
func Point(pub *ecdsa.PublicKey) (curve string, point []byte, err error) {
	if pub == nil || pub.Curve == nil {
		return "", nil, errors.New("multikey: an ECDSA key without a curve")
	}
	xy := coordinates(*pub)
	if xy.X == nil || xy.Y == nil {
		return "", nil, errors.New("multikey: an ECDSA key without coordinates")
	}
	for _, c := range nist {
		if pub.Curve == c.curve() {
			if point, err = pub.Bytes(); err != nil {
				return "", nil, offCurve(c.name)
			}
			return c.name, point, nil
		}
	}
	if !secp256k1.Is(pub.Curve) {
		return "", nil, unknownCurve(pub.Curve.Params().Name)
	}
	if xy.X.Sign() < 0 || xy.Y.Sign() < 0 || xy.X.BitLen() > 256 || xy.Y.BitLen() > 256 {
		return "", nil, offCurve(Secp256k1)
	}
	point = make([]byte, 65)
	point[0] = 4
	xy.X.FillBytes(point[1:33])
	xy.Y.FillBytes(point[33:])
	if _, err = secp256k1.ParsePoint(point); err != nil {
		return "", nil, offCurve(Secp256k1)
	}
	return Secp256k1, point, nil
}

// nist are the curves of the standard library, with the length of a coordinate in bytes.
var nist = [...]struct {
	name  string
	code  uint64
	curve func() elliptic.Curve
	size  int
}{
	{P256, codeP256, elliptic.P256, 32},
	{P384, codeP384, elliptic.P384, 48},
	{P521, codeP521, elliptic.P521, 66},
}

// coordinates is shaped like [ecdsa.PublicKey], to which it converts. The fields X and Y of that are
// deprecated in favour of functions that know no secp256k1 and no compressed points.
type coordinates struct {
	elliptic.Curve
	X, Y *big.Int
}

// ParsePoint is the inverse of [Point]. It fails unless point, uncompressed, is on the curve of that name.
func ParsePoint(curve string, point []byte) (*ecdsa.PublicKey, error) {
	for _, c := range nist {
		if c.name == curve {
			pub, err := ecdsa.ParseUncompressedPublicKey(c.curve(), point)
			if err != nil {
				return nil, offCurve(curve)
			}
			return pub, nil
		}
	}
	if curve != Secp256k1 {
		return nil, unknownCurve(curve)
	}
	if len(point) != 65 { // ParsePoint takes compressed points as well
		return nil, offCurve(curve)
	}
	return parseSecp256k1(point)
}

// decompress returns the key whose compressed point is given (SEC 1 §2.3.4), on the curve that
// has this code; ok is false if none has.
func decompress(code uint64, point []byte) (pub *ecdsa.PublicKey, ok bool, err error) {
	if code == codeSecp256k1 {
		if len(point) != 33 {
			return nil, true, badLength(Secp256k1, len(point), 33)
		}
		pub, err = parseSecp256k1(point)
		return pub, true, err
	}
	for _, c := range nist {
		if c.code != code {
			continue
		}
		if len(point) != 1+c.size {
			return nil, true, badLength(c.name, len(point), 1+c.size)
		}
		x, y := elliptic.UnmarshalCompressed(c.curve(), point)
		if x == nil {
			return nil, true, offCurve(c.name)
		}
		key := ecdsa.PublicKey(coordinates{c.curve(), x, y}) // on the curve, as UnmarshalCompressed promises
		return &key, true, nil
	}
	return nil, false, nil
}

// parseSecp256k1 says that a point is not on its curve, or that this build cannot tell.
func parseSecp256k1(point []byte) (*ecdsa.PublicKey, error) {
	pub, err := secp256k1.ParsePoint(point)
	switch {
	case errors.Is(err, secp256k1.ErrLeftOut):
		return nil, err
	case err != nil:
		return nil, offCurve(Secp256k1)
	}
	return pub, nil
}

func badLength(curve string, got, want int) error {
	return fmt.Errorf("multikey: a %s key of %d bytes instead of %d: points are to be compressed", curve, got, want)
}

func offCurve(curve string) error {
	return fmt.Errorf("multikey: not a point on %s", curve)
}

func unknownCurve(curve string) error {
	return fmt.Errorf("multikey: the curve %q: known are P-256, P-384, P-521 and secp256k1", brief(curve))
}
