package main

import (
	_ "embed" // for shapesSource
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/eval"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
	"github.com/hourmeter/hourmeter/vc/chain"
)

//go:embed shapes.go
var shapesSource string

// jsonHelp prints the types below as they stand, so that the documentation is
// the program.
func jsonHelp() string {
	_, shapes, _ := strings.Cut(shapesSource, "// The shapes of --json"+".\n")
	return `With --json a command prints one JSON object on standard output, described here
in Go: the name in quotes is the member's, "omitempty" and "omitzero" members are
absent when they have nothing to say. Times are RFC 3339. did.DID and vc.Digest
are strings. On wrong usage, or if a file cannot be read or written (exit code 1),
nothing is printed on standard output. Members may be added, never changed.

Credentials, presentations, challenges, DID documents, heads of records and
proofs of equivocation are JSON already, and are printed the same without --json.
` + shapes
}

// The shapes of --json.

// A Key is printed by key create, key show, key delete and did key.
type Key struct {
	Name      string         `json:"name,omitzero"`      // in the folder of keys; absent for did key
	Algorithm string         `json:"algorithm"`          // Ed25519, P-256, P-384, secp256k1 or X25519
	DID       did.DID        `json:"did,omitzero"`       // its did:key; absent for RSA
	Multikey  string         `json:"publicKeyMultibase"` // Controlled Identifiers 1.0 §2.2.2
	JWK       jsontext.Value `json:"publicKeyJwk"`       // an object, RFC 7517
}

// A KeyList is printed by key list, key passphrase and key restore.
type KeyList struct {
	Folder string `json:"folder"`
	Keys   []Key  `json:"keys"` // by name
}

// An Identifier is printed by did create.
type Identifier struct {
	DID   did.DID `json:"did"`
	Short did.DID `json:"short,omitzero"` // of a did:peer:4: its short form, for those who have seen the long one
}

// Resolved is printed by did resolve --metadata: the result of DID Resolution (§4).
type Resolved struct {
	Document   jsontext.Value     `json:"didDocument"`            // an object; null if there is none
	Content    jsontext.Value     `json:"contentStream,omitzero"` // of a DID URL that leads elsewhere: the key or service, or a list of URLs
	Resolution ResolutionMetadata `json:"didResolutionMetadata"`
	Metadata   DocumentMetadata   `json:"didDocumentMetadata"`
}

// ResolutionMetadata says how it was resolved (DID Resolution §4.2).
type ResolutionMetadata struct {
	ContentType string           `json:"contentType,omitzero"` // application/did
	Error       *ResolutionError `json:"error,omitempty"`
	Retrieved   time.Time        `json:"retrieved,omitzero"` // when whoever keeps the document was asked; absent if nobody had to be
	Stale       bool             `json:"stale,omitzero"`     // nobody answered: this is what --cache remembers, and older than it should be
	TTL         int64            `json:"ttl,omitzero"`       // for how many seconds after that it may be remembered
}

// A ResolutionError says why there is no document (DID Resolution §11).
type ResolutionError struct {
	Type   string `json:"type"`   // such as https://www.w3.org/ns/did#NOT_FOUND
	Detail string `json:"detail"` // for people
}

// DocumentMetadata is what its method says of a document (DID Resolution §4.3).
type DocumentMetadata struct {
	Created       time.Time `json:"created,omitzero"`
	Updated       time.Time `json:"updated,omitzero"`
	NextUpdate    time.Time `json:"nextUpdate,omitzero"`
	Deactivated   bool      `json:"deactivated,omitzero"`
	VersionID     string    `json:"versionId,omitzero"`
	NextVersionID string    `json:"nextVersionId,omitzero"`
	CanonicalID   did.DID   `json:"canonicalId,omitzero"`
	EquivalentID  []did.DID `json:"equivalentId,omitempty"`

	Method map[string]jsontext.Value `json:",embed"` // members of the method's own, such as did:webvh's scid
}

