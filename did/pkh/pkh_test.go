package pkh_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/pkh"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// published reads the documents of a folder of vectors.
func published(t *testing.T, pattern string, elem ...string) (raws []string) {
	files, err := filepath.Glob(filepath.Join(shared.Path(t, elem...), pattern))
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		raws = append(raws, string(raw))
	}
	return raws
}

func resolved(t *testing.T, r pkh.Resolver, theirs string) (doc *did.Document, text string) {
	want, err := did.ParseDocument([]byte(theirs))
	require.NoError(t, err)
	res, err := r.Resolve(t.Context(), want.ID, did.Version{})
	require.NoError(t, err)
	raw, err := res.Document.MarshalJSON()
	require.NoError(t, err)
	return res.Document, string(raw)
}

// The method's own vectors: our document is theirs, member by member.
func TestVectorsOfTheMethod(t *testing.T) {
	raws := published(t, "*.jsonld", "vectors", "did-pkh")
	require.Len(t, raws, 10)
	for _, theirs := range raws {
		doc, ours := resolved(t, pkh.Resolver{}, theirs)
		require.JSONEq(t, theirs, ours)
		minted, err := pkh.New(doc.ID.Identifier())
		require.NoError(t, err)
		require.Equal(t, doc.ID, minted)
	}
	shared.Tally(t, "did:pkh", "the method's vectors", len(raws), len(raws), "")
}

// The documents of spruceid/ssi. Its older and newer ones give an account two roles, where the
// method's vectors give it four, and write Solana's key in base58.
func TestDocumentsOfSSI(t *testing.T) {
	legacy, current := 0, 0
	for _, theirs := range published(t, "did-*.jsonld", "vectors", "ssi-dids", "methods", "pkh", "tests") {
		want, err := did.ParseDocument([]byte(theirs))
		require.NoError(t, err)
		if strings.Count(want.ID.Identifier(), ":") == 1 {
			_, err := pkh.Resolver{}.Resolve(t.Context(), want.ID, did.Version{})
			require.ErrorIs(t, err, did.ErrInvalidDID)
			require.ErrorContains(t, err, "it stands for did:pkh:")
			_, ours := resolved(t, pkh.Resolver{Legacy: true}, theirs)
			require.JSONEq(t, theirs, ours)
			legacy++
			continue
		}
		doc, _ := resolved(t, pkh.Resolver{}, theirs)
		doc.CapabilityInvocation, doc.CapabilityDelegation = nil, nil
		if strings.HasPrefix(want.ID.Identifier(), "solana:") {
			ours, err := doc.VerificationMethod[0].PublicKey()
			require.NoError(t, err)
			theirs, err := want.VerificationMethod[0].PublicKey()
			require.NoError(t, err)
			require.Equal(t, theirs, ours)
			require.Equal(t, want.Authentication, doc.Authentication)
		} else {
			ours, err := doc.MarshalJSON()
			require.NoError(t, err)
			require.JSONEq(t, theirs, string(ours))
		}
		current++
	}
	require.Equal(t, [2]int{9, 10}, [2]int{legacy, current})
	shared.Tally(t, "did:pkh", "spruceid/ssi: legacy aliases", legacy, legacy, "")
	shared.Tally(t, "did:pkh", "spruceid/ssi: accounts of CAIP-10", current, current, "but for two roles more, as the method has them, and Solana's key as a JWK")
}

// Identifiers of the W3C's and the Universal Resolver's lists: all are legacy aliases.
func TestIdentifiersInTheWild(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "w3c-did-test-suite", "did-pkh-spruce.json"))
	require.NoError(t, err)
	var suite struct{ DIDs []did.DID }
	require.NoError(t, json.Unmarshal(raw, &suite))
	require.Len(t, suite.DIDs, 6)
	for _, id := range append(suite.DIDs, did.MustParse("did:pkh:tz:tz2BFTyPeYRzxd5aiBchbXN3WCZhx7BqbMBq")) {
		_, err := pkh.Resolver{}.Resolve(t.Context(), id, did.Version{})
		require.ErrorContains(t, err, "alias")
		res, err := pkh.Resolver{Legacy: true}.Resolve(t.Context(), id, did.Version{})
		require.NoError(t, err)
		require.Equal(t, id, res.Document.ID)
	}
	shared.Tally(t, "did:pkh", "W3C did-test-suite and universal-resolver: identifiers", 7, 7, "all are legacy aliases; the documents printed are of an older draft")
}

