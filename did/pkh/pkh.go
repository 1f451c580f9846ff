// Package pkh names machines by their accounts on ledgers: did:pkh, whose identifier is an
// account as CAIP-10 writes it, so that a smart contract and a credential speak of the same
// machine:
//
//	did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a
//
// [New] mints and [Resolver] resolves, without a network. What follows "did:pkh:", which is
// [did.DID.Identifier], is the account.
//
// The danger: most accounts are hashes of a key, so there is no key in the document, and
// [did.Key] says [did.ErrKeyNotSupported]. Only Solana's accounts are keys themselves. And an
// account proves nothing about its chain: whether it ever held or did anything there, or is
// a contract's that no key signs for, only the chain tells.
package pkh

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// A Resolver resolves did:pkh, of the networks that the method names: eip155, bip122, solana,
// tezos, arweave and aleo. The documents never change, so it answers for every time; they
// have no versions with names, so asking for one gets [did.ErrNotFound].
type Resolver struct {
	// Legacy also resolves the aliases of the method's first drafts, such as
	// did:pkh:eth:0xb9c5…, which the standard has removed. The documents are those of the
	// implementation that made them, spruceid/ssi.
	Legacy bool
}

// Supports reports whether a method is the one that a Resolver resolves: pkh.
func (Resolver) Supports(method string) bool { return method == "pkh" }

// New returns the did:pkh of an account as CAIP-10 writes it, such as
// "eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a". The text is kept as it is: of an
// account of eip155, which may be written in lower case or with the checksum of EIP-55, those
// are two identifiers. The error wraps what Resolve would say.
func New(account string) (did.DID, error) {
	id, err := did.Parse("did:pkh:" + account)
	if err != nil {
		return did.DID{}, err
	}
	if _, err := (Resolver{}).document(id); err != nil {
		return did.DID{}, err
	}
	return id, nil
}

// Resolve implements [did.Resolver].
func (r Resolver) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	switch id.Method() {
	case "pkh":
	case "":
		return nil, fmt.Errorf("%w: there is none", did.ErrInvalidDID)
	default:
		return nil, fmt.Errorf("%w: this is did:%s, and pkh.Resolver resolves did:pkh", did.ErrMethodNotSupported, id.Method())
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if v.Named() {
		return nil, fmt.Errorf("%w: documents of did:pkh have no versions with names or numbers", did.ErrNotFound)
	}
	doc, err := r.document(id)
	if err != nil {
		return nil, err
	}
	return &did.Resolution{Document: doc}, nil
}

// Key implements [did.KeyResolver]: it says why most accounts have no key.
func (r Resolver) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	res, err := r.Resolve(ctx, url.DID, v)
	if err != nil {
		return nil, err
	}
	at := v.Time
	if at.IsZero() {
		at = time.Now()
	}
	pub, err := res.Document.KeyAt(url, use, at)
	if errors.Is(err, did.ErrKeyNotSupported) {
		return nil, fmt.Errorf("%w: an account is not a key: signatures by it are for its network's wallets to make and check", err)
	}
	return pub, err
}

// A kind is what a document says of an account: one verification method, or two.
type kind struct {
	account string // as CAIP-10 writes it
	methods []method
	roles   int          // how many of the relationships below the methods have
	key     []did.Member // what carries the key in each method, if the account is one
	context string       // instead of the terms of the methods
}

type method struct{ fragment, typ, iri string }

// The methods of the documents that the method publishes.
const security = "https://w3id.org/security#"

var (
	recovery    = method{"blockchainAccountId", "EcdsaSecp256k1RecoveryMethod2020", "https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#EcdsaSecp256k1RecoveryMethod2020"}
	tezosMethod = method{"TezosMethod2021", "TezosMethod2021", security + "TezosMethod2021"}
)