// DIDWritten is printed by the commands that write the log of a did:webvh: did create, update, rotate,
// move, revoke, deactivate and witness.
type DIDWritten struct {
	DID       did.DID   `json:"did"`
	Folder    string    `json:"folder"`
	Version   int       `json:"versionNumber"` // of the newest entry
	VersionID string    `json:"versionId"`
	Time      time.Time `json:"versionTime"`
	Changes   []string  `json:"changes"`          // of that entry, for people
	Upload    []Upload  `json:"upload"`           // what to publish, in this order; empty while it waits for witnesses
	Remove    []string  `json:"remove,omitempty"` // URLs at which nothing is to stand any more: the did:web of one that is deactivated
	Waits     string    `json:"waits,omitzero"`   // for whom, for people: the entry must not be published before
	Pending   string    `json:"pending,omitzero"` // file with the log that waits: for the witnesses
}

// An Upload is a file to publish.
type Upload struct {
	File string `json:"file"`
	URL  string `json:"url"`
}

// A DIDLog is printed by did log.
type DIDLog struct {
	DID           did.DID    `json:"did"`              // the newest name
	SCID          string     `json:"scid,omitzero"`    // what no move changes; absent if nothing of it holds
	Verdict       Verdict    `json:"verdict"`          //
	Message       string     `json:"message,omitzero"` // why it is invalid, and from which entry on
	Entries       []DIDEntry `json:"entries"`          // that hold, oldest first
	UpdateKeys    []string   `json:"updateKeys"`       // Multikeys that may sign the next entry, unless there are nextKeyHashes
	NextKeyHashes []string   `json:"nextKeyHashes,omitempty"`
	Witnesses     []did.DID  `json:"witnesses,omitempty"`
	Threshold     int        `json:"threshold,omitzero"` // how many of the witnesses have to approve of an entry
	Portable      bool       `json:"portable,omitzero"`
	Deactivated   bool       `json:"deactivated,omitzero"`
	TTL           int64      `json:"ttl"`              // for how many seconds a document may be remembered
	Pending       string     `json:"pending,omitzero"` // file in the folder with an entry that waits for its witnesses
}

// A DIDEntry is one version of a did:webvh.
type DIDEntry struct {
	Number    int       `json:"versionNumber"`
	VersionID string    `json:"versionId"`
	Time      time.Time `json:"versionTime"` // by its controller's word
	DID       did.DID   `json:"did"`         // the name at that time
	Signers   []string  `json:"signers"`     // Multikeys
	Changes   []string  `json:"changes"`     // for people
}

// Linked is printed by did linked.
type Linked struct {
	DID     did.DID `json:"did"`
	Verdict Verdict `json:"verdict"` // of all links together
	Links   []Link  `json:"links"`
}

// A Link is a DID or a domain that was asked about.
type Link struct {
	With    string    `json:"with"`             // a DID, or an origin such as https://fleet.example
	Verdict Verdict   `json:"verdict"`          // valid if they are linked, invalid if not
	By      string    `json:"by,omitzero"`      // domain, alsoKnownAs, method, or identical
	Until   time.Time `json:"until,omitzero"`   // of a domain: its word is good until then
	Message string    `json:"message,omitzero"` // why not, for people
}

// Added is printed by issue --chain, unless --out asks for the credential as well.
type Added struct {
	File     string    `json:"file"`
	Sequence int64     `json:"sequence"` // of the new entry
	Digest   vc.Digest `json:"digest"`   // of the new entry
	Subject  did.DID   `json:"subject"`  // the machine
	Type     string    `json:"type"`     // such as MaintenanceCredential
}

// A Verification is printed by verify.
type Verification struct {
	Verdict     Verdict           `json:"verdict"`                   // of everything together; the exit code says the same
	At          time.Time         `json:"at"`                        // as of when periods were judged
	Holder      did.DID           `json:"holder,omitzero"`           // of a presentation
	Packers     bool              `json:"packersChallenge,omitzero"` // of a presentation in a bundle: that somebody asked is the packer's word
	Counts      Counts            `json:"counts"`                    // of credentials
	Records     []Record          `json:"records,omitempty"`         // of a chain file or fleet: one for each machine
	Credentials []CredentialCheck `json:"credentials,omitempty"`     // of a credential or presentation; of a chain file with --report
	Evidence    []bundle.Part     `json:"evidence,omitempty"`        // of a bundle: its parts, how old each is, and on whose word it counts
	Problems    []Problem         `json:"problems"`                  // everything that is not as it should be
}

