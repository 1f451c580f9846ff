package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/keystore"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Keep keys in encrypted files",
		Long: `Keys live in a folder, one encrypted file each (Argon2id, XChaCha20-Poly1305),
and never leave it: other commands sign with them by name. A name is 1 to 64 of
a-z 0-9 . _ - and begins with a letter or digit.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.keyCreateCommand(), a.keyListCommand(), a.keyShowCommand(), a.keyDeleteCommand(),
		a.keyPassphraseCommand(), a.keyBackupCommand(), a.keyRestoreCommand(),
	)
	return cmd
}

func (a *app) keyCreateCommand() *cobra.Command {
	var algorithm string
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a key",
		Example: "  hourmeter key create workshop\n  hourmeter key create drone-7 --algorithm P-256",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			alg, err := keystore.ParseAlgorithm(algorithm)
			if err != nil {
				return err
			}
			dir, err := a.dir()
			if err != nil {
				return err
			}
			dir.Passphrase = a.askPassphrase(true)
			key, err := dir.Create(cmd.Context(), args[0], alg)
			if err != nil {
				return err
			}
			return a.printKey(args[0], key.Public())
		},
	}
	cmd.Flags().StringVar(&algorithm, "algorithm", keystore.Ed25519.String(), "Ed25519, P-256, P-384 or secp256k1")
	return cmd
}

func (a *app) keyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys",
		Long: `List the keys by name, without a passphrase: what a key file says of itself is
only proved when the key is used.`,
		Example: `  hourmeter key list`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.dir()
			if err != nil {
				return err
			}
			return a.listKeys(dir)
		},
	}
}

func (a *app) listKeys(dir *keystore.Dir) error {
	infos, unreadable := dir.List()
	list := KeyList{Folder: dir.Path, Keys: []Key{}}
	for _, info := range infos {
		key, err := describeKey(info.Name, info.Public)
		if err != nil {
			return err
		}
		list.Keys = append(list.Keys, key)
	}
	err := a.print(list, func(w io.Writer) {
		if len(list.Keys) == 0 {
			fmt.Fprintf(w, "No keys in %s. Make one: hourmeter key create NAME\n", list.Folder)
			return
		}
		table(w, func(w io.Writer) {
			for _, k := range list.Keys {
				fmt.Fprintf(w, "%s\t%s\t%s\n", k.Name, k.Algorithm, k.DID)
			}
		})
	})
	if err != nil {
		return err
	}
	return unreadable
}

func (a *app) keyShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show the public half of a key",
		Long: `Show the public half of a key: its did:key, Multikey and JSON Web Key. This
needs no passphrase; what the file says of itself is proved when the key is used.`,
		Example: `  hourmeter key show drone-7`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := a.publicKey(args[0])
			if err != nil {
				return err
			}
			return a.printKey(args[0], public)
		},
	}
}

// publicKey returns the public half of a key without its passphrase.
func (a *app) publicKey(name string) (crypto.PublicKey, error) {
	dir, err := a.dir()
	if err != nil {
		return nil, err
	}
	infos, unreadable := dir.List()
	i := slices.IndexFunc(infos, func(k keystore.Info) bool { return k.Name == name })
	if i < 0 {
		if unreadable != nil {
			return nil, unreadable
		}
		return nil, fmt.Errorf("no key %q in %s: see hourmeter key list", name, dir.Path)
	}
	return infos[i].Public, nil
}

func (a *app) printKey(name string, public crypto.PublicKey) error {
	key, err := describeKey(name, public)
	if err != nil {
		return err
	}
	return a.print(key, func(w io.Writer) {
		table(w, func(w io.Writer) {
			if key.Name != "" {
				fmt.Fprintf(w, "key\t%s\n", key.Name)
			}
			fmt.Fprintf(w, "algorithm\t%s\n", key.Algorithm)
			if !key.DID.IsZero() {
				fmt.Fprintf(w, "did\t%s\n", key.DID)
			}
			fmt.Fprintf(w, "multikey\t%s\n", key.Multikey)
			fmt.Fprintf(w, "jwk\t%s\n", key.JWK)
		})
	})
}

func describeKey(name string, public crypto.PublicKey) (Key, error) {
	id, err := did.NewKey(public)
	if _, old := public.(*rsa.PublicKey); err != nil && !old { // none is made of RSA, but others may have
		return Key{}, err
	}
	mk, err := multikey.Encode(public)
	if err != nil {
		return Key{}, err
	}
	jwk, err := did.MarshalJWK(public)
	if err != nil {
		return Key{}, err
	}
	return Key{Name: name, Algorithm: algorithmOf(public), DID: id, Multikey: mk, JWK: jwk}, nil
}

func (a *app) keyDeleteCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "delete NAME --force",
		Short: "Delete a key for good",
		Long: `Delete a key for good. Whoever loses the key of a did:key loses the name with it:
make a backup first. --force says that you mean it.`,
		Example: `  hourmeter key delete drone-7 --force`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.dir()
			if err != nil {
				return err
			}
			public, err := a.publicKey(args[0])
			if err != nil {
				return err
			}
			if !force {
				return fmt.Errorf("deleting %q cannot be undone: back it up, then pass --force", args[0])
			}
			if err := dir.Delete(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.printKey(args[0], public)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "delete it")
	return cmd
}

func (a *app) keyPassphraseCommand() *cobra.Command {
	var newFile string
	cmd := &cobra.Command{
		Use:   "passphrase [NAME...]",
		Short: "Change the passphrase of all keys, or of those named",
		Long: `Encrypt all keys, or those named, anew under another passphrase. If the command is
interrupted, give the same two passphrases again: it finishes the work.

A copy of a key file made earlier still opens with the old passphrase.`,
		Example: `  hourmeter key passphrase --passphrase-file old --new-passphrase-file new`,
		RunE: func(cmd *cobra.Command, names []string) error {
			dir, err := a.dir()
			if err != nil {
				return err
			}
			old, err := a.askPassphrase(false)(cmd.Context())
			if err != nil {
				return err
			}
			next, err := a.findPassphrase(newFile, "HOURMETER_NEW_PASSPHRASE", "New passphrase", true)
			if err != nil {
				return err
			}
			dir.Passphrase = supply(old)
			if err := dir.ChangePassphrase(cmd.Context(), supply(next), names...); err != nil {
				return err
			}
			return a.listKeys(dir)
		},
	}
	cmd.Flags().StringVar(&newFile, "new-passphrase-file", "", "file whose first line is the new passphrase")
	return cmd
}

func (a *app) keyBackupCommand() *cobra.Command {
	out := output{secret: true}
	cmd := &cobra.Command{
		Use:   "backup --out FILE",
		Short: "Write all keys to one encrypted file",
		Long: `Write all keys to one file, encrypted under the present passphrase. It opens with
that passphrase for good, whatever becomes of the folder's.`,
		Example: `  hourmeter key backup --out keys.backup`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out.name == "-" && isTerminal(a.stdout) {
				return fmt.Errorf("a backup is not for the screen: name a file with --out")
			}
			dir, err := a.dir()
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := dir.Backup(cmd.Context(), &b); err != nil {
				return err
			}
			return a.write(out, b.Bytes())
		},
	}
	out.flags(cmd.Flags())
	return cmd
}

func (a *app) keyRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put the keys of a backup into the folder",
		Long: `Put the keys of a backup into the folder. The passphrase is that of the backup.
The whole backup is checked before the first key is written, and no other key of
the same name is ever overwritten.`,
		Example: `  hourmeter key restore keys.backup --keys ./restored`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.dir()
			if err != nil {
				return err
			}
			b, err := a.read(args[0], maxBackup)
			if err != nil {
				return err
			}
			if _, err := dir.Restore(cmd.Context(), bytes.NewReader(b)); err != nil {
				return err
			}
			return a.listKeys(dir)
		},
	}
}

// maxBackup bounds a backup file: package keystore puts at most 65,536 keys of
// about 300 bytes into one.
const maxBackup = 64 << 20