// ethers' accounts: every address has its EIP-55 checksum, and no other spelling with capitals.
func TestEIP55(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "eip712-ethers", "accounts.json"))
	require.NoError(t, err)
	var accounts []struct{ Address string }
	require.NoError(t, json.Unmarshal(raw, &accounts))
	for _, a := range accounts {
		_, err := pkh.New("eip155:1:" + a.Address)
		require.NoError(t, err)
		_, err = pkh.New("eip155:1:" + strings.ToLower(a.Address))
		require.NoError(t, err)
		for i := 2; i < len(a.Address); i++ { // a letter in the other case
			other := []byte(a.Address)
			if other[i] > '9' {
				other[i] ^= 0x20
				if id := string(other); id != strings.ToLower(id) {
					_, err := pkh.New("eip155:1:" + id)
					require.ErrorContains(t, err, "checksum", id)
				}
			}
		}
	}
	require.Greater(t, len(accounts), 200)
	shared.Tally(t, "EIP-55", "ethers: accounts", len(accounts), len(accounts), "")
}

// From the CASA namespaces' test cases and the did:pkh repository's.
func TestAccountsOfTheNamespaces(t *testing.T) {
	for _, account := range []string{
		"eip155:0:0x839395e20bbB182fa440d08F850E6c7A8f6F0780",
		"eip155:1:0x22227A31dd842196A246d8f3b775998560eAa61d",
		"eip155:137:0x0495766cD136138Fc492Dd499B8DC87A92D6685b",
		"bip122:12a765e31ffd4059bada1e25190f6e98:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6",
		"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv",
		"tezos:NetXdQprcVkpaWU:tz1MJx9vhaNRSimcuXPK2rW4fLccQnDAnVKJ",
		"tezos:NetXnHfVqm9iesp:tz3btDQsDkqq2G7eBdrrLqetaAfLVw6BnPez",
		"aleo:testnet3:aleo1ml2xr6fawppd6uaf8gn95uy2fpqqg8gk74k0lu8na7uvayk64v8qu8hw5u",
		"aleo:1:aleo1al8unplh8vtsuwna0h6u2t6g0hvr7t0tnfkem2we5gj7t70aeuxsce9m4x",
		"arweave:1:kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HSk",
	} {
		_, err := pkh.New(account)
		require.NoError(t, err, account)
	}
}

