// Command device is the least that a machine has to run: on its first boot it
// makes a key in an encrypted file, derives its name, and signs the first entry
// of its record; then, and at every later boot, it verifies what it keeps.
//
// It stands for firmware, so it is kept small: at most 4 MB for a 32-bit ARM, with
//
//	go build -trimpath -tags nosecp256k1,norsa -ldflags "-s -w" ./examples/device
//
// The tags leave out the secp256k1 curve and RSA keys. With both, the program has 0.8 MB more.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: device FOLDER (the passphrase is in $HOURMETER_PASSPHRASE)")
		os.Exit(1)
	}
	if err := boot(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "device:", err)
		os.Exit(1)
	}
}

// boot makes sure that the device in folder has a key and a birth certificate
// that holds, and prints its DID.
func boot(ctx context.Context, folder string) error {
	keys := &keystore.Dir{
		Path: filepath.Join(folder, "keys"),
		Passphrase: func(context.Context) ([]byte, error) {
			return []byte(os.Getenv("HOURMETER_PASSPHRASE")), nil // a real device asks its secure element
		},
	}
	key, err := keystore.Ensure(ctx, keys, "identity", keystore.Ed25519)
	if err != nil {
		return err
	}
	id, err := did.NewKey(key.Public())
	if err != nil {
		return err
	}
	kept := filepath.Join(folder, "birth.json")
	birth, err := os.ReadFile(kept)
	if errors.Is(err, fs.ErrNotExist) {
		issuer := &vc.Issuer{ID: id, Key: key}
		birth, err = issuer.Issue(&vc.Credential{
			Subject: id,
			Claim:   record.Commissioning{Time: time.Now().UTC().Truncate(time.Second), Model: "Lynx 4", Serial: "LX4-00317"},
		})
		if err == nil {
			err = os.WriteFile(kept, birth, 0o644)
		}
	}
	if err != nil {
		return err
	}
	v, err := new(vc.Verifier).Verify(ctx, birth, vc.IssuedBy(id))
	if err != nil {
		return err
	}
	fmt.Println(id, v.Digest())
	return nil
}
