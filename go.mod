module github.com/hourmeter/hourmeter

go 1.26.0

require (
	filippo.io/edwards25519 v1.2.0 // the field of Ed25519, which the standard library keeps to itself: X25519 keys of did:key
	filippo.io/mldsa v1.0.0 // vc/mldsa: ML-DSA-44 (FIPS 204), pure Go, until the standard library has it
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.4.1 // the curve of most ledgers, which the standard library lacks; left out by the tag nosecp256k1
	github.com/fxamacker/cbor/v2 v2.10.0 // vc/rdfc: deterministic CBOR with limits; tests: a second CBOR implementation
	github.com/getkin/kin-openapi v0.153.0 // tests: what the HTTP service answers against the OpenAPI document it serves
	github.com/go-jose/go-jose/v4 v4.1.9 // tests: a second JOSE implementation
	github.com/go-json-experiment/json v1.27.2 // strict JSON tokens (jsontext) and strict decoding: the code of the coming encoding/json/v2
	github.com/go-playground/validator/v10 v10.30.6 // rules of operator-written files: policies and import mappings
	github.com/gowebpki/jcs v1.0.1 // tests: a second RFC 8785 implementation
	github.com/hyperledger/aries-framework-go v0.3.2 // vc/rdfc: the older JSON-LD contexts (pkg/doc/ldcontext/embed)
	github.com/lestrrat-go/jwx/v2 v2.1.7 // vc/jose/jwxbridge: callers' JWK sets and keys; tests: another JOSE implementation
	github.com/mr-tron/base58 v1.3.0 // base58btc of keys, signatures and digests, as go-multibase has it, without its other bases
	github.com/multiformats/go-multibase v0.3.0 // tests: a second implementation of multibase
	github.com/multiformats/go-varint v0.0.7 // multicodec prefixes of keys
	github.com/piprate/json-gold v0.9.1 // tests: an implementation of the whole of JSON-LD, beside ours; it links net/http
	github.com/prometheus/client_golang v1.25.0 // the HTTP service: its metrics
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // vc/schema: JSON Schema of credentials; tests: package record's schemas against its structs
	github.com/schollz/progressbar/v3 v3.18.0 // the command: progress on a terminal
	github.com/spf13/cobra v1.10.2 // the command: its arguments
	github.com/spf13/pflag v1.0.10 // the command: the flags that cobra reads
	github.com/stretchr/testify v1.12.1 // tests
	github.com/veraison/go-cose v1.3.0 // tests: a second COSE implementation
	go.etcd.io/bbolt v1.5.0 // reputation/store: one file, crash-safe, pure Go
	golang.org/x/crypto v0.58.0 // key files: Argon2id and XChaCha20-Poly1305; ASN.1 of ECDSA signatures; Keccak-256 of EIP-55
	golang.org/x/mod v0.41.0 // vc/chain/tlog: Merkle tiles and proofs (sumdb/tlog), signed notes (sumdb/note)
	golang.org/x/net v0.62.0 // internal/webname: names of hosts in other scripts (idna, RFC 5891)
	golang.org/x/sys v0.49.0 // locks between processes, and syncing folders
	golang.org/x/term v0.47.0 // the command: passphrases without echo
	pgregory.net/rapid v1.3.0 // tests: properties
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cayleygraph/quad v1.3.0 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/gabriel-vasile/mimetype v1.4.16 // indirect
	github.com/go-openapi/jsonpointer v0.22.5 // indirect
	github.com/go-openapi/swag/jsonname v0.25.5 // indirect
	github.com/go-playground/locales v0.14.2 // indirect
	github.com/go-playground/universal-translator v0.18.2 // indirect
	github.com/goccy/go-json v0.10.6 // indirect
	github.com/hyperledger/aries-framework-go/component/models v0.0.0-20230501135648-a9a7ad029347 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/leodido/go-urn v1.5.0 // indirect
	github.com/lestrrat-go/blackmagic v1.0.4 // indirect
	github.com/lestrrat-go/httpcc v1.0.1 // indirect
	github.com/lestrrat-go/httprc v1.0.6 // indirect
	github.com/lestrrat-go/iter v1.0.2 // indirect
	github.com/lestrrat-go/option v1.0.1 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/multiformats/go-base32 v0.1.0 // indirect
	github.com/multiformats/go-base36 v0.2.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/pquerna/cachecontrol v0.2.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/segmentio/asm v1.2.1 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