// document makes the document of an account, as the method's examples have it.
func (r Resolver) document(id did.DID) (*did.Document, error) {
	k, err := r.kind(id.Identifier())
	if err != nil {
		return nil, err
	}
	doc := &did.Document{ID: id}
	terms := `{"blockchainAccountId":"` + security + `blockchainAccountId"`
	for i, m := range k.methods {
		method := did.VerificationMethod{
			ID: id.URL(m.fragment), Type: m.typ, Controller: id,
			Extra: []did.Member{{Name: "blockchainAccountId", Value: `"` + k.account + `"`}},
		}
		if k.key != nil {
			method.Extra = append(method.Extra, k.key[i])
			switch k.key[i].Name {
			case "publicKeyBase58":
				terms += `,"publicKeyBase58":"` + security + `publicKeyBase58"`
			case "publicKeyJwk":
				if i == 0 || k.key[0].Name != "publicKeyJwk" {
					terms += `,"publicKeyJwk":{"@id":"` + security + `publicKeyJwk","@type":"@json"}`
				}
			}
		}
		terms += `,"` + m.typ + `":"` + m.iri + `"`
		doc.VerificationMethod = append(doc.VerificationMethod, method)
	}
	if k.context == "" {
		k.context = terms + "}"
	}
	doc.Context = []string{"https://www.w3.org/ns/did/v1", k.context}
	for i, refs := range [...]*[]did.MethodRef{&doc.Authentication, &doc.AssertionMethod, &doc.CapabilityInvocation, &doc.CapabilityDelegation} {
		if i < k.roles {
			for _, m := range doc.VerificationMethod {
				*refs = append(*refs, did.MethodRef{ID: m.ID})
			}
		}
	}
	return doc, nil
}

// aliases are those of the method's appendix "Legacy Support".
var aliases = [...]struct{ name, chain, fragment string }{
	{"btc", "bip122:" + bitcoin, ""},
	{"doge", "bip122:" + dogecoin, ""},
	{"eth", "eip155:1", "Recovery2020"},
	{"celo", "eip155:42220", "Recovery2020"},
	{"poly", "eip155:137", "Recovery2020"},
	{"sol", "solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ", ""},
	{"tz", "tezos:NetXdQprcVkpaWU", ""},
}

// kind reads the identifier of a did:pkh.
func (r Resolver) kind(text string) (kind, error) {
	namespace, rest, _ := strings.Cut(text, ":")
	chain, address, full := strings.Cut(rest, ":")
	if !full {
		for _, a := range aliases {
			if a.name != namespace {
				continue
			}
			account := a.chain + ":" + rest
			if !r.Legacy {
				return kind{}, fmt.Errorf("%w: did:pkh:%s is an alias that the method has removed: it stands for did:pkh:%s", did.ErrInvalidDID, a.name, brief(account))
			}
			k, err := r.kind(account)
			if a.fragment != "" && err == nil {
				k.methods[0].fragment = a.fragment
			}
			if a.name == "sol" && err == nil {
				k.key[0] = did.Member{Name: "publicKeyBase58", Value: `"` + rest + `"`}
			}
			k.roles = 2
			return k, err
		}
		return kind{}, fmt.Errorf("%w: did:pkh: want an account as CAIP-10 writes it, namespace:chain:address", did.ErrInvalidDID)
	}
	k := kind{account: text, roles: 4}
	var err error
	switch namespace {
	case "eip155":
		k.methods = []method{recovery}
		err = checkEIP155(chain, address)
	case "bip122":
		k.methods = []method{recovery}
		err = checkBIP122(chain, address)
	case "solana":
		k.methods = []method{
			{"controller", "Ed25519VerificationKey2018", security + "Ed25519VerificationKey2018"},
			{"SolanaMethod2021", "SolanaMethod2021", security + "SolanaMethod2021"},
		}
		var jwk []byte
		jwk, err = solanaKey(chain, address)
		carrier := did.Member{Name: "publicKeyJwk", Value: string(jwk)}
		k.key = []did.Member{carrier, carrier}
	case "tezos":
		var first method
		first, err = tezosAccount(chain, address)
		k.methods = []method{first, tezosMethod}
	case "arweave":
		k.methods = []method{{"blockchainAccountId", "RsaVerificationKey2018", "https://w3c-ccg.github.io/security-vocab/#RsaVerificationKey2018"}}
		err = checkArweave(chain, address)
	case "aleo":
		k.methods = []method{{fragment: "blockchainAccountId", typ: "BlockchainVerificationMethod2021"}}
		k.context, k.roles = "https://w3id.org/security/suites/blockchain-2021/v1", 2
		err = checkAleo(chain, address)
	default:
		return kind{}, fmt.Errorf("%w: did:pkh of the namespace %q: known are eip155, bip122, solana, tezos, arweave and aleo", did.ErrMethodNotSupported, brief(namespace))
	}
	if err != nil {
		return kind{}, fmt.Errorf("%w: did:pkh:%s: %w", did.ErrInvalidDID, namespace, err)
	}
	return k, nil
}

// brief shows the first bytes of a stranger's text.
func brief(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