// A bundle.Part has kind (resolution, document or log), name, digest, fetched, ageSeconds,
// basis (pinned, signed, integrity or nobody), used and problem.

// A StatusList is printed by status show.
type StatusList struct {
	File     string      `json:"file"`
	URL      string      `json:"url"`
	Issuer   did.DID     `json:"issuer"`
	Purposes []string    `json:"purposes"`
	Signed   time.Time   `json:"signed"`
	Entries  int         `json:"entries"` // that there is room for
	Set      []StatusSet `json:"set"`     // those that are not 0
}

// A StatusSet is one entry that is set.
type StatusSet struct {
	Index int `json:"index"`
	Value int `json:"value"`
}

// A BundleShown is printed by bundle show.
type BundleShown struct {
	File         string        `json:"file"`
	Created      time.Time     `json:"created"` // by the packer's word, as is when each part was fetched
	Challenge    vc.Challenge  `json:"challenge,omitzero"`
	Presentation bool          `json:"presentation"` // whether there is one
	Credentials  int           `json:"credentials"`  // beside it
	Parts        []bundle.Part `json:"parts"`
}

// Verdict is valid, refused (genuine, but not of an --issuer asked for), unchecked
// (nothing is known against it) or invalid.

// Counts says how many credentials came to which verdict.
type Counts struct {
	Valid     int64 `json:"valid"`
	Refused   int64 `json:"refused"`
	Unchecked int64 `json:"unchecked"`
	Invalid   int64 `json:"invalid"`
}

// A CredentialCheck is what verify found about one credential.
type CredentialCheck struct {
	File       string            `json:"file"`                // as named on the command line, "-" for standard input
	Line       int               `json:"line,omitzero"`       // in a chain file, from 1; in a presentation, the position from 1
	Verdict    Verdict           `json:"verdict"`             //
	Digest     vc.Digest         `json:"digest,omitzero"`     // absent if it cannot be read
	Type       string            `json:"type,omitzero"`       // the following are absent unless it is valid
	Issuer     did.DID           `json:"issuer,omitzero"`     // as claimed, if it is not valid
	Subject    did.DID           `json:"subject,omitzero"`    // as claimed, if it is not valid
	Signers    []did.DID         `json:"signers,omitempty"`   // whose proofs hold, the issuer first
	ValidFrom  time.Time         `json:"validFrom,omitzero"`  //
	ValidUntil time.Time         `json:"validUntil,omitzero"` //
	MediaType  string            `json:"mediaType,omitzero"`  // application/vc, application/vc+jwt …: how it is secured
	Selective  bool              `json:"selective,omitzero"`  // the holder may have left out something that the issuer signed
	Rewritable bool              `json:"rewritable,omitzero"` // anybody can write it in another way, with another digest: the issuer signed RDF
	Keys       []KeyState        `json:"keys,omitempty"`      // that signed it: what has become of those that can change
	Status     []vc.StatusResult `json:"status,omitempty"`    // what status lists said: purpose, value, message, list, asOf
	Sequence   *int64            `json:"sequence,omitempty"`  // in the machine's record, as claimed
	Checks     []vc.Finding      `json:"checks,omitempty"`    // with --report: check, outcome (pass, fail, indeterminate, skipped), code, detail
}

// A KeyState says what has become of a key that signed.
type KeyState struct {
	Key   did.URL   `json:"key"`
	Known bool      `json:"known"`          // that it was good when it signed; otherwise only its owner's present document was to be had
	Now   string    `json:"now"`            // current, rotated, expired, revoked, or deactivated with its owner's identifier
	Since time.Time `json:"since,omitzero"` // since when it is not current
}