func TestRefusals(t *testing.T) {
	const lower = "0xb9c5714089478a327f09197987f16f9e5d936e8a"
	const btc = "128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6"
	const bitcoin = "bip122:000000000019d6689c085ae165831e93:"
	const sol = "solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:"
	const tz = "tezos:NetXdQprcVkpaWU:"
	off := make([]byte, 32)
	off[0] = 2
	base58 := func(b []byte) string { return strings.TrimPrefix(multikey.EncodeBase58(b), "z") }
	for _, tc := range []struct {
		name, account string
		want          error
		msg           string
	}{
		{"no chain", lower, did.ErrInvalidDID, "CAIP-10"},
		{"a namespace and a chain", "eip155:1", did.ErrInvalidDID, "CAIP-10"},
		{"a namespace the method does not name", "cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0", did.ErrMethodNotSupported, `"cosmos"`},
		{"a namespace in capitals", "EIP155:1:" + lower, did.ErrMethodNotSupported, `"EIP155"`},
		{"a long namespace", strings.Repeat("x", 1000) + ":1:" + lower, did.ErrMethodNotSupported, "…"},
		{"the alias eth", "eth:" + lower, did.ErrInvalidDID, "did:pkh:eip155:1:" + lower},
		{"the alias in CAIP-10", "eth:1:" + lower, did.ErrMethodNotSupported, `"eth"`},
		{"a fourth part", "eip155:1:" + lower + ":x", did.ErrInvalidDID, "40 hexadecimal"},

		{"eip155, chain in hexadecimal", "eip155:0x1:" + lower, did.ErrInvalidDID, "number"},
		{"eip155, chain with a leading zero", "eip155:01:" + lower, did.ErrInvalidDID, "number"},
		{"eip155, chain of 20 digits", "eip155:" + strings.Repeat("1", 20) + ":" + lower, did.ErrInvalidDID, "number"},
		{"eip155, no chain", "eip155::" + lower, did.ErrInvalidDID, "number"},
		{"eip155, short", "eip155:1:" + lower[:41], did.ErrInvalidDID, "40 hexadecimal"},
		{"eip155, long", "eip155:1:" + lower + "0", did.ErrInvalidDID, "40 hexadecimal"},
		{"eip155, 0X", "eip155:1:0X" + lower[2:], did.ErrInvalidDID, "40 hexadecimal"},
		{"eip155, without 0x", "eip155:1:" + lower[2:] + "00", did.ErrInvalidDID, "40 hexadecimal"},
		{"eip155, no digit", "eip155:1:" + lower[:41] + "g", did.ErrInvalidDID, "40 hexadecimal"},
		{"eip155, percent-encoded", "eip155:1:" + lower[:39] + "%61", did.ErrInvalidDID, "40 hexadecimal"},
		{"eip155, one capital", "eip155:1:0xB9c5714089478a327f09197987f16f9e5d936e8a", did.ErrInvalidDID, "checksum"},
		{"eip155, all capitals", "eip155:137:0x0495766CD136138FC492DD499B8DC87A92D6685B", did.ErrInvalidDID, "checksum"},

		{"bip122, chain in capitals", "bip122:000000000019D6689C085AE165831E93:" + btc, did.ErrInvalidDID, "32 hexadecimal"},
		{"bip122, chain cut short", "bip122:000000000019d668:" + btc, did.ErrInvalidDID, "32 hexadecimal"},
		{"bip122, mistyped", bitcoin + btc[:33] + "7", did.ErrInvalidDID, "checksum"},
		{"bip122, short", bitcoin + btc[:33], did.ErrInvalidDID, "25 bytes"},
		{"bip122, long", bitcoin + strings.Repeat("1", 1000), did.ErrInvalidDID, "25 bytes"},
		{"bip122, a dogecoin address on bitcoin", bitcoin + "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", did.ErrInvalidDID, "version 0x1e"},
		{"bip122, a script", bitcoin + "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", did.ErrInvalidDID, "version 0x05"},
		{"bip122, Bech32", bitcoin + "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", did.ErrInvalidDID, "25 bytes"},

		{"solana, 31 bytes", sol + base58(off[1:]), did.ErrInvalidDID, "32 bytes"},
		{"solana, 33 bytes", sol + base58(append([]byte{1}, off...)), did.ErrInvalidDID, "32 bytes"},
		{"solana, a program's address", sol + base58(off), did.ErrInvalidDID, "program"},
		{"solana, of small order", sol + base58(make([]byte, 32)), did.ErrInvalidDID, "small order"},
		{"solana, no base58", sol + "0Kg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev", did.ErrInvalidDID, "32 bytes"},
		{"solana, chain cut short", "solana:4sGjMW1s:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev", did.ErrInvalidDID, "32 characters"},

		{"tezos, a chain of no such name", "tezos:mainnet:tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM8", did.ErrInvalidDID, "Net"},
		{"tezos, a mistyped chain", "tezos:NetXdQprcVkpaWV:tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM8", did.ErrInvalidDID, "Net"},
		{"tezos, mistyped", tz + "tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM9", did.ErrInvalidDID, "checksum"},
		{"tezos, tz1 called tz2", tz + "tz2TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM8", did.ErrInvalidDID, "checksum"},
		{"tezos, a contract", tz + "KT1PWx2mnDueood7fEmfbBDKx1D9BAnnXitn", did.ErrInvalidDID, "tz1, tz2 or tz3"},

		{"arweave, 31 bytes", "arweave:7wIU:kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HQ", did.ErrInvalidDID, "32 bytes"},
		{"arweave, stray bits", "arweave:7wIU:kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HSl", did.ErrInvalidDID, "32 bytes"},
		{"arweave, no chain", "arweave::kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HSk", did.ErrInvalidDID, "chain"},

		{"aleo, mistyped", "aleo:1:aleo1y90yg3yzs4g7q25f9nn8khuu00m8ysynxmcw8aca2d0phdx8dgpq4vw349", did.ErrInvalidDID, "checksum"},
		{"aleo, short", "aleo:1:aleo1y90yg3yzs4g7q25f9nn8khuu00m8ysynxmcw8aca2d0phdx8dgpq4vw34", did.ErrInvalidDID, "58 characters"},
		{"aleo, capitals", "aleo:1:ALEO1Y90YG3YZS4G7Q25F9NN8KHUU00M8YSYNXMCW8ACA2D0PHDX8DGPQ4VW348", did.ErrInvalidDID, "58 characters"},
		{"aleo, no character of Bech32", "aleo:1:aleo1b90yg3yzs4g7q25f9nn8khuu00m8ysynxmcw8aca2d0phdx8dgpq4vw348", did.ErrInvalidDID, "Bech32"},
		{"aleo, a long chain", "aleo:" + strings.Repeat("1", 33) + ":aleo1y90yg3yzs4g7q25f9nn8khuu00m8ysynxmcw8aca2d0phdx8dgpq4vw348", did.ErrInvalidDID, "chain"},
		{"no DID", "eip155:1: ", did.ErrInvalidDID, "percent-encode"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := pkh.New(tc.account)
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.msg)
			require.True(t, id.IsZero())
			require.True(t, did.IsAnswer(err))
			require.Less(t, len(err.Error()), 300)
		})
	}
	_, err := pkh.Resolver{}.Resolve(t.Context(), did.DID{}, did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDID)
	_, err = pkh.Resolver{}.Resolve(t.Context(), did.MustParse("did:key:z6Mk"), did.Version{})
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
}

