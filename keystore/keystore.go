package keystore

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// A Store keeps named keys. Implementations are safe for concurrent use.
//
// A name is 1 to 64 of a-z, 0-9, '.', '_' and '-', begins with a letter or a
// digit, and is not one that Windows reserves for a device, such as "nul": it
// is a safe file name everywhere, and no two names differ only by case. Any
// other name is refused with [ErrName].
type Store interface {
	// Create makes a key. If name is taken the error wraps fs.ErrExist.
	Create(ctx context.Context, name string, alg Algorithm) (crypto.Signer, error)
	// Open returns a key made earlier. If there is none the error wraps fs.ErrNotExist.
	Open(ctx context.Context, name string) (crypto.Signer, error)
}

// Errors of this package; test for them with [errors.Is]. A name that is taken
// gives [fs.ErrExist], one that is unknown [fs.ErrNotExist].
var (
	// ErrName: the name of a key breaks the rule of [Store].
	ErrName = errors.New("a name is 1 to 64 of a-z 0-9 . _ -, begins with a letter or digit, and is no device name of Windows")
	// ErrAlgorithm: the algorithm is unknown, or the key is of another one.
	ErrAlgorithm = errors.New("wrong algorithm")
	// ErrNoPassphrase: no passphrase was supplied, or an empty one.
	ErrNoPassphrase = errors.New("no passphrase")
	// ErrPassphrase: the passphrase is wrong, or the file was altered. The
	// cipher cannot tell which: both make the authentication tag fail.
	ErrPassphrase = errors.New("wrong passphrase, or the file was altered")
	// ErrFormat: this is no key file or backup, it is cut short or damaged, or
	// it holds the key of another name.
	ErrFormat = errors.New("damaged or not of this format")
	// ErrVersion: the file was written by a later version of this package.
	ErrVersion = errors.New("unknown format version")
	// ErrCost: the cost of the key derivation is out of range. See [Cost].
	ErrCost = errors.New("key derivation cost out of range")
	// ErrMode: others than the owner may use the file or folder, or it is a
	// symbolic link or another thing that no key is read from.
	ErrMode = errors.New("not private to its owner")
)

// Ensure opens the key called name, or creates it on the first run of a device.
// When several processes ensure one name at once, all get the same key. A key
// of another algorithm than alg is not returned: the error wraps [ErrAlgorithm].
func Ensure(ctx context.Context, s Store, name string, alg Algorithm) (crypto.Signer, error) {
	key, err := s.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = s.Create(ctx, name, alg)
		if errors.Is(err, fs.ErrExist) { // another process was faster: its key is the key
			key, err = s.Open(ctx, name)
		}
	}
	if err != nil {
		return nil, err
	}
	if got := algorithmOf(key.Public()); got != alg {
		return nil, fmt.Errorf("keystore: ensure %q: %w: the key is %v, want %v", name, ErrAlgorithm, got, alg)
	}
	return key, nil
}

const maxName = 64 // bytes; with ".key" well below the 255 of common file systems

func validName(name string) bool {
	if len(name) < 1 || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	// Windows takes "nul.key" for the device, whatever follows the first dot.
	stem, _, _ := strings.Cut(name, ".")
	return !slices.Contains([]string{"con", "prn", "aux", "nul"}, stem) &&
		(len(stem) != 4 || stem[:3] != "com" && stem[:3] != "lpt" || stem[3] < '0' || stem[3] > '9')
}

// checkName returns an error that wraps ErrName unless name is valid.
func checkName(op, name string) error {
	if validName(name) {
		return nil
	}
	if len(name) > maxName { // no megabyte in an error
		name = name[:maxName] + "…"
	}
	return fmt.Errorf("keystore: %s %q: %w", op, name, ErrName)
}
