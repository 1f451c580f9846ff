package ldcontext

import _ "embed" // the contexts

// The contexts that are compiled in, and one that packages for older credentials add.
const (
	CredentialsV1         = "https://www.w3.org/2018/credentials/v1"        // W3C VCDM 1.1, §B.1: not compiled in
	CredentialsV2         = "https://www.w3.org/ns/credentials/v2"          // W3C VCDM 2.0, §B.1
	CredentialsExamplesV2 = "https://www.w3.org/ns/credentials/examples/v2" // W3C VCDM 2.0, §B.2: defines every word, for examples
	DataIntegrityV2       = "https://w3id.org/security/data-integrity/v2"   // W3C VC Data Integrity 1.0, §2.4.1
	HourmeterV1           = "https://w3id.org/hourmeter/v1"                 // ours: packages record, chain and reputation
)

var (
	//go:embed context/credentials-v2.jsonld
	credentialsV2 string
	//go:embed context/credentials-examples-v2.jsonld
	credentialsExamplesV2 string
	//go:embed context/data-integrity-v2.jsonld
	dataIntegrityV2 string
	//go:embed context/hourmeter-v1.jsonld
	hourmeterV1 string
)

var embedded = [...]struct{ url, document, sha256 string }{
	{CredentialsV2, credentialsV2, "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"},
	{CredentialsExamplesV2, credentialsExamplesV2, "57393fbc69d6efb9b9b5dc9cb6b9880b0944360abfe2eaf459c9e58cf2279d7c"},
	{DataIntegrityV2, dataIntegrityV2, "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4"},
	{HourmeterV1, hourmeterV1, "d125b780bccc050ac5d2d7e55ddefa781b72822bc4136c341932e7eee0634db8"},
}
