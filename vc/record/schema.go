package record

import "embed"

// Nothing refers to these two but Schema and Example, so that the linker leaves them out of a
// program that calls neither.
var (
	//go:embed schema/*.json
	schemas embed.FS

	//go:embed example/*.json
	examples embed.FS
)

// Schema returns the JSON Schema (draft 2020-12) of a credential of the given type: of the whole
// credential, for use in credentialSchema. It reports false for a type it has no schema for. Beside
// those of [Types], it has those of "MachineReputationCredential" and
// "IssuerTrustTableCredential", whose structs are in package reputation. A schema cannot say that numbers add up or that times follow one another:
// Validate does.
func Schema(credentialType string) ([]byte, bool) {
	schema, err := schemas.ReadFile("schema/" + credentialType + ".json")
	return schema, err == nil
}

// Example returns a worked example of a credential of the given type, without a proof. It reports
// false for a type that [Schema] has no schema for.
func Example(credentialType string) ([]byte, bool) {
	example, err := examples.ReadFile("example/" + credentialType + ".json")
	return example, err == nil
}