func TestKeys(t *testing.T) {
	sol := did.MustParse("did:pkh:solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev")
	eth := did.MustParse("did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a")
	for _, v := range []did.Version{{}, {Time: time.Unix(0, 0)}, {Time: time.Now().AddDate(100, 0, 0)}} {
		pub, err := did.Key(t.Context(), pkh.Resolver{}, sol.URL("controller"), did.AssertionMethod, v)
		require.NoError(t, err)
		require.Equal(t, "a83932c211fe4ba9cdc50840e921cab28156ec0da05fe5f46f74edc1504c1e6f", hex.EncodeToString(pub.(ed25519.PublicKey)))
	}
	for _, tc := range []struct {
		name string
		url  did.URL
		use  did.Relationship
		v    did.Version
		want error
	}{
		{"a hash is no key", eth.URL("blockchainAccountId"), did.AssertionMethod, did.Version{}, did.ErrKeyNotSupported},
		{"Solana's own type", sol.URL("SolanaMethod2021"), did.AssertionMethod, did.Version{}, did.ErrKeyNotSupported},
		{"to encrypt", sol.URL("controller"), did.KeyAgreement, did.Version{}, did.ErrKeyNotAuthorized},
		{"no such method", eth.URL("controller"), did.AssertionMethod, did.Version{}, did.ErrNotFound},
		{"a version with a name", sol.URL("controller"), did.AssertionMethod, did.Version{ID: "1"}, did.ErrNotFound},
		{"two versions", sol.URL("controller"), did.AssertionMethod, did.Version{ID: "1", Number: 1}, did.ErrInvalidOptions},
	} {
		pub, err := did.Key(t.Context(), pkh.Resolver{}, tc.url, tc.use, tc.v)
		require.ErrorIs(t, err, tc.want, tc.name)
		require.Nil(t, pub, tc.name)
	}
	_, err := did.Key(t.Context(), pkh.Resolver{}, eth.URL("blockchainAccountId"), did.AssertionMethod, did.Version{})
	require.ErrorContains(t, err, "an account is not a key")
}

// Accounts made in each namespace's way resolve, and one of Solana to its key.
func TestMinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		id, err := pkh.New("solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:" + strings.TrimPrefix(multikey.EncodeBase58(pub), "z"))
		require.NoError(t, err)
		back, err := did.Key(context.Background(), pkh.Resolver{}, id.URL("controller"), did.Authentication, did.Version{})
		require.NoError(t, err)
		require.Equal(t, pub, back)

		h := sha3.NewLegacyKeccak256()
		h.Write(seed)
		address := hex.EncodeToString(h.Sum(nil)[12:])
		id, err = pkh.New("eip155:1:0x" + address)
		require.NoError(t, err)
		res, err := pkh.Resolver{}.Resolve(context.Background(), id, did.Version{})
		require.NoError(t, err)
		require.Equal(t, `"eip155:1:0x`+address+`"`, res.Document.VerificationMethod[0].Extra[0].Value)
	})
}

// Whatever the account, there is an answer, and a document that can be written.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{
		"eip155:1:0x22227A31dd842196A246d8f3b775998560eAa61d", "bip122:000000000019d6689c085ae165831e93:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6",
		"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv", "tezos:NetXdQprcVkpaWU:tz1MJx9vhaNRSimcuXPK2rW4fLccQnDAnVKJ",
		"aleo:testnet3:aleo1ml2xr6fawppd6uaf8gn95uy2fpqqg8gk74k0lu8na7uvayk64v8qu8hw5u", "arweave:1:kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HSk",
		"tz:tz2BFTyPeYRzxd5aiBchbXN3WCZhx7BqbMBq", "sol:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev", "eth:0x", "a:b:c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := did.Parse("did:pkh:" + s)
		if err != nil {
			return
		}
		res, err := pkh.Resolver{Legacy: true}.Resolve(context.Background(), id, did.Version{})
		if err != nil {
			if !did.IsAnswer(err) {
				t.Fatal(err)
			}
			return
		}
		if _, err := res.Document.MarshalJSON(); err != nil || res.Document.ID != id {
			t.Fatal(err)
		}
		if _, err := pkh.New(s); err != nil && strings.Count(s, ":") != 1 {
			t.Fatal(err)
		}
	})
}
