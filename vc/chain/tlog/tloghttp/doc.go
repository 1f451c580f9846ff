// Package tloghttp serves a transparency log of machines' records, and a witness, over HTTP.
//
//   - [Handler] serves a log's files to anybody, and takes in entries from whom its operator
//     accepts. [Handler.Run] publishes what was taken in.
//   - [WitnessHandler] answers a log that asks a witness to cosign its checkpoints.
//
// Both are an [net/http.Handler] for any server and path: strip the prefix, and give the server
// timeouts and TLS of its own. Nothing here opens a connection; the other end is package resolver.
//
// The danger: a log writes a record once. Whoever can have an entry logged can take the place of the
// true one, so [Handler.Accept] has no default: it names the issuers whose credentials are taken in.
//
// # What is served
//
//	GET  checkpoint                     the newest signed checkpoint (C2SP tlog-checkpoint)
//	GET  tile/<L>/<N>[.p/<W>]           hashes of the tree (C2SP tlog-tiles)
//	GET  tile/entries/<N>[.p/<W>]       leaves, 256 in a bundle
//	GET  archive/<size>                 the checkpoint of an earlier size, as it was first cosigned
//	GET  record/<size>/<key>            where the leaves of a record are, and the log's signed head of it
//	GET  receipt/<index>                receipt of a leaf (C2SP tlog-proof)
//	POST add                            new entries of a record, answered by their receipts
//	POST add-checkpoint                 of a witness: C2SP tlog-witness
//
// # add
//
// The body is {"salt": "…", "credentials": [credential, …]}, at most [MaxAddBytes] and [MaxAdd]
// credentials: entries of a record as issued, in order, and the record's salt (43 characters of
// base64url). Each is verified, has to be accepted, and needs a well-formed member "record". If one
// does not do, none is taken in. The answer, once a quorum of witnesses has cosigned a checkpoint
// that covers them, is {"receipts": ["…", …]}, in order. To add what the log holds already is no
// error. With the salt the operator, and nobody else, learns whose the leaves are.
//
// Errors are problem details (RFC 9457). Their member "credential" counts from 0 which one it is:
//
//	202  taken in and not published yet: ask again, after Retry-After seconds
//	400  not such a body, or a credential that is bad, or that is no entry of a record
//	403  genuine, but not of an issuer whom the log accepts
//	409  the log holds another entry in its place, or not the one before it; "sequence" and "digest"
//	     are those of what the log holds there or, if nothing, of the newest entry; -1 if it holds none
//	413  too long
//	429  too many requests: ask again, after Retry-After seconds
//	503  an issuer could not be looked up, or the log is not able to write: ask again
package tloghttp
