// Package tlog is a transparency log for the entries of machines' records: it
// shows that nothing was written twice, taken back or left off at the end.
//
//   - [Log.Append] takes an entry in, durably. [Log.Publish] signs what was taken
//     in and has it cosigned by witnesses.
//   - [Reader.Read] asks a log what it holds of records and checks the answer: a
//     [View], which is a [chain.Log].
//   - [Reader.Keep] and [Trust.View] do the same without a network at the end,
//     [Trust.Receipt] for one entry.
//   - [Witness.Cosign] cosigns a tree that extends the one before, and no other.
//   - [Auditor.Audit] reads all of a log and checks every rule.
//
// A leaf says which entry stands where in a record ([Entry]), and keeps to
// itself whose record that is ([Salt]). Tiles, checkpoints, cosignatures, requests to
// witnesses and receipts are those of C2SP (tlog-tiles, tlog-checkpoint,
// signed-note, tlog-cosignature, tlog-witness, tlog-proof), so that other
// programs read them. The package opens no connection: a [Source] and a
// [Cosigner] do.
//
// The danger: a log shows what it was given, not that it was given everything;
// and a signed [Head] shows the newest entry on the log's word. That is a word
// which convicts the log if somebody reads all entries, so somebody has to:
// see [Auditor] and [Reader.Scan]. A conspiracy of the log and enough of its
// witnesses can show each reader another tree: see [Trust].
//
// # Errors
//
// A *[RejectError] says that something is bad and will stay bad: refuse it. A
// *[Misbehaviour] or *[SequenceError] says that the log broke its word: refuse
// all of it. Any other error says that something could not be checked: try
// again.
package tlog
