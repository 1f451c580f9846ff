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
	Secp256k1 = "secp256k1"
)

// Point returns the name of pub's curve, and its point uncompressed: 04 ‖ x ‖ y, big-endian, each as
// long as the curve's field (SEC 1 §2.3.3). It fails unless pub is a point on one of the three curves.
func Point(pub *ecdsa.PublicKey) (curve string, point []byte, err error) {
	if pub == nil || pub.Curve == nil {
		return "", nil, errors.New("multikey: an ECDSA key without a curve")
	}
	xy := coordinates(*pub)
	if xy.X == nil || xy.Y == nil {
		return "", nil, errors.New("multikey: an ECDSA key without coordinates")
	}
	switch {
	case pub.Curve == elliptic.P256():
		curve = P256
		point, err = pub.Bytes()
	case pub.Curve == elliptic.P384():
		curve = P384
		point, err = pub.Bytes()
	case secp256k1.Is(pub.Curve):
		curve = Secp256k1
		if xy.X.Sign() < 0 || xy.Y.Sign() < 0 || xy.X.BitLen() > 256 || xy.Y.BitLen() > 256 {
			return "", nil, offCurve(curve)
		}
		point = make([]byte, 65)
		point[0] = 4
		xy.X.FillBytes(point[1:33])
		xy.Y.FillBytes(point[33:])
		_, err = secp256k1.ParsePoint(point)
	default:
		return "", nil, unknownCurve(pub.Curve.Params().Name)
	}
	if err != nil {
		return "", nil, offCurve(curve)
	}
	return curve, point, nil
}

// coordinates is shaped like [ecdsa.PublicKey], to which it converts. The fields X and Y of that are
// deprecated in favour of functions that know no secp256k1 and no compressed points.
type coordinates struct {
	elliptic.Curve
	X, Y *big.Int
}

// ParsePoint is the inverse of [Point]. It fails unless point, uncompressed, is on the curve of that name.
func ParsePoint(curve string, point []byte) (*ecdsa.PublicKey, error) {
	var pub *ecdsa.PublicKey
	var err error
	switch curve {
	case P256:
		pub, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	case P384:
		pub, err = ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point)
	case Secp256k1:
		if len(point) != 65 { // ParsePoint takes compressed points as well
			return nil, offCurve(curve)
		}
		pub, err = secp256k1.ParsePoint(point)
	default:
		return nil, unknownCurve(curve)
	}
	if err != nil {
		return nil, badPoint(curve, err)
	}
	return pub, nil
}

// decompress returns the key on the curve of that name whose compressed point is given (SEC 1 §2.3.4).
func decompress(curve string, point []byte) (*ecdsa.PublicKey, error) {
	params, size := elliptic.P256(), 32
	if curve == P384 {
		params, size = elliptic.P384(), 48
	}
	if len(point) != 1+size {
		return nil, fmt.Errorf("multikey: a %s key of %d bytes instead of %d: points are to be compressed", curve, len(point), 1+size)
	}
	if curve == Secp256k1 {
		pub, err := secp256k1.ParsePoint(point)
		if err != nil {
			return nil, badPoint(curve, err)
		}
		return pub, nil
	}
	x, y := elliptic.UnmarshalCompressed(params, point)
	if x == nil {
		return nil, offCurve(curve)
	}
	pub := ecdsa.PublicKey(coordinates{params, x, y}) // on the curve, as UnmarshalCompressed promises
	return &pub, nil
}

// badPoint says that a point is not on its curve, or that this build cannot tell.
func badPoint(curve string, err error) error {
	if errors.Is(err, secp256k1.ErrLeftOut) {
		return err
	}
	return offCurve(curve)
}

func offCurve(curve string) error {
	return fmt.Errorf("multikey: not a point on %s", curve)
}

func unknownCurve(curve string) error {
	return fmt.Errorf("multikey: the curve %q: known are P-256, P-384 and secp256k1", brief(curve))
}
