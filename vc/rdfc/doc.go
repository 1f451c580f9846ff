// Package rdfc has the Data Integrity suites that sign what a credential says in RDF: [EdDSARDFC2022] and
// [ECDSARDFC2019], which other makers' issuers use, and [Ed25519Signature2020] from the time before them.
package rdfc
