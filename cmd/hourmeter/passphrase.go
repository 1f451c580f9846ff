package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/hourmeter/hourmeter/keystore"
)

// maxPassphrase bounds a passphrase file: longer is surely another file.
const maxPassphrase = 4 << 10

const passphraseHelp = `The passphrase that encrypts the keys is taken from the first of these:

  --passphrase-file FILE   the first line of FILE; "-" is standard input. Keep it mode 0600.
  $HOURMETER_PASSPHRASE    for machines without anybody at the keyboard. The risk: the environment
                           of a process can be read by every process of the same user, is
                           inherited by programs it starts, and ends up in crash reports and
                           container descriptions. Prefer a file.
  the terminal             asked for without showing it, twice when it is new.

It is never an argument: arguments show in the list of processes and stay in the shell's history.
All bytes count but the line end. "key passphrase" takes the new one from --new-passphrase-file,
$HOURMETER_NEW_PASSPHRASE or the terminal.`

// dir returns the folder of keys that --keys names.
func (a *app) dir() (*keystore.Dir, error) {
	path, err := a.keysPath()
	if err != nil {
		return nil, err
	}
	return &keystore.Dir{Path: path, Passphrase: a.askPassphrase(false)}, nil
}

func (a *app) keysPath() (string, error) {
	if a.keys != "" {
		return a.keys, nil
	}
	if path := a.getenv("HOURMETER_KEYS"); path != "" {
		return path, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for keys: %w; name one with --keys", err)
	}
	return filepath.Join(config, "hourmeter", "keys"), nil
}

// askPassphrase returns a supplier of the passphrase. One that is new is asked
// for twice. It is found once and kept: a command may need it for many keys.
func (a *app) askPassphrase(isNew bool) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		if a.passphrase == nil {
			p, err := a.findPassphrase(a.passphraseFile, "HOURMETER_PASSPHRASE", "Passphrase", isNew)
			if err != nil {
				return nil, err
			}
			a.passphrase = p
		}
		return a.passphrase, nil
	}
}

func (a *app) findPassphrase(file, variable, prompt string, isNew bool) ([]byte, error) {
	if file != "" {
		b, err := a.read(file, maxPassphrase)
		if err != nil {
			return nil, err
		}
		line, _, _ := bytes.Cut(b, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			return nil, fmt.Errorf("the first line of %s is empty: write the passphrase there", file)
		}
		return line, nil
	}
	if p := a.getenv(variable); p != "" {
		return []byte(p), nil
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !isTerminal(in) {
		return nil, fmt.Errorf("there is no terminal to ask on: pass --passphrase-file, or see hourmeter help passphrase")
	}
	p, err := a.promptSecret(in, prompt+": ")
	if err != nil {
		return nil, err
	}
	if isNew {
		again, err := a.promptSecret(in, prompt+" again: ")
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(p, again) {
			return nil, errors.New("the two passphrases differ: nothing was changed")
		}
	}
	return p, nil
}

func (a *app) promptSecret(in *os.File, prompt string) ([]byte, error) {
	fmt.Fprint(a.stderr, prompt)
	p, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.stderr)
	return p, err
}