// A Problem says what is wrong, where, and whose it is.
type Problem struct {
	File       string  `json:"file"`                //
	Line       int     `json:"line,omitzero"`       // from 1; absent if it is about the whole file
	Sequence   *int64  `json:"sequence,omitempty"`  // of the entry; of a gap, the first that is missing
	Missing    int64   `json:"missing,omitzero"`    // of a gap: how many entries are missing
	Issuer     did.DID `json:"issuer,omitzero"`     // of the credential, as claimed
	IssuerName string  `json:"issuerName,omitzero"` // what the fleet calls the issuer
	Subject    did.DID `json:"subject,omitzero"`    // the machine
	Machine    string  `json:"machine,omitzero"`    // what the fleet calls it
	Verdict    Verdict `json:"verdict"`             //
	Kind       string  `json:"kind"`                // credential, presentation, missing, torn, rejected, unchecked, foreign, repeated, outOfOrder,
	// gap, fork, link; log: one that was asked could not answer, or contradicts it; key: what became of one is not known
	Message string `json:"message"` // for people
}

// A RecordShown is printed by chain show: a Record and what is in it.
type RecordShown struct {
	Record
	Entries     []Entry      `json:"entries,omitempty"`
	Obligations []Obligation `json:"obligations,omitempty"`
	Problems    []Problem    `json:"problems"`
}

// A Record is one machine's record.
type Record struct {
	File      string       `json:"file"`                   //
	Machine   string       `json:"machine,omitzero"`       // what the fleet calls it
	Subject   did.DID      `json:"subject,omitzero"`       // the machine
	Names     []did.DID    `json:"names,omitempty"`        // what else the machine is called
	Verdict   Verdict      `json:"verdict"`                // valid if it is whole
	Chain     vc.Digest    `json:"chain,omitzero"`         // its name; absent if nothing of it could be used
	Class     string       `json:"completeness,omitempty"` // C0 to C4
	Owner     did.DID      `json:"owner,omitzero"`         // of record; absent if a gap may hide who it is
	Retired   bool         `json:"retired,omitzero"`       //
	Shown     int64        `json:"shown"`                  // entries that could be used
	Totals    chain.Totals `json:"totals"`                 // as of the newest entry: entries, open, overdue, adverse
	Newest    time.Time    `json:"newest,omitzero"`        // when the newest entry is from
	Gaps      []Gap        `json:"gaps"`                   //
	Forks     []Fork       `json:"forks"`                  //
	Backdated int64        `json:"backdated"`              // entries that claim to be older than one before them
	Void      []VoidEntry  `json:"void,omitempty"`         // entries that count for nothing, since a key was compromised
	Log       *LogSeen     `json:"log,omitempty"`          // what a log holds of it, with --log
}

// A VoidEntry is an entry that lacks a signature which it needs, since that is by a compromised key.
type VoidEntry struct {
	Sequence   int64     `json:"sequence"`
	Digest     vc.Digest `json:"digest"`
	Issuer     did.DID   `json:"issuer"`
	Key        did.URL   `json:"key"`                 // the verification method
	Since      time.Time `json:"since"`               // when it was compromised; zero means ever
	ReportedBy *int64    `json:"reportedBy,omitzero"` // the entry rotate that says so; absent if the caller or the key's DID document does
	Message    string    `json:"message"`
}

// A LogSeen is what a log holds of a record.
type LogSeen struct {
	Origin  string    `json:"origin"`  // names the log
	Size    int64     `json:"size"`    // of the log, in entries of all records
	Time    time.Time `json:"time"`    // when a quorum of witnesses vouched that this is all it holds
	Fresh   bool      `json:"fresh"`   // as recent as --max-age asks
	Entries int64     `json:"entries"` // of the record
	Newest  int64     `json:"newest"`  // sequence of the newest of them; -1 if there is none
}

// A Gap is entries that are missing, From and To included.
type Gap struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// A Fork is two entries with one sequence.
type Fork struct {
	Sequence   int64        `json:"sequence"`
	Digests    [2]vc.Digest `json:"digests"`
	Issuers    [2]did.DID   `json:"issuers"`
	SignedBoth []did.DID    `json:"signedBoth"` // who has contradicted itself
	Settled    bool         `json:"settled"`    // an amend has adjudicated it
}

// A ForkShown is printed by chain check, if the proof holds.
type ForkShown struct {
	Subject did.DID   `json:"subject"` // the machine
	Chain   vc.Digest `json:"chain"`   // the record
	Fork
}

