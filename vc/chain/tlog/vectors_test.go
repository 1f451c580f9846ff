package tlog

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/internal/shared"
)

// vectors reads each JSON file in a folder of the published Merkle proof vectors
// (github.com/transparency-dev/merkle).
func vectors(t *testing.T, folder string, check func(t *testing.T, name string, text []byte)) {
	require.NoError(t, filepath.WalkDir(shared.Path(t, "vectors", "merkle", folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			check(t, path, text)
		}
		return err
	}))
}

func hashes(t *testing.T, b64 []string) (all []tlog.Hash, ok bool) {
	for _, s := range b64 {
		h, err := parseHash(s)
		if err != nil {
			return nil, false
		}
		all = append(all, h)
	}
	return all, true
}

func TestInclusionVectors(t *testing.T) {
	good, bad := 0, 0
	check := func(t *testing.T, name string, text []byte) {
		var v struct {
			LeafIdx, TreeSize, Start, End uint64 // up to 2^64-1: what is above 2^63 is negative below
			Root, LeafHash                string
			Proof                         []string
			WantErr                       bool
		}
		require.NoError(t, json.Unmarshal(text, &v))
		if v.Start != 0 {
			return // of a subtree, which no log here signs
		}
		proof, ok := hashes(t, v.Proof)
		root, ok2 := hashes(t, []string{v.Root, v.LeafHash})
		accepted := ok && ok2 && checkInclusion(proof, tlog.Tree{N: int64(v.TreeSize + v.End), Hash: root[0]}, int64(v.LeafIdx), root[1]) == nil
		require.Equal(t, !v.WantErr, accepted, name)
		if accepted {
			good++
		} else {
			bad++
		}
	}
	vectors(t, "inclusion", check)
	require.Equal(t, 98, good+bad)
	vectors(t, "subtreeinclusion", check)
	t.Logf("%d good, %d bad", good, bad)
	require.Greater(t, good, 10)
	require.Greater(t, bad, 100)
	shared.Tally(t, "RFC 6962 (logs)", "transparency-dev/merkle, inclusion", good+bad, good+bad, "")
}

// A proof that a subtree from the first leaf on is consistent with a tree is a consistency proof.
func TestConsistencyVectors(t *testing.T) {
	good, bad := 0, 0
	vectors(t, "subtreeconsistency", func(t *testing.T, name string, text []byte) {
		var v struct {
			Start, End, Size int64
			Root1, Root2     string
			Proof            []string
			WantErr          bool
		}
		require.NoError(t, json.Unmarshal(text, &v))
		roots, ok := hashes(t, []string{v.Root1, v.Root2})
		proof, ok2 := hashes(t, v.Proof)
		if v.Start != 0 || v.End == 0 || !ok {
			return // of other subtrees, of the empty tree, which needs no proof, and with roots that are none
		}
		accepted := ok2 && tlog.CheckTree(proof, v.Size, roots[1], v.End, roots[0]) == nil
		require.Equal(t, !v.WantErr, accepted, name)
		if accepted {
			good++
		} else {
			bad++
		}
	})
	t.Logf("%d good, %d bad", good, bad)
	require.Greater(t, good, 3)
	require.Greater(t, bad, 50)
	shared.Tally(t, "RFC 6962 (logs)", "transparency-dev/merkle, consistency", good+bad, good+bad, "")
}

// The examples of the C2SP texts.
func TestC2SPExamples(t *testing.T) {
	// tlog-tiles, "Partial Tiles": a tree of size 70,000.
	require.Equal(t, 256, widthAt(70_000, 0, 272))
	require.Equal(t, 112, widthAt(70_000, 0, 273))
	require.Equal(t, 256, widthAt(70_000, 1, 0))
	require.Equal(t, 17, widthAt(70_000, 1, 1))
	require.Equal(t, 1, widthAt(70_000, 2, 0))
	require.Equal(t, 0, widthAt(70_000, 3, 0))
	require.Equal(t, 1, widthAt(256, 1, 0))
	require.Equal(t, 0, widthAt(256, 0, 1))
	require.Equal(t, "tile/2/x001/x234/067", tilePath(tlog.Tile{H: 8, L: 2, N: 1234067, W: 256}))
	require.Equal(t, "tile/0/x001/x234/067.p/8", tilePath(tlog.Tile{H: 8, L: 0, N: 1234067, W: 8}))
	require.Equal(t, "tile/entries/x001/x234/067.p/8", tilePath(tlog.Tile{H: 8, L: -1, N: 1234067, W: 8}))
	require.Equal(t, "archive/x001/x234/067", archivePath(1234067))

	// tlog-checkpoint, "Note text".
	const body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	c, err := parseCheckpoint(body)
	require.NoError(t, err)
	require.Equal(t, "example.com/behind-the-sofa", c.Origin)
	require.EqualValues(t, 20852163, c.Size)
	require.Equal(t, body, formatCheckpoint(c.Origin, c.Size, c.Root))
	c, err = parseCheckpoint(body + "an extension\n")
	require.NoError(t, err)
	require.Equal(t, body+"an extension\n", c.text)

	// tlog-cosignature: its example and its signed message.
	const cosignature = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
	require.Equal(t, time.Unix(1679315147, 0).UTC(), cosignedAt(note.Signature{Base64: cosignature}))
	require.Equal(t, "cosignature/v1\ntime 1679315147\n"+body, string(cosigned([]byte(body), 1679315147)))

	// tlog-witness, "add-checkpoint": its example request and answer.
	const request = "old 20852014\n" +
		"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n" +
		"5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n" + body +
		"\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" +
		"— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n"
	old, proof, signed, err := parseRequest([]byte(request))
	require.NoError(t, err)
	require.EqualValues(t, 20852014, old)
	require.Len(t, proof, 4)
	require.True(t, strings.HasPrefix(string(signed), body+"\n— "))
	for _, line := range []string{
		"CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==",
		"I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==",
	} {
		raw, err := base64.StdEncoding.DecodeString(line)
		require.NoError(t, err)
		require.Len(t, raw, 4+8+64)
	}

	// signed-note: the example of golang.org/x/mod/sumdb/note, whose key is published with it.
	k, err := parseKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", typeLog)
	require.NoError(t, err)
	require.Equal(t, "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", k.String())
	const signedNote = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
		"— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
	_, sigs, err := openNote([]byte(signedNote), k, nil)
	require.NoError(t, err)
	require.Len(t, sigs, 1)
	_, _, err = openNote([]byte(strings.Replace(signedNote, "answer", "question", 1)), k, nil)
	require.ErrorIs(t, err, ErrSignature)

	// tlog-proof: its example, whose proof is cut short in the text; ours has the leaf as extra data.
	leaf := base64.StdEncoding.EncodeToString(entry(1, 2).Entry.Leaf())
	e, index, proof, signed, err := parseReceipt([]byte("c2sp.org/tlog-proof@v1\nextra " + leaf + "\nindex 73894\n" +
		"gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\nB95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\n" + body + "\n— w AAAAAAA=\n"))
	require.NoError(t, err)
	require.Equal(t, entry(1, 2).Entry, e)
	require.EqualValues(t, 73894, index)
	require.Len(t, proof, 2)
	require.True(t, strings.HasPrefix(string(signed), body))
}
