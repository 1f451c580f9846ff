// Package rdfc has the Data Integrity suites that sign what a credential says in RDF: [EdDSARDFC2022] and
// [ECDSARDFC2019], which other makers' issuers use, [ECDSASD2023], of whose credentials the holder may show a part, and
// [Ed25519Signature2020] from the time before them.
//
// Give [Suites] to a [vc.Verifier] and one of them to a [vc.Issuer], both with [Contexts]. Nothing is fetched: a context
// that was not pinned is an error.
//
// # What is signed
//
// The statements are, not the text. A document of which RDF would drop or change anything is refused, to sign and to
// verify (see [vc.Contexts.NQuads]), so that no claim can be altered, added or taken away. But a holder can write the same
// statements down in another way: the elements of a set in another order, what is said of a thing with an identifier at
// another place where that identifier stands, or under other contexts that give the same words. What a reader depends on
// stays where it is looked for: a document is refused that says at another place what it is itself (its end, its status)
// or what its subject is, or that has another name for a member of a credential or proof. A copy of the rest verifies and
// has another digest: see [vc.Verified.Rewritable]. So package chain takes no such credential into a record, and who
// counts or links credentials by their digests should ask for the suites that sign JSON. And who lets documents carry
// contexts of their own ([vc.Contexts.WithInline]) must not believe a word for its spelling.
//
// # What it costs
//
// Verifying a credential of 1.7 kB takes 3 to 4 bare Ed25519 checks, where the suite that signs JSON takes 1.2 to 1.3 (see
// BenchmarkVerify). What its contexts make of each word is worked out once for each [vc.Contexts] and kept, by the URLs
// of the contexts in their order and by the terms that lead to where the word stands; it never changes, because pinned
// contexts do not, and it is bounded. Without, a credential would take 5 checks more, and so it does the first time and
// for documents with contexts of their own: keep one Contexts. No result of a document is kept.
//
// JSON-LD is processed here (internal/ldcontext), in the part that credentials use and no more. A processor of all of it,
// json-gold, is the oracle of the tests: it links net/http, takes 40 checks, drops what it does not understand, and panics
// on some documents.
package rdfc
