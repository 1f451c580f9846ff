package status

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// Limits on lists. A list is unpacked after its signature was checked, but its issuer may be anybody.
const (
	// MaxListBytes is the longest list, unpacked: 134 million entries of one bit. Some 16 KiB of
	// zeros pack to it, so unpacking stops there, not when memory is gone.
	MaxListBytes = 16 << 20
	// MaxPackedBytes is the longest list, compressed: a million entries of one byte, of which
	// each is another, with room. A credential may have no more than vc.MaxCredentialBytes anyway.
	MaxPackedBytes = 2 << 20
)

// A packing is one of the two compressions: GZIP (RFC 1952) for Bitstring Status List, ZLIB (RFC
// 1950) for Token Status List.
type packing bool

const (
	gunzip  packing = true
	inflate packing = false
)

// unpack reads packed, which has to be one member, whole and with nothing behind it: a second one
// would be statuses that other readers do not see, or do.
func unpack(packed []byte, how packing) ([]byte, error) {
	if len(packed) > MaxPackedBytes {
		return nil, fmt.Errorf("%d compressed bytes, at most %d are read", len(packed), MaxPackedBytes)
	}
	src := bytes.NewReader(packed) // an io.ByteReader: it is read no further than the member
	var z io.Reader
	var err error
	if how == gunzip {
		var g *gzip.Reader
		if g, err = gzip.NewReader(src); err == nil {
			g.Multistream(false)
			z = g
		}
	} else {
		z, err = zlib.NewReader(src)
	}
	if err != nil {
		return nil, fmt.Errorf("not compressed as it should be: %w", err)
	}
	var out bytes.Buffer
	n, err := out.ReadFrom(io.LimitReader(z, MaxListBytes+1))
	switch {
	case n > MaxListBytes:
		return nil, fmt.Errorf("more than %d bytes unpacked", MaxListBytes)
	case err != nil:
		return nil, fmt.Errorf("not compressed as it should be: %w", err)
	case src.Len() > 0:
		return nil, fmt.Errorf("%d bytes follow the compressed list", src.Len())
	case n == 0:
		return nil, errors.New("the list is empty")
	}
	return bytes.Clone(out.Bytes()), nil // without the room that the buffer had to spare: lists are kept
}

// pack compresses as well as it can: a list is written once and read by many.
func pack(list []byte, how packing) ([]byte, error) {
	var out bytes.Buffer
	var z io.WriteCloser
	if how == gunzip {
		z, _ = gzip.NewWriterLevel(&out, gzip.BestCompression) // fails for unknown levels only
	} else {
		z, _ = zlib.NewWriterLevel(&out, zlib.BestCompression)
	}
	if _, err := z.Write(list); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if out.Len() > MaxPackedBytes {
		return nil, fmt.Errorf("%d compressed bytes, at most %d are read: begin another list", out.Len(), MaxPackedBytes)
	}
	return out.Bytes(), nil
}