// An Obligation is something begun together with another party, such as a lease.
type Obligation struct {
	Opened   int64     `json:"opened"`             // sequence
	Class    string    `json:"class,omitzero"`     // such as lease
	Due      time.Time `json:"due,omitzero"`       //
	State    string    `json:"state"`              // open, overdue, closed, withheld
	Outcome  string    `json:"outcome,omitzero"`   // good, degraded or breach, once closed
	ClosedBy *int64    `json:"closedBy,omitempty"` // sequence, once closed by an entry that is shown
}

// An Entry is one line of chain show.
type Entry struct {
	Sequence  int64     `json:"sequence"`
	Entry     string    `json:"entry"`              // commission, open, close, observe, amend, transfer, rotate or retire
	Outcome   string    `json:"outcome,omitzero"`   // good, degraded or breach
	RefersTo  *int64    `json:"refersTo,omitempty"` // close, amend
	Type      string    `json:"type"`               // such as MaintenanceCredential
	ValidFrom time.Time `json:"validFrom"`
	Issuer    did.DID   `json:"issuer"`
	Digest    vc.Digest `json:"digest"`
}

// A Trust is printed by trust, unless it signs.
type Trust struct {
	Verdict  Verdict                `json:"verdict"`  // of the records that were read
	Digest   vc.Digest              `json:"digest"`   // of the table: scores name it
	Table    *reputation.TrustTable `json:"table"`    // scheme, policy, previous, asOf, observationRoot, issuers, factions
	Machines int                    `json:"machines"` // whose records were read
	Problems []Problem              `json:"problems"` //
}

// Scores is printed by score; score --check prints the CredentialCheck of the score credential.
type Scores struct {
	Verdict  Verdict        `json:"verdict"`  // of the evidence and of --at-least together; the exit code says the same
	Policy   vc.Digest      `json:"policy"`   // digest of the policy
	AsOf     reputation.Day `json:"asOf"`     // the day as of which was scored
	Machines []MachineScore `json:"machines"` // the best first
	Problems []Problem      `json:"problems"` // as for verify
}

// A MachineScore is one machine's score.
type MachineScore struct {
	Machine string            `json:"machine,omitzero"` // what the fleet calls it
	Subject did.DID           `json:"subject"`
	File    string            `json:"file"`
	Verdict Verdict           `json:"verdict"`           // refused if it scores less than --at-least
	Score   *reputation.Score `json:"score,omitempty"`   // as in the score credential; absent if nothing could be scored
	Message string            `json:"message,omitempty"` // why, if it is not valid

	// With --explain; the members are those of [reputation.Explanation].
	Explanation *reputation.Explanation `json:"explanation,omitempty"`
}

// An Evaluation is printed by eval.
type Evaluation struct {
	Verdict Verdict `json:"verdict"` // refused if a row is below its target; the exit code says so only with --strict
	eval.Table
	Missed []string `json:"missed"` // rows below target, such as "T10 AUC"
}

// LogMade is printed by log init and log witness init.
type LogMade struct {
	Folder string `json:"folder"`
	Kind   string `json:"kind"`        // log or witness
	Name   string `json:"name"`        // a log's origin
	Key    string `json:"verifierKey"` // to tell readers: NAME+HASH+KEY
}

// Serving is printed by serve, once it listens.
type Serving struct {
	Address     string             `json:"address"` // and port
	URL         string             `json:"url"`
	Issuer      did.DID            `json:"issuer,omitzero"`       // who signs; absent if nobody does
	Conformance map[string]did.DID `json:"conformance,omitempty"` // with --conformance: the did:key of each type of key
}

// LogServing is printed by log serve and log witness serve, once they listen.
type LogServing struct {
	Kind    string `json:"kind"`    // log or witness
	Name    string `json:"name"`    // a log's origin
	Address string `json:"address"` // and port
	Key     string `json:"verifierKey"`
}

// LogAdded is printed by log add.
type LogAdded struct {
	Verdict  Verdict       `json:"verdict"`
	Log      string        `json:"log"`      // as named with --to
	Records  []RecordAdded `json:"records"`  // that are in the log now, as they are here
	Problems []Problem     `json:"problems"` // with the others
}

