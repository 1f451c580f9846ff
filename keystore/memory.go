package keystore

import (
	"context"
	"crypto"
	"fmt"
	"io/fs"
	"sync"
)

// Memory is a [Store] that forgets when the process ends, for tests and for
// keys that live no longer. The zero value is ready to use.
type Memory struct {
	mu   sync.Mutex
	keys map[string]*signer
}

// Create implements [Store].
func (m *Memory) Create(_ context.Context, name string, alg Algorithm) (crypto.Signer, error) {
	if err := checkName("create", name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.keys[name]; ok {
		return nil, fmt.Errorf("keystore: create %q: %w", name, fs.ErrExist)
	}
	key, secret, err := generate(alg)
	if err != nil {
		return nil, fmt.Errorf("keystore: create %q: %w", name, err)
	}
	clear(secret)
	if m.keys == nil {
		m.keys = make(map[string]*signer)
	}
	m.keys[name] = key
	return key, nil
}

// Open implements [Store].
func (m *Memory) Open(_ context.Context, name string) (crypto.Signer, error) {
	if err := checkName("open", name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if key, ok := m.keys[name]; ok {
		return key, nil
	}
	return nil, fmt.Errorf("keystore: open %q: %w", name, fs.ErrNotExist)
}
