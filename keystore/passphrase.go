package keystore

import (
	"context"
	"errors"
	"fmt"
)

// ChangePassphrase encrypts the named keys, or all if none is named, anew: with
// the passphrase that next supplies, a fresh salt, and d.Cost. From then on
// d.Passphrase must supply the new one. To raise the cost alone, pass
// d.Passphrase as next.
//
// Unless every key opens with the old passphrase or the new one, nothing is
// changed. If the process is killed, some keys may have the old one and some
// the new; the same call then finishes the work. So it does for a key that a
// Create, which had asked for its passphrase before, wrote just after: end
// writers first, or call twice, before you forget the old passphrase.
//
// Whoever copied a file before still needs only the old passphrase: if that
// may have happened, make new keys.
func (d *Dir) ChangePassphrase(ctx context.Context, next func(context.Context) ([]byte, error), names ...string) error {
	for _, name := range names {
		if err := checkName("change passphrase of", name); err != nil {
			return err
		}
	}
	oldPass, err := ask(ctx, d.Passphrase)
	if err != nil {
		return d.fail("change passphrase", "", err)
	}
	newPass, err := ask(ctx, next)
	if err != nil {
		return d.fail("change passphrase", "", fmt.Errorf("new one: %w", err))
	}
	f, err := d.lockFolder(ctx)
	if err != nil {
		return d.fail("change passphrase", "", err)
	}
	defer f.close()
	if len(names) == 0 {
		if names, err = f.keys(); err != nil {
			return d.fail("change passphrase", "", err)
		}
	}
	var files []file
	for _, name := range names {
		data, err := d.reencrypt(ctx, f, name, oldPass, newPass)
		if err != nil {
			return d.fail("change passphrase of", name, err)
		}
		if data != nil {
			files = append(files, file{name, data})
		}
	}
	if done, err := f.write(files, true); err != nil {
		return d.fail("change passphrase", "", fmt.Errorf("%d of %d keys done, to be called again: %w", done, len(files), err))
	}
	return nil
}

// reencrypt returns the new file of a key, or nil if a call that was cut short
// has replaced it already.
func (d *Dir) reencrypt(ctx context.Context, f *folder, name string, oldPass, newPass []byte) ([]byte, error) {
	k, err := f.load(name)
	if err != nil {
		return nil, err
	}
	key, secret, err := d.decrypt(ctx, k, oldPass)
	if errors.Is(err, ErrPassphrase) {
		if _, secret, err := d.decrypt(ctx, k, newPass); err == nil {
			clear(secret)
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return d.encrypt(ctx, name, key, secret, newPass)
}

// ask calls for a passphrase, which must not be empty.
func ask(ctx context.Context, supply func(context.Context) ([]byte, error)) ([]byte, error) {
	if supply == nil {
		return nil, ErrNoPassphrase
	}
	passphrase, err := supply(ctx)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	if len(passphrase) == 0 {
		return nil, ErrNoPassphrase
	}
	return passphrase, nil
}
