package rdfc

import (
	"crypto/sha256"
	_ "embed" // the contexts
	"encoding/hex"
	"sync"

	aries "github.com/hyperledger/aries-framework-go/pkg/doc/ldcontext/embed"

	"github.com/hourmeter/hourmeter/vc"
)

var (
	//go:embed context/data-integrity-v1.jsonld
	dataIntegrityV1 string
	//go:embed context/multikey-v1.jsonld
	multikeyV1 string
	//go:embed context/jwk-v1.jsonld
	jwkV1 string
	//go:embed context/cid-v1.jsonld
	cidV1 string
	//go:embed context/vdl-v1.jsonld
	vdlV1 string
	//go:embed context/citizenship-v4rc1.jsonld
	citizenshipV4rc1 string
)

// A pinned is a context that older and neighbouring vocabularies publish.
type pinned struct {
	url      string
	document string // "": it is one of aries-framework-go's
	newline  bool   // the published document ends with one, which aries' copy has not
	sha256   string // of the document, with the newline
}

// In the order in which they build on each other. context/SOURCES.md says where each comes from.
var contexts = [...]pinned{
	{url: "https://www.w3.org/2018/credentials/v1", newline: true, sha256: "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc"},
	{url: "https://www.w3.org/ns/did/v1", newline: true, sha256: "4f3eae5568c9c5f036a082088f9e192019ee06faa78973c87ff91d5421b88dad"},
	{url: "https://w3id.org/security/v1", sha256: "1feed0a3db44c9cbf32ac48dc9cd606d7908181c9ce1d5b5a045cbca25cbb03b"},
	{url: "https://w3id.org/security/v2", sha256: "1319f0215f72395a0212df35801b76ee610e30ba9bade17e9bfbcc6cb2631450"},
	{url: "https://w3id.org/security/suites/ed25519-2020/v1", sha256: "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588"},
	{url: "https://w3id.org/security/data-integrity/v1", document: dataIntegrityV1, sha256: "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554"},
	{url: "https://w3id.org/security/multikey/v1", document: multikeyV1, sha256: "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597"},
	{url: "https://w3id.org/security/jwk/v1", document: jwkV1, sha256: "0f14b62f6071aafe00df265770ea0c7508e118247d79b7d861a406d2aa00bece"},
	{url: "https://www.w3.org/ns/cid/v1", document: cidV1, sha256: "ea216ecc1cb02cd39b693dba2250141e270ba0bf95890be107dd9a9e8e43de85"},
	{url: "https://w3id.org/vdl/v1", document: vdlV1, sha256: "5e61aa138bc6a1bf92299edd01408df52f20c24057b9dbea72ccaeef5b792010"},
	{url: "https://w3id.org/citizenship/v4rc1", document: citizenshipV4rc1, sha256: "a89b0bc00b1848ac3dfdf956c7dd5de8567e755351c07ec6a1c2b4a08b67953b"},
}

// Contexts returns the JSON-LD contexts of package vc and those of older and neighbouring vocabularies: VCDM
// 1.1, Data Integrity 1, DID 1, controlled identifiers 1, Multikey, JsonWebKey, Ed25519Signature2020, the two of
// Linked Data security, driving licences, and the citizenship of the W3C's examples. Each is compiled in, byte for byte as published, and pinned
// by its SHA-256. They are read when first asked for.
func Contexts() *vc.Contexts { return all() }

var all = sync.OnceValue(func() *vc.Contexts {
	c := new(vc.Contexts)
	for _, p := range contexts {
		text := []byte(p.document)
		for _, d := range aries.Contexts {
			if p.document == "" && d.URL == p.url {
				text = append(text, d.Content...)
			}
		}
		if p.newline {
			text = append(text, '\n')
		}
		// The pin matters for those in the other module: its bytes are what we signed with, or nothing is.
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != p.sha256 {
			panic("rdfc: the compiled-in " + p.url + " is not the one that was reviewed") // a test reads them all
		}
		with, err := c.With(p.url, text)
		if err != nil {
			panic("rdfc: the compiled-in " + p.url + ": " + err.Error())
		}
		c = with
	}
	return c
})
