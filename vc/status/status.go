// Package status publishes and checks whether credentials are still in force, by Bitstring Status
// List 1.0 (W3C) and Token Status List (IETF draft-ietf-oauth-status-list).
//
//   - An issuer takes an index from [Indexes], writes an [Entry] into the credential, and publishes
//     a [BitstringCredential] or a [Token] with the statuses of all.
//   - A verifier puts a [Checker] into its vc.Verifier.
//
// This package opens no connection: lists come from the [Source] that the caller passes, such as
// [Static], or one that asks the network.
//
// The danger: a list says what it said when it was signed. See [Checker] for how old it may be, and
// vc.StatusResult.AsOf for how old it is.
package status
