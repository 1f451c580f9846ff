package keystore_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/hourmeter/hourmeter/keystore"
)

// folder returns the path of a folder that does not exist yet, and a function
// that removes it.
func folder() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "keystore")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(dir, "keys"), func() { os.RemoveAll(dir) }
}

// passphrase stands for one that a person types or a service hands out.
func passphrase(context.Context) ([]byte, error) { return []byte("correct horse battery staple"), nil }

// A device runs this at every start. The first makes its key, all later ones
// open it.
func ExampleEnsure() {
	path, remove := folder()
	defer remove()

	boot := func() ed25519.PublicKey {
		keys := &keystore.Dir{Path: path, Passphrase: passphrase}
		key, err := keystore.Ensure(context.Background(), keys, "identity", keystore.Ed25519)
		if err != nil {
			log.Fatal(err)
		}
		return key.Public().(ed25519.PublicKey)
	}
	first, second := boot(), boot()
	fmt.Println(first.Equal(second))
	// Output: true
}

func ExampleDir() {
	path, remove := folder()
	defer remove()

	ctx := context.Background()
	keys := &keystore.Dir{Path: path, Passphrase: passphrase}
	key, err := keys.Create(ctx, "identity", keystore.P256)
	if err != nil {
		log.Fatal(err)
	}
	signature, err := crypto.SignMessage(key, rand.Reader, []byte("4217 hours"), crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key, len(signature) > 0)

	keys.Passphrase = func(context.Context) ([]byte, error) { return []byte("a guess"), nil }
	_, err = keys.Open(ctx, "identity")
	fmt.Println(errors.Is(err, keystore.ErrPassphrase))

	keys.Passphrase = nil
	_, err = keys.Open(ctx, "identity")
	fmt.Println(errors.Is(err, keystore.ErrNoPassphrase))
	// Output:
	// keystore: P-256 key true
	// true
	// true
}

func ExampleDir_List() {
	path, remove := folder()
	defer remove()

	keys := &keystore.Dir{Path: path, Passphrase: passphrase}
	for name, alg := range map[string]keystore.Algorithm{"press-1": keystore.Ed25519, "press-2": keystore.Secp256k1} {
		if _, err := keys.Create(context.Background(), name, alg); err != nil {
			log.Fatal(err)
		}
	}
	infos, err := keys.List()
	if err != nil {
		log.Print(err) // names the files that cannot be read
	}
	for _, info := range infos {
		fmt.Println(info.Name, info.Algorithm)
	}
	// Output:
	// press-1 Ed25519
	// press-2 secp256k1
}

func ExampleDir_Delete() {
	path, remove := folder()
	defer remove()

	ctx := context.Background()
	keys := &keystore.Dir{Path: path, Passphrase: passphrase}
	if _, err := keys.Create(ctx, "identity", keystore.Ed25519); err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Delete(ctx, "identity"))
	_, err := keys.Open(ctx, "identity")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// <nil>
	// true
}

func ExampleDir_ChangePassphrase() {
	path, remove := folder()
	defer remove()

	ctx := context.Background()
	keys := &keystore.Dir{Path: path, Passphrase: passphrase}
	if _, err := keys.Create(ctx, "identity", keystore.Ed25519); err != nil {
		log.Fatal(err)
	}
	better := func(context.Context) ([]byte, error) { return []byte("wrong zebra generator paperclip"), nil }
	if err := keys.ChangePassphrase(ctx, better); err != nil {
		log.Fatal(err) // some keys may have the new one: call again
	}
	keys.Passphrase = better
	_, err := keys.Open(ctx, "identity")
	fmt.Println(err)
	// Output: <nil>
}

func ExampleDir_Backup() {
	path, remove := folder()
	defer remove()

	ctx := context.Background()
	keys := &keystore.Dir{Path: path, Passphrase: passphrase}
	if _, err := keys.Create(ctx, "identity", keystore.Ed25519); err != nil {
		log.Fatal(err)
	}
	var backup bytes.Buffer // or a file
	if err := keys.Backup(ctx, &backup); err != nil {
		log.Fatal(err)
	}
	if err := keys.Delete(ctx, "identity"); err != nil {
		log.Fatal(err)
	}

	names, err := keys.Restore(ctx, &backup)
	fmt.Println(names, err)
	// Output: [identity] <nil>
}

func ExampleDir_Restore() {
	path, remove := folder()
	defer remove()

	keys := &keystore.Dir{Path: path, Passphrase: passphrase}
	_, err := keys.Restore(context.Background(), bytes.NewReader([]byte("half a file")))
	fmt.Println(errors.Is(err, keystore.ErrFormat))
	// Output: true
}

func ExampleMemory() {
	var keys keystore.Memory
	key, err := keystore.Ensure(context.Background(), &keys, "session", keystore.Secp256k1)
	fmt.Println(key, err)
	// Output: keystore: secp256k1 key <nil>
}

func ExampleParseAlgorithm() {
	alg, err := keystore.ParseAlgorithm("P-384")
	fmt.Println(alg == keystore.P384, err)
	_, err = keystore.ParseAlgorithm("RSA")
	fmt.Println(err)
	// Output:
	// true <nil>
	// keystore: wrong algorithm "RSA": want one of ["Ed25519" "P-256" "P-384" "secp256k1"]
}
