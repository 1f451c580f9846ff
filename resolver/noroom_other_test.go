//go:build !linux

package resolver

import "testing"

func noRoom(t *testing.T) { t.Fatal("only Linux runs out of room on demand") }
