//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A disk that is full in the middle of a file leaves the old log, and nothing of the new one.
func TestWebVHNoRoom(t *testing.T) {
	d := newDepot(t)
	before := d.read("drone/did.jsonl")
	for _, args := range []string{
		"update drone --add-alias urn:x", "rotate drone --key machine-2", "deactivate drone --yes",
		"create --method webvh --host x.example --key owner --out new",
	} {
		// A block of 512 bytes, and no signal but the error.
		cmd := exec.Command("sh", "-c", fmt.Sprintf("trap '' XFSZ; ulimit -f 1; exec %q did %s", binary, args))
		cmd.Dir, cmd.Env = d.dir, d.env
		out, err := cmd.CombinedOutput()
		require.Error(t, err, "%s", out)
		require.Equal(t, exitError, cmd.ProcessState.ExitCode(), "%s", out)
		require.Contains(t, string(out), "file too large")
		require.Equal(t, before, d.read("drone/did.jsonl"))
		require.NoDirExists(t, d.dir+"/new")
	}
	entries, err := exec.Command("ls", "-A", d.dir+"/drone").Output()
	require.NoError(t, err)
	require.Equal(t, ".lock\ndid.jsonl\n", string(entries))
	d.written("did", "update", "drone", "--add-alias", "urn:x")
}
