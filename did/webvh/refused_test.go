package webvh_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// replace is an edit of a line.
func replace(old, new string) func(string) string {
	return func(line string) string {
		if !strings.Contains(line, old) {
			panic("there is no " + old + " in " + line)
		}
		return strings.Replace(line, old, new, 1)
	}
}

// What a log may not say, though it is hashed and signed as it should be. The names with a * are
// attacks that implementations of did:webvh have fallen for.
func TestRefused(t *testing.T) {
	own := func(id string) string { return `{"id":"did:webvh:{SCID}:` + id + `"}` }
	scidOf := func(t *testing.T, log string) string {
		id, err := webvh.Subject([]byte(log))
		require.NoError(t, err)
		scid, _, _ := strings.Cut(id.Identifier(), ":")
		return scid
	}
	log := second().add(t, first().add(t, ""))
	_, err := webvh.Verify(did.MustParse("did:webvh:"+scidOf(t, log)+":fleet.example"), []byte(log), nil)
	require.NoError(t, err, "the honest log")
	other := "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
	hashed := hash([]byte(text(2)))

	for _, tt := range []struct {
		name  string
		entry int
		rule  webvh.Rule
		msg   string
		edit  func(one, two *forged) // of honest entries
	}{
		// The form of an entry.
		{"no JSON", 2, webvh.RuleJSON, "not strict JSON", func(_, two *forged) { two.afterSign = replace(`{"versionId"`, `{versionId`) }},
		{"no list of proofs", 1, webvh.RuleJSON, "does not consist of", func(one, _ *forged) { one.afterSign = replace(`"proof":[`, `"proofs":[`) }},
		{"a proof that is a text", 1, webvh.RuleJSON, "does not consist of", func(one, _ *forged) {
			one.afterSign = func(s string) string { return s[:strings.Index(s, `"proof":[`)] + `"proof":"z"}` }
		}},
		{"parameters that are a list", 2, webvh.RuleJSON, "does not consist of", func(_, two *forged) { two.params = `[]` }},
		{"a sixth member", 2, webvh.RuleJSON, "does not consist of", func(_, two *forged) { two.beforeSign = replace(`{`, `{"note":"",`) }},
		{"a member twice", 2, webvh.RuleJSON, "not strict JSON", func(_, two *forged) { two.afterSign = replace(`{`, `{"parameters":{},`) }},
		{"a member but for its case", 2, webvh.RuleJSON, "does not consist of", func(_, two *forged) { two.beforeSign = replace(`"state"`, `"State"`) }},
		{"a byte order mark", 2, webvh.RuleJSON, "not strict JSON", func(_, two *forged) { two.afterSign = func(s string) string { return "\ufeff" + s } }},
		{"a zero byte after it", 2, webvh.RuleJSON, "not strict JSON", func(_, two *forged) { two.afterSign = func(s string) string { return s + "\x00" } }},
		{"an empty line", 2, webvh.RuleJSON, "is an empty line", func(_, two *forged) { two.afterSign = func(s string) string { return "\n" + s } }},
		{"two entries on a line", 2, webvh.RuleJSON, "not strict JSON", func(_, two *forged) { two.afterSign = func(s string) string { return s + "{}" } }},
		{"an entry too long", 2, webvh.RuleSize, "at most", func(_, two *forged) {
			two.afterSign = func(s string) string { return s + strings.Repeat(" ", webvh.MaxEntryBytes) }
		}},

		// versionId
		{"a number left out", 2, webvh.RuleVersionID, `has the number "3" instead of 2`, func(_, two *forged) { two.number = 3 }},
		{"the first is not 1", 1, webvh.RuleVersionID, `has the number "2" instead of 1`, func(one, _ *forged) { one.number = 2 }},
		{"the number twice", 2, webvh.RuleVersionID, `has the number "1"`, func(_, two *forged) { two.number = 1 }},
		{"a number with a zero before it", 2, webvh.RuleVersionID, `has the number "02"`, func(_, two *forged) { two.afterSign = replace(`"2-`, `"02-`) }},
		{"no number", 2, webvh.RuleVersionID, "has the number", func(_, two *forged) { two.afterSign = replace(`"2-`, `"`) }},
		{"another hash", 2, webvh.RuleVersionID, "has the hash", func(_, two *forged) { two.afterSign = replace(`"2-Qm`, `"2-Qn`) }},
		{"it follows another entry", 2, webvh.RuleVersionID, "has the hash", func(_, two *forged) { two.before = "1-" + other }},
		{"the document changed after it was hashed", 2, webvh.RuleVersionID, "has the hash", func(_, two *forged) {
			two.afterSign = replace(`fleet.example"`, `fleet.example","alsoKnownAs":["did:web:thief.example"]`)
		}},

		// versionTime
		{"time stands still *", 2, webvh.RuleTime, "is not after", func(_, two *forged) { two.time = "2026-01-01T00:00:00Z" }},
		{"time goes back *", 2, webvh.RuleTime, "is not after", func(_, two *forged) { two.time = "2025-12-31T23:59:59Z" }},
		{"the time that stands for none", 1, webvh.RuleTime, "is not after", func(one, _ *forged) { one.time = "0001-01-01T00:00:00Z" }},
		{"before all times", 1, webvh.RuleTime, "is not after", func(one, _ *forged) { one.time = "0000-02-29T00:00:00Z" }},
		{"from the future *", 2, webvh.RuleTime, "is in the future", func(_, two *forged) { two.time = "2099-01-01T00:00:00Z" }},
		{"not in UTC", 2, webvh.RuleTime, "is not in UTC", func(_, two *forged) { two.time = "2026-01-02T00:00:00+01:00" }},
		{"no time of day", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-01-02" }},
		{"a leap second", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-06-30T23:59:60Z" }},
		{"midnight at the end of a day", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-01-02T24:00:00Z" }},
		{"in lower case", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-01-02t00:00:00z" }},
		{"a fraction after a comma", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-01-02T00:00:00,5Z" }},
		{"an hour of one digit", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-01-02T0:00:00Z" }},
		{"less than a nanosecond later", 2, webvh.RuleTime, "is not after", func(_, two *forged) { two.time = "2026-01-01T00:00:00.0000000001Z" }},
		{"the 30th of February", 2, webvh.RuleTime, "is no UTC time", func(_, two *forged) { two.time = "2026-02-30T00:00:00Z" }},

		// scid
		{"another SCID *", 1, webvh.RuleSCID, "and the entry hashes to", func(one, _ *forged) { one.scid = other }},
		{"a document of another SCID *", 1, webvh.RuleState, "does not have the SCID", func(one, _ *forged) {
			one.state = `{"id":"did:webvh:` + other + `:fleet.example"}`
		}},
		{"an SCID that is no hash", 1, webvh.RuleParameters, `"scid" is no SHA-256 multihash`, func(one, _ *forged) { one.scid = "machine-42" }},
		{"a placeholder that is left", 1, webvh.RuleSCID, "a placeholder for the SCID is left", func(one, _ *forged) {
			one.params = params(`"watchers":["https://watcher.example/{S}"]`)
			one.left = true
		}},
		{"an SCID later", 2, webvh.RuleParameters, `"scid" belongs in the first entry only`, func(_, two *forged) { two.params = `{"scid":"` + other + `"}` }},
		{"no SCID", 1, webvh.RuleParameters, `"scid" is missing`, func(one, _ *forged) {
			one.params = `{"method":"did:webvh:1.0","updateKeys":["` + text(1) + `"]}`
		}},

		// parameters
		{"no version of the method", 1, webvh.RuleParameters, `"method" is missing`, func(one, _ *forged) {
			one.params = `{"scid":"{SCID}","updateKeys":["` + text(1) + `"]}`
		}},
		{"no parameters at all", 1, webvh.RuleParameters, `"method" is missing`, func(one, _ *forged) { one.params = `{}` }},
		{"a version of the method that begins like the one known", 1, webvh.RuleParameters, "did:webvh:1.0 is the only version known", func(one, _ *forged) {
			one.params = strings.Replace(one.params, "did:webvh:1.0", "did:webvh:1.01", 1)
		}},
		{"an unknown version of the method *", 1, webvh.RuleParameters, "did:webvh:1.0 is the only version known", func(one, _ *forged) {
			one.params = strings.Replace(one.params, "did:webvh:1.0", "did:webvh:99.9", 1)
		}},
		{"an older version of the method later *", 2, webvh.RuleParameters, "did:webvh:1.0 is the only version known", func(_, two *forged) {
			two.params = `{"method":"did:webvh:0.5"}`
		}},
		{"an unknown parameter", 2, webvh.RuleParameters, `"prerotation" is none that`, func(_, two *forged) { two.params = `{"prerotation":false}` }},
		{"a parameter but for its case", 2, webvh.RuleParameters, `"Deactivated" is none that`, func(_, two *forged) { two.params = `{"Deactivated":true}` }},
		{"no update keys", 1, webvh.RuleParameters, `"updateKeys" is missing`, func(one, _ *forged) {
			one.params = `{"method":"did:webvh:1.0","scid":"{SCID}"}`
		}},
		{"an empty list of update keys at first", 1, webvh.RuleProof, "not one of the update keys", func(one, _ *forged) {
			one.params = `{"method":"did:webvh:1.0","scid":"{SCID}","updateKeys":[]}`
		}},
		{"an update key that is no key", 2, webvh.RuleParameters, `is no key`, func(_, two *forged) { two.params = `{"updateKeys":["z6Mk"]}` }},
		{"an update key of another kind", 2, webvh.RuleParameters, `is no Ed25519 key`, func(_, two *forged) {
			two.params = `{"updateKeys":["zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"]}`
		}},
		{"update keys that are one key", 2, webvh.RuleParameters, `is no list of at most 64 strings`, func(_, two *forged) {
			two.params = `{"updateKeys":"` + text(1) + `"}`
		}},
		{"65 update keys", 2, webvh.RuleParameters, `is no list of at most 64 strings`, func(_, two *forged) {
			two.params = `{"updateKeys":["` + strings.Repeat(text(1)+`","`, 64) + text(1) + `"]}`
		}},
		{"an update key that is a number", 2, webvh.RuleParameters, `has something other than strings`, func(_, two *forged) { two.params = `{"updateKeys":[7]}` }},
		{"an empty hash", 2, webvh.RuleParameters, `has something other than strings`, func(_, two *forged) { two.params = `{"nextKeyHashes":[""]}` }},
		{"a watcher with a password", 2, webvh.RuleParameters, `is no URL`, func(_, two *forged) { two.params = `{"watchers":["https://a:b@watcher.example/"]}` }},
		{"a watcher that is no URL", 2, webvh.RuleParameters, `is no URL`, func(_, two *forged) { two.params = `{"watchers":["watcher.example"]}` }},
		{"portable too late", 2, webvh.RuleParameters, `cannot be set to true after the first entry`, func(_, two *forged) { two.params = `{"portable":true}` }},
		{"portable again", 2, webvh.RuleParameters, `cannot be set to true after the first entry`, func(one, two *forged) {
			one.params, two.params = params(`"portable":true`), `{"portable":true}`
		}},
		{"portable is null", 2, webvh.RuleParameters, `is neither true nor false`, func(_, two *forged) { two.params = `{"portable":null}` }},
		{"deactivated is a text", 2, webvh.RuleParameters, `is neither true nor false`, func(_, two *forged) { two.params = `{"deactivated":"true"}` }},
		{"ttl below zero", 2, webvh.RuleParameters, `is no number of seconds`, func(_, two *forged) { two.params = `{"ttl":-1}` }},
		{"ttl too long", 2, webvh.RuleParameters, `is no number of seconds`, func(_, two *forged) { two.params = `{"ttl":2147483649}` }},
		{"ttl with a fraction", 2, webvh.RuleParameters, `is no number of seconds`, func(_, two *forged) { two.params = `{"ttl":60.0}` }},
		{"ttl with an exponent", 2, webvh.RuleParameters, `is no number of seconds`, func(_, two *forged) { two.params = `{"ttl":6e1}` }},
		{"ttl beyond what a number can say", 2, webvh.RuleParameters, `is no number of seconds`, func(_, two *forged) { two.params = `{"ttl":9007199254740991}` }},
		{"ttl in quotes", 2, webvh.RuleParameters, `is no number of seconds`, func(_, two *forged) { two.params = `{"ttl":"60"}` }},
		{"a threshold of zero *", 1, webvh.RuleParameters, "has a threshold of 0 for 1 witnesses", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":0,"witnesses":[{"id":"did:key:` + text(5) + `"}]}`)
		}},
		{"a threshold of more than there are", 1, webvh.RuleParameters, "has a threshold of 2 for 1 witnesses", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":2,"witnesses":[{"id":"did:key:` + text(5) + `"}]}`)
		}},
		{"a threshold without witnesses *", 1, webvh.RuleParameters, "has a threshold of 0 for 0 witnesses", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":0,"witnesses":[]}`)
		}},
		{"a list of witnesses alone", 1, webvh.RuleParameters, `"witness" is no object`, func(one, _ *forged) { one.params = params(`"witness":[]`) }},
		{"65 witnesses", 1, webvh.RuleParameters, "at most 64 witnesses", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":1,"witnesses":[` + strings.Repeat("7,", 64) + `7]}`)
		}},
		{"a witness and a remark", 1, webvh.RuleParameters, "does not consist of a threshold and", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":1,"note":"","witnesses":[{"id":"did:key:` + text(5) + `"}]}`)
		}},
		{"a witness twice *", 1, webvh.RuleParameters, "twice", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":2,"witnesses":[{"id":"did:key:` + text(5) + `"},{"id":"did:key:` + text(5) + `"}]}`)
		}},
		{"a witness that is no did:key", 1, webvh.RuleParameters, "is no did:key", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":1,"witnesses":[{"id":"did:web:witness.example"}]}`)
		}},
		{"a witness with a weight", 1, webvh.RuleParameters, "does not consist of an id", func(one, _ *forged) {
			one.params = params(`"witness":{"threshold":1,"witnesses":[{"id":"did:key:` + text(5) + `","weight":2}]}`)
		}},

		// Who may sign
		{"by a key that is not listed", 2, webvh.RuleProof, "is not one of the update keys in force", func(_, two *forged) { two.key = key(2) }},
		{"by the key that it brings itself", 2, webvh.RuleProof, "is not one of the update keys in force", func(_, two *forged) {
			two.params, two.key = `{"updateKeys":["`+text(2)+`"]}`, key(2)
		}},
		{"by the key that it brings itself, with pre-rotation from now on", 2, webvh.RuleProof, "is not one of the update keys in force", func(_, two *forged) {
			two.params, two.key = `{"updateKeys":["`+text(2)+`"],"nextKeyHashes":["`+hashed+`"]}`, key(2)
		}},
		{"pre-rotation: a key nobody committed to", 2, webvh.RuleRotation, "is not among the keys that", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
			two.params, two.key = `{"updateKeys":["`+text(3)+`"],"nextKeyHashes":[]}`, key(3)
		}},
		{"pre-rotation: another key beside", 2, webvh.RuleRotation, "is not among the keys that", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
			two.params, two.key = `{"updateKeys":["`+text(2)+`","`+text(3)+`"],"nextKeyHashes":[]}`, key(2)
		}},
		{"pre-rotation: without update keys *", 2, webvh.RuleRotation, "has updateKeys and nextKeyHashes", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
			two.params = `{"nextKeyHashes":[]}`
		}},
		{"pre-rotation: without the next hashes", 2, webvh.RuleRotation, "has updateKeys and nextKeyHashes", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
			two.params, two.key = `{"updateKeys":["`+text(2)+`"]}`, key(2)
		}},
		{"pre-rotation: an empty entry", 2, webvh.RuleRotation, "has updateKeys and nextKeyHashes", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
		}},
		{"pre-rotation: by the old key", 2, webvh.RuleProof, "is not one of the update keys in force", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
			two.params = `{"updateKeys":["` + text(2) + `"],"nextKeyHashes":[]}`
		}},
		{"pre-rotation: nobody", 2, webvh.RuleProof, "is not one of the update keys in force", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hashed + `"]`)
			two.params = `{"updateKeys":[],"nextKeyHashes":[]}`
		}},

		// The proof
		{"no proof", 2, webvh.RuleProof, "0 proofs, want 1 to 8", func(_, two *forged) {
			two.afterSign = func(s string) string { return s[:strings.Index(s, `"proof":[`)] + `"proof":[]}` }
		}},
		{"nine proofs", 2, webvh.RuleProof, "9 proofs, want 1 to 8", func(_, two *forged) { two.proofs = 9 }},
		{"another suite *", 2, webvh.RuleProof, `has the cryptosuite "eddsa-rdfc-2022"`, func(_, two *forged) { two.suite = "eddsa-rdfc-2022" }},
		{"another type of proof", 2, webvh.RuleProof, `has the type "Ed25519Signature2020"`, func(_, two *forged) { two.typ = "Ed25519Signature2020" }},
		{"another purpose", 2, webvh.RuleProof, `has the proofPurpose "authentication"`, func(_, two *forged) { two.purpose = "authentication" }},
		{"two keys in the verificationMethod *", 2, webvh.RuleProof, "with the same key twice", func(_, two *forged) {
			two.method, two.key = "did:key:"+text(1)+"#"+text(2), key(2)
		}},
		{"two keys in the verificationMethod, the other way *", 2, webvh.RuleProof, "with the same key twice", func(_, two *forged) {
			two.method, two.key = "did:key:"+text(2)+"#"+text(1), key(2)
		}},
		{"a verificationMethod without a fragment", 2, webvh.RuleProof, "with the same key twice", func(_, two *forged) { two.method = "did:key:" + text(1) }},
		{"a verificationMethod that is no did:key", 2, webvh.RuleProof, "with the same key twice", func(_, two *forged) { two.method = "did:web:" + text(1) + "#" + text(1) }},
		{"a proof that expires", 2, webvh.RuleProof, `has a member "expires"`, func(_, two *forged) { two.more = `,"expires":"2026-01-01T00:00:00Z"` }},
		{"a proof for another domain", 2, webvh.RuleProof, `has a member "domain"`, func(_, two *forged) { two.more = `,"domain":"other.example"` }},
		{"a number in the proof", 2, webvh.RuleProof, `has a "created" that is no string`, func(_, two *forged) { two.more = `,"created":7` }},
		{"a proof that is no object", 2, webvh.RuleProof, "has no type", func(_, two *forged) {
			two.afterSign = func(s string) string { return s[:strings.Index(s, `"proof":[`)] + `"proof":[[]]}` }
		}},
		{"made in no zone", 2, webvh.RuleProof, "created:", func(_, two *forged) { two.more = `,"created":"2026-01-02T00:00:00"` }},
		{"a proof with a context, which entries do not have", 2, webvh.RuleProof, `has a "@context" that is no string`, func(_, two *forged) {
			two.more = `,"@context":["https://www.w3.org/ns/did/v1"]`
		}},
		{"made at no time", 2, webvh.RuleProof, "created:", func(_, two *forged) { two.more = `,"created":"yesterday"` }},
		{"a proof of something else", 2, webvh.RuleProof, "does not match", func(_, two *forged) {
			two.proofValue = "z3uHmobxUXzzk5Gw5d6vb57bhnZZfGcSMRnfvivLkXkqRt1MrDrpEWW6jNjXr22iJFEo3Qp8o9nyKnVhWipdsGFpu"
		}},
		{"a signature too short", 2, webvh.RuleProof, "does not match", func(_, two *forged) { two.proofValue = "z6Mk" }},
		{"a signature that is no base58", 2, webvh.RuleProof, "proofValue", func(_, two *forged) { two.proofValue = "z0OIl" }},
		{"one good proof and one that is not", 2, webvh.RuleProof, "does not match", func(_, two *forged) {
			two.proofs, two.afterSign = 2, func(s string) string {
				i := strings.LastIndex(s, `"proofValue":"z`) + len(`"proofValue":"z`)
				return s[:i+9] + string('A'+'B'-max('A', min('B', s[i+9]))) + s[i+10:] // A for B, B for others
			}
		}},

		// The document
		{"no id", 2, webvh.RuleState, "the id of the document", func(_, two *forged) { two.state = `{"service":[]}` }},
		{"another method", 2, webvh.RuleState, "is no did:webvh", func(_, two *forged) { two.state = `{"id":"did:web:fleet.example"}` }},
		{"a document that is none", 2, webvh.RuleState, "the document", func(_, two *forged) { two.beforeSign = replace(`fleet.example"`, `fleet.example","service":{}`) }},
		{"a private key", 2, webvh.RuleState, "the document", func(_, two *forged) {
			two.beforeSign = replace(`fleet.example"`, `fleet.example","verificationMethod":[{"id":"#a","type":"JsonWebKey","controller":"did:web:a.example","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}}]`)
		}},
		{"an address for a host *", 1, webvh.RuleState, "is an address", func(one, _ *forged) { one.state = own("127%2E0%2E0%2E1") }},
		{"an address for a host, and a port *", 1, webvh.RuleState, "is an address", func(one, _ *forged) { one.state = own("127.0.0.1%3a8080") }},
		{"a path that climbs *", 1, webvh.RuleState, "cannot be a part of a path", func(one, _ *forged) { one.state = own("fleet.example:..:..:secret") }},
		{"a path that climbs, encoded *", 1, webvh.RuleState, "cannot be a part of a path", func(one, _ *forged) { one.state = own("fleet.example:%2e%2e") }},
		{"a slash in the path", 1, webvh.RuleState, "cannot be a part of a path", func(one, _ *forged) { one.state = own("fleet.example:a%2Fb") }},

		// Moves and the end
		{"moved, though not portable", 2, webvh.RuleMove, "is not portable", func(_, two *forged) {
			two.beforeSign = replace(`fleet.example`, `yard.example`)
		}},
		{"moved in the entry that ends portability", 2, webvh.RuleMove, "is not portable", func(one, two *forged) {
			one.params = params(`"portable":true`)
			two.params, two.beforeSign = `{"portable":false}`, replace(`fleet.example`, `yard.example`)
		}},
		{"moved without the name before", 2, webvh.RuleMove, "alsoKnownAs lacks", func(one, two *forged) {
			one.params = params(`"portable":true`)
			two.beforeSign = replace(`fleet.example"`, `yard.example","alsoKnownAs":["did:web:fleet.example"]`)
		}},
		{"moved to another SCID *", 2, webvh.RuleState, "does not have the SCID", func(one, two *forged) {
			one.params = params(`"portable":true`)
			two.state = `{"id":"did:webvh:` + other + `:yard.example"}`
		}},
		{"an entry after the end", 2, webvh.RuleActive, "deactivated the DID", func(one, _ *forged) { one.params = params(`"deactivated":true`) }},
		{"alive again", 2, webvh.RuleActive, "deactivated the DID", func(one, two *forged) {
			one.params, two.params = params(`"deactivated":true`), `{"deactivated":false}`
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, two := first(), second()
			honest := one.add(t, "")
			tt.edit(&one, &two)
			log := two.add(t, one.add(t, ""))

			got, err := webvh.Verify(did.MustParse("did:webvh:"+scidOf(t, honest)+":fleet.example"), []byte(log), nil)
			bad, ok := errors.AsType[*webvh.LogError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, fmt.Sprint(tt.entry, " ", tt.rule), fmt.Sprint(bad.Entry, " ", bad.Rule), err)
			require.ErrorContains(t, err, tt.msg)
			require.ErrorIs(t, err, did.ErrInvalidDocument)
			require.True(t, did.IsAnswer(err))
			require.Equal(t, tt.entry > 1, got != nil)

			// What was written cannot be continued, and what holds of it resolves for who asks for that.
			if got != nil {
				require.Equal(t, 1, got.Len())
				require.Equal(t, bad, got.Err())
				_, err = got.Update(webvh.Change{Key: key(1), Time: day(9)})
				require.ErrorIs(t, err, bad)
				res, err := got.Resolve(t.Context(), got.ID(), did.Version{Number: 1})
				require.NoError(t, err)
				require.Equal(t, got.Entry(1).VersionID, res.VersionID)
				for _, v := range []did.Version{{}, {Number: 2}, {ID: "2-" + other}, {Time: day(1)}} {
					_, err = got.Resolve(t.Context(), got.ID(), v)
					require.Equal(t, error(bad), err)
				}
			}
		})
	}
}
