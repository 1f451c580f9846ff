// Package rdfc has the Data Integrity suites that sign what a credential says in RDF: [EdDSARDFC2022] and
// [ECDSARDFC2019], which other makers' issuers use, [ECDSASD2023], of whose credentials the holder may show a part, and
// [Ed25519Signature2020] from the time before them.
package rdfc
