package reputation

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// TrustScheme names the rules by which this package estimates who is to be believed:
// docs/SCORE.md §13.
const TrustScheme = "hourmeter-trust/1"

// Limits on a trust table.
const (
	// MaxTrusted bounds the issuers of a table: of usual DIDs, such as did:key with Ed25519,
	// they take 150 kB, and have to fit into a credential. With those of a policy and the two
	// voices of the machine's side they stay below the 13,107 that a slot of a [State] can number.
	MaxTrusted = 1024

	// MaxContested bounds the machines of a table's factions, all together: 60 kB.
	MaxContested = 1024

	// MaxTrustBytes bounds the text of a table.
	MaxTrustBytes = 1 << 20

	// TrustValidity is how long a table's credential is valid: an epoch of four weeks.
	TrustValidity = 28 * 24 * time.Hour
)

// A TrustTable says how far issuers that are not roots of a policy are believed, as
// estimated from what they said beside the roots: see [Estimator]. It is the claim of an
// IssuerTrustTableCredential. Whoever estimates from the same policy, cases and
// accreditations makes the same table to the bit, so that several estimators can sign one:
// see [CheckTrust].
//
// With a table, roots weigh what the policy says, listed issuers what the table says, and
// nobody else has any influence, whatever the policy says of him.
type TrustTable struct {
	Scheme   string    `json:"scheme"`
	Policy   vc.Digest `json:"policy"`            // whose roots the table rests on
	Previous vc.Digest `json:"previous,omitzero"` // the table of the epoch before; absent in the first
	AsOf     Day       `json:"asOf"`              // the epoch: what happened later is left out

	// Observations commits to what the table was estimated from: see [Estimator.Root].
	Observations vc.Digest `json:"observationRoot"`

	Issuers []IssuerTrust `json:"issuers"` // sorted by DID as bytes; only those with influence

	// Factions are issuers who speak with one voice of some machines, against everybody
	// else: of these machines their word counts nothing.
	Factions []Faction `json:"factions,omitzero"`
}

// A Faction is issuers whose word about some machines is not taken. It is no verdict on
// them elsewhere. Both lists are sorted by DID as bytes.
type Faction struct {
	Issuers  []did.DID `json:"members"`
	Machines []did.DID `json:"machines"`
}

// An IssuerTrust is how far one issuer is believed.
type IssuerTrust struct {
	ID did.DID `json:"id"`
	Reliability

	Windows int64 `json:"windows"` // windows of machines on which others with influence spoke too
	Cap     int64 `json:"capPpm"`  // influence that accreditations lend where windows are few, parts per million
}

// CredentialType implements [vc.Claim].
func (TrustTable) CredentialType() string { return "IssuerTrustTableCredential" }

// ParseTrustTable reads a table. It refuses members it does not know, duplicate members,
// and whatever [TrustTable.Validate] refuses.
func ParseTrustTable(text []byte) (*TrustTable, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxTrustBytes})
	if err != nil {
		return nil, fmt.Errorf("reputation: trust table: %w", err)
	}
	t := new(TrustTable)
	if err := json.Unmarshal([]byte(doc.Root().Raw()), t, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("reputation: trust table: %w", err)
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

// Validate refuses a table that no estimator of this scheme can have made.
func (t TrustTable) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("reputation: trust table: "+format, args...)
	}
	switch {
	case t.Scheme != TrustScheme:
		return bad("scheme is %.60q: this program knows %q", t.Scheme, TrustScheme)
	case t.Policy.IsZero() || t.Observations.IsZero():
		return bad("policy and observationRoot must be given")
	case t.AsOf < 0 || t.AsOf > MaxDay:
		return bad("asOf is day %d: it lies outside 1970-01-01 to %v", int32(t.AsOf), MaxDay)
	case len(t.Issuers) > MaxTrusted:
		return bad("%d issuers are more than %d", len(t.Issuers), MaxTrusted)
	}
	for i, issuer := range t.Issuers {
		switch {
		case issuer.ID.IsZero():
			return bad("issuers[%d]: id is missing", i)
		case i > 0 && byDID(t.Issuers[i-1].ID, issuer.ID) >= 0:
			return bad("issuers[%d]: %v does not follow %v: sort by DID, none twice", i, issuer.ID, t.Issuers[i-1].ID)
		case issuer.Windows < 0 || issuer.Windows > maxSequence:
			return bad("issuers[%d] (%v): windows is %d: want 0 to %d", i, issuer.ID, issuer.Windows, int64(maxSequence))
		case issuer.Cap < 0 || issuer.Cap > million:
			return bad("issuers[%d] (%v): capPpm is %d: want 0 to %d", i, issuer.ID, issuer.Cap, million)
		}
		if err := issuer.Reliability.validate(); err != nil {
			return bad("issuers[%d] (%v): %w", i, issuer.ID, err)
		}
	}
	if len(t.Factions) > MaxFactions {
		return bad("%d factions are more than %d", len(t.Factions), MaxFactions)
	}
	machines := 0
	for i, f := range t.Factions {
		machines += len(f.Machines)
		switch {
		case len(f.Issuers) == 0 || len(f.Issuers) > MaxTrusted || len(f.Machines) == 0 || machines > MaxContested:
			return bad("factions[%d] has %d members, and %d machines with those before it: want 1 to %d, and to %d", i, len(f.Issuers), machines, MaxTrusted, MaxContested)
		case !ascending(f.Issuers) || !ascending(f.Machines):
			return bad("factions[%d]: members and machines must be DIDs, sorted, none twice", i)
		}
		for _, id := range f.Issuers {
			if _, ok := slices.BinarySearchFunc(t.Issuers, id, func(issuer IssuerTrust, id did.DID) int { return byDID(issuer.ID, id) }); !ok {
				return bad("factions[%d]: %v has no influence by this table, so none can be taken from it", i, id)
			}
		}
	}
	return nil
}