// A RecordAdded is a record that is in a log.
type RecordAdded struct {
	File    string  `json:"file"`
	Machine string  `json:"machine,omitzero"` // what the fleet calls it
	Subject did.DID `json:"subject"`
	Entries int64   `json:"entries"` // that the log holds
	Added   int64   `json:"added"`   // of those, the ones that were sent
	Salt    string  `json:"salt"`    // file with the salt, by which the record is found in the log
	Kept    string  `json:"kept"`    // file that shows without a network what the log held
}

// LogChecked is printed by log check, if all is good.
type LogChecked struct {
	Verdict    Verdict      `json:"verdict"`
	Origin     string       `json:"origin"`     // names the log
	Size       int64        `json:"size"`       // entries, all of which were read
	Time       time.Time    `json:"time"`       // when a quorum of witnesses vouched for it
	Fresh      bool         `json:"fresh"`      // as recent as --max-age asks
	Checkpoint vc.Digest    `json:"checkpoint"` // digest of its text
	Witnesses  []LogWitness `json:"witnesses"`  // that have cosigned it, the earliest first
}

// A LogWitness is a witness that has cosigned a checkpoint.
type LogWitness struct {
	Name string    `json:"name"`
	Time time.Time `json:"time"`
}

// Imported is printed by import.
type Imported struct {
	Folder      string           `json:"folder"`
	NewMachines int              `json:"newMachines"`
	NewParties  int              `json:"newParties"`
	Rows                         // of all sources that make records
	Sources     []ImportedSource `json:"sources"`  // in the order of the mapping
	Problems    []RowProblem     `json:"problems"` // one for each row that was not imported, 10,000 at most
	Notices     []ImportNotice   `json:"notices"`  // what was repaired first, after an import was killed
}

// Rows counts rows: rows = skipped + known + added + unmapped.
type Rows struct {
	Rows     int `json:"rows"`
	Skipped  int `json:"skipped"`  // left out by the mapping's "where"
	Known    int `json:"known"`    // in the record already
	Added    int `json:"added"`    // issued as credentials
	Late     int `json:"late"`     // of those added, older than an entry before them
	Unmapped int `json:"unmapped"` // not imported: see problems
}

// An ImportedSource counts the rows of one source of the mapping.
type ImportedSource struct {
	Name  string `json:"name"`
	Type  string `json:"type,omitzero"` // of the credentials; absent if it is only looked up
	Files int    `json:"files"`
	Rows
}

// A RowProblem is a row that was not imported.
type RowProblem struct {
	Source  string `json:"source"`
	File    string `json:"file"`
	Line    int    `json:"line"`             // where the row begins, from 1
	Machine string `json:"machine,omitzero"` // as the row has it
	Message string `json:"message"`
}

// An ImportNotice says what was cut off a file that a killed import had left.
type ImportNotice struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // the first that was cut off
	Message string `json:"message"`
}

// A Demo is printed by demo.
type Demo struct {
	AsOf        reputation.Day `json:"asOf"`
	Credentials int            `json:"credentials"` // in all records
	Events      []DemoEvents   `json:"events"`      // by type of credential
	Attempts    []DemoAttempt  `json:"attempts"`    // to look better, all refused
	Machines    []DemoMachine  `json:"machines"`    // the best first
	Checked     int            `json:"checked"`     // score credentials that were computed again
}

// DemoEvents counts the credentials of a type.
type DemoEvents struct {
	Type    string   `json:"type"`
	Count   int      `json:"count"`
	Signers []string `json:"signers"` // beside the machine
}

// A DemoAttempt is an owner's attempt to make a machine look better.
type DemoAttempt struct {
	Machine string `json:"machine"`
	What    string `json:"what"`
	Message string `json:"message"` // the desk's answer
	Refused bool   `json:"refused"` // what it showed is invalid; otherwise it was scored as shown, and not leased
	Points  int64  `json:"points"`  // what its whole record scores
}

// A DemoMachine is a machine and what the leasing desk says of it.
type DemoMachine struct {
	Name    string            `json:"name"`
	Model   string            `json:"model"`
	ID      did.DID           `json:"id"`
	Entries int64             `json:"entries"`
	Price   int64             `json:"price"`            // euro cents
	Deposit int64             `json:"deposit,omitzero"` // euro cents; absent if it is not leased
	Score   *reputation.Score `json:"score"`
}
