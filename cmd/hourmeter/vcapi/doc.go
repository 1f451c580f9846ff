// Package vcapi answers the VC API (VCALM: Verifiable Credential API for Lifecycle Management, W3C)
// over HTTP, so that an issuer or verifier of any other maker can be served.
//
// A [Handler] goes into any server, to which its caller gives timeouts and TLS. It is thin: what it does, a program can do with packages vc, vc/status and resolver.
//
// The danger: who may issue in whose name is decided by an API token. A [Token] is the hash of one, so
// that neither the configuration nor a log can give it away; nobody without one has anything signed.
//
// # What is served
//
// An issuing instance ([Instance]) with a name is served below its name, one without at the root.
//
//	POST /{instance}/credentials/issue    sign a credential                          needs a token
//	POST /{instance}/credentials/status   revoke or suspend one                      needs a token
//	POST /{instance}/presentations/prove  present credentials                        needs a token
//	POST /credentials/verify              verify a credential, whoever issued it
//	POST /presentations/verify            verify a presentation of any holder
//	POST /credentials/derive              disclose a part of a credential (ecdsa-sd-2023)
//	POST /challenges                      a challenge to present credentials for
//	GET  /status-lists/{list}             a status list, signed
//	GET  /1.0/identifiers/{did}           resolve a DID, or dereference a DID URL (resolver.Handler); also POST
//	GET  /1.0/methods                     the DID methods that are resolved
//	GET  /openapi.json                    all this as OpenAPI
//	GET  /healthz                         whether it is up
//	GET  /metrics                         for Prometheus                             needs a token, but on this machine
//	GET  /conformance.json                who issues here, in the conformance profile only
//
// # Answers
//
// Whatever is refused is answered by problem details (RFC 9457). Those of a verification also have
// the members of its result: verified, checks (each check that was made, and its outcome), errors and
// problemDetails.
//
//	400  bad, and will stay bad: the request, or the credential in it
//	401  a token is needed
//	404  no such path, instance, credential or list
//	405  the path has another method
//	413  too long
//	415  not JSON
//	429  too many requests: ask again, after Retry-After seconds
//	501  nothing here does that
//	503  could not be checked or signed: ask again, after Retry-After seconds
//
// # Challenges
//
// A presentation answers a challenge that was given out here, for the domain it was given out for,
// before it expired, and once. Nothing is kept of a challenge until it is answered, so nobody can fill
// the memory by asking for many.
package vcapi