// ascending reports whether the DIDs are given, in order, and none twice.
func ascending(ids []did.DID) bool {
	for i, id := range ids {
		if id.IsZero() || i > 0 && byDID(ids[i-1], id) >= 0 {
			return false
		}
	}
	return true
}

// byDID orders DIDs as bytes.
func byDID(a, b did.DID) int { return cmp.Compare(a.String(), b.String()) }

// JSON returns the table in the form to publish: canonical JSON (RFC 8785). Its SHA-256 is
// the table's digest.
func (t *TrustTable) JSON() ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	published := *t
	if published.Issuers == nil {
		published.Issuers = []IssuerTrust{}
	}
	text, err := json.Marshal(published)
	if err != nil {
		return nil, fmt.Errorf("reputation: trust table: %w", err)
	}
	return jcs.Canonical(text)
}

// Digest names the table by its content. [Score.TrustTable] is this.
func (t *TrustTable) Digest() (vc.Digest, error) {
	text, err := t.JSON()
	if err != nil {
		return vc.Digest{}, err
	}
	return sha256.Sum256(text), nil
}

// Credential returns the table as a credential, valid for [TrustValidity] from the given
// time, for a [vc.Issuer] to sign. The subject names the network that scores by the table,
// or its publisher; it is no part of the table's digest. Estimators who sign the same
// bytes give the same subject and from.
func (t *TrustTable) Credential(subject did.DID, from time.Time) *vc.Credential {
	return &vc.Credential{Subject: subject, Claim: *t, ValidFrom: from, ValidUntil: from.Add(TrustValidity)}
}

// CheckTrust returns the table that the credentials claim, if at least k of the named
// estimators have signed it, on one credential or on several. It refuses credentials whose
// tables differ, since then somebody estimated from something else.
//
// k-of-n is worth what the estimators' independence is worth. Whoever holds the cases can
// also estimate again, and compare digests.
func CheckTrust(k int, estimators []did.DID, credentials ...*vc.Verified) (*TrustTable, error) {
	if k < 1 || len(credentials) == 0 {
		return nil, fmt.Errorf("reputation: trust table: want at least one estimator and one credential, not %d and %d", k, len(credentials))
	}
	var table *TrustTable
	var digest vc.Digest
	signed := map[did.DID]bool{}
	for i, v := range credentials {
		t, err := vc.ClaimOf[TrustTable](v)
		if err != nil {
			return nil, err
		}
		d, err := t.Digest()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			table, digest = &t, d
		} else if d != digest {
			return nil, fmt.Errorf("reputation: trust table: %v signed table %v, and %v signed %v: they did not estimate from the same", credentials[0].Issuer(), digest, v.Issuer(), d)
		}
		for _, id := range v.Signers() {
			if slices.Contains(estimators, id) {
				signed[id] = true
			}
		}
	}
	if len(signed) < k {
		return nil, fmt.Errorf("reputation: trust table %v: %d of the named estimators signed it: want %d", digest, len(signed), k)
	}
	return table, nil
}

// apply returns the issuers that speak when a policy with the given ones is used with the
// table: all of them, but for the numbers, and those that only the table knows.
func (t *TrustTable) apply(listed []Issuer) ([]Issuer, error) {
	estimated := make(map[did.DID]Reliability, len(t.Issuers))
	for _, issuer := range t.Issuers {
		estimated[issuer.ID] = issuer.Reliability
	}
	speaking := make([]Issuer, 0, len(listed)+len(t.Issuers))
	for _, issuer := range listed {
		r, ok := estimated[issuer.ID]
		switch {
		case issuer.Root && ok:
			return nil, fmt.Errorf("reputation: trust table: it estimates %v, which is a root of the policy", issuer.ID)
		case issuer.Root:
		case ok:
			issuer.Reliability = r
			delete(estimated, issuer.ID)
		default:
			issuer.Reliability = Reliability{million / 2, million / 2} // silent, but still somebody's agent
		}
		speaking = append(speaking, issuer)
	}
	for _, issuer := range t.Issuers {
		if _, ok := estimated[issuer.ID]; ok {
			speaking = append(speaking, Issuer{ID: issuer.ID, Reliability: issuer.Reliability})
		}
	}
	return speaking, nil
}

// addFactions adds those members of factions who have influence otherwise, and of the
// machines that were contested as many as a table can hold.
func (t *TrustTable) addFactions(found []faction, e *Estimator) {
	room := MaxContested
	for _, f := range found {
		var entry Faction
		for _, issuer := range t.Issuers {
			if i, ok := e.electorOf[issuer.ID]; ok && f.members[i] {
				entry.Issuers = append(entry.Issuers, issuer.ID)
			}
		}
		for i, contested := range f.machines {
			if contested {
				entry.Machines = append(entry.Machines, e.machines[i])
			}
		}
		slices.SortFunc(entry.Machines, byDID)
		entry.Machines = entry.Machines[:min(len(entry.Machines), room)]
		if len(entry.Issuers) > 0 && len(entry.Machines) > 0 {
			room -= len(entry.Machines)
			t.Factions = append(t.Factions, entry)
		}
	}
}
