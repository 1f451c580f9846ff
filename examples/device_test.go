package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxDevice is the goal for firmware: what is left of a small flash beside a kernel.
const maxDevice = 4 << 20

// Firmware has Ed25519 or NIST keys: the tags leave out secp256k1, whose library carries a
// table of 0.7 MB, and RSA.
func TestDeviceIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for another processor")
	}
	program := filepath.Join(t.TempDir(), "device")
	build := exec.Command("go", "build", "-trimpath", "-tags", "nosecp256k1,norsa", "-ldflags", "-s -w", "-o", program, "./device")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	info, err := os.Stat(program)
	require.NoError(t, err)
	t.Logf("linux/arm, stripped: %d bytes", info.Size())
	require.LessOrEqual(t, info.Size(), int64(maxDevice), "the device program has grown: see what with go tool nm -size -sort size")
}

func TestDeviceKeepsItsIdentity(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "device")
	out, err := exec.Command("go", "build", "-o", program, "./device").CombinedOutput()
	require.NoError(t, err, "%s", out)
	boot := func(passphrase string) (string, error) {
		cmd := exec.Command(program, folder)
		cmd.Env = append(os.Environ(), "HOURMETER_PASSPHRASE="+passphrase)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	first, err := boot("secret")
	require.NoError(t, err, first)
	require.True(t, strings.HasPrefix(first, "did:key:z6Mk"), first)
	again, err := boot("secret")
	require.NoError(t, err, again)
	require.Equal(t, first, again)

	refused, err := boot("guess")
	require.Error(t, err)
	require.Contains(t, refused, "wrong passphrase")
}
