package record

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/did"
)

// Limits on what a claim holds. A claim is read by devices and shown to people.
const (
	MaxText    = 1000      // characters of a text: a paragraph, not a report; reports are a [Document]
	MaxItems   = 256       // elements of a list
	MaxInteger = 1<<53 - 1 // what every JSON reader holds exactly (RFC 7493 §2.2)

	maxAmountDigits = 78 // decimal digits of the largest uint256
	maxPermille     = 1000
)

// Validate implements [Claim].
func (m Commissioning) Validate() error {
	c := check{typ: m.CredentialType()}
	c.optionalTime("eventTime", m.Time)
	c.text("model", m.Model)
	c.optionalText("serial", m.Serial)
	if m.Serial == "" && m.Registered == nil {
		c.fail("serial", "", "is required unless registered is there")
	}
	c.party("maker", m.Maker)
	if r := m.Registered; r != nil {
		c.text("registered.identifier", r.Identifier)
		c.uri("registered.scheme", r.Scheme)
	}
	c.optionalTime("built", m.Built)
	c.notBefore("eventTime", m.Time, "built", m.Built)
	c.readings("counters", m.Counters)
	c.dids("hasPart", m.HasPart)
	if k := m.KeyBinding; k != nil {
		c.keyURL("keyBinding.verificationMethod", k.VerificationMethod)
		oneOf(&c, "keyBinding.protection", k.Protection, TPM2, SecureElement, TEE, Software)
		if a := k.Attestation; a != nil {
			c.text("keyBinding.attestation.scheme", a.Scheme)
			c.multihash("keyBinding.attestation.digestMultibase", a.DigestMultibase)
			c.did("keyBinding.attestation.verifiedBy", a.VerifiedBy)
		}
	}
	return c.result()
}

// Validate implements [Claim].
func (m Maintenance) Validate() error {
	c := check{typ: m.CredentialType()}
	c.time("eventTime", m.Time)
	c.bizStep("bizStep", m.BizStep)
	c.disposition("disposition", m.Disposition)
	w := &m.Work
	oneOf(&c, "maintenance.category", w.Category, Preventive, Corrective, ConditionBased, Predictive)
	c.optionalText("maintenance.activity", w.Activity)
	c.part("maintenance.part", w.Part)
	c.optionalText("maintenance.failureMode", w.FailureMode)
	c.optionalTime("maintenance.failureDetected", w.FailureDetected)
	c.notBefore("eventTime", m.Time, "maintenance.failureDetected", w.FailureDetected)
	c.count("maintenance.downSeconds", w.DownSeconds)
	c.readings("maintenance.counters", w.Counters)
	c.due("maintenance.due", w.Due)
	c.due("maintenance.nextDue", w.NextDue)
	if n := w.NextDue; n != nil {
		c.notBefore("maintenance.nextDue.date", n.Date, "eventTime", m.Time)
	}
	c.optionalText("maintenance.workOrder", w.WorkOrder)
	c.optionalText("maintenance.procedure", w.Procedure)
	c.party("maintenance.performedBy", w.PerformedBy)
	if w.Qualification != nil {
		c.document("maintenance.qualification", *w.Qualification)
	}
	c.documents("maintenance.documents", w.Documents)
	return c.result()
}

// Validate implements [Claim].
func (u Uptime) Validate() error {
	c := check{typ: u.CredentialType()}
	a := &u.Availability
	c.time("availability.start", a.Start)
	c.time("availability.end", a.End)
	c.after("availability.end", a.End, "availability.start", a.Start)
	c.count("availability.requiredSeconds", a.RequiredSeconds)
	c.count("availability.upSeconds", a.UpSeconds)
	c.count("availability.downPlannedSeconds", a.DownPlannedSeconds)
	c.count("availability.downUnplannedSeconds", a.DownUnplannedSeconds)
	c.count("availability.interruptions", a.Interruptions)
	c.count("availability.failures", a.Failures)
	c.count("availability.intervalSeconds", a.IntervalSeconds)
	c.count("availability.samples", a.Samples)
	c.count("availability.missed", a.Missed)
	c.dids("availability.observers", a.Observers)
	oneOf(&c, "availability.method", a.Method, Heartbeat, Poll, SelfReport, Attested)
	if b := a.BootCount; b != nil {
		c.count("availability.bootCount.first", b.First)
		c.count("availability.bootCount.last", b.Last)
		c.atMost("availability.bootCount.first", b.First, "bootCount.last", b.Last)
	}
	if a.SamplesRoot != "" {
		c.digest("availability.samplesRoot", a.SamplesRoot)
	}
	if c.first != nil {
		return c.result() // the sums below need numbers in range
	}
	c.atMost("availability.requiredSeconds", a.RequiredSeconds, "the seconds from start to end", a.End.Unix()-a.Start.Unix())
	c.atMost("availability.failures", a.Failures, "interruptions", a.Interruptions)
	c.atMost("availability.missed", a.Missed, "samples", a.Samples)
	if a.UpSeconds+a.DownPlannedSeconds+a.DownUnplannedSeconds != a.RequiredSeconds {
		c.fail("availability.upSeconds", strconv.FormatInt(a.UpSeconds, 10),
			"must add up, with downPlannedSeconds "+strconv.FormatInt(a.DownPlannedSeconds, 10)+
				" and downUnplannedSeconds "+strconv.FormatInt(a.DownUnplannedSeconds, 10)+
				", to requiredSeconds "+strconv.FormatInt(a.RequiredSeconds, 10))
	}
	return c.result()
}

// Validate implements [Claim].
func (i Incident) Validate() error {
	c := check{typ: i.CredentialType()}
	e := &i.Event
	oneOf(&c, "incident.category", e.Category, Damage, Failure, Misuse, Theft, SLABreach)
	if e.SeverityPermille < 0 || e.SeverityPermille > maxPermille {
		c.fail("incident.severityPermille", strconv.FormatInt(e.SeverityPermille, 10), "must be from 0 to 1000")
	}
	c.time("incident.detected", e.Detected)
	c.optionalTime("incident.restored", e.Restored)
	c.notBefore("incident.restored", e.Restored, "incident.detected", e.Detected)
	c.optionalText("incident.code", e.Code)
	c.part("incident.part", e.Part)
	c.optionalText("incident.description", e.Description)
	c.documents("incident.documents", e.Documents)
	return c.result()
}

// Validate implements [Claim].
func (l Lease) Validate() error {
	c := check{typ: l.CredentialType()}
	t := &l.Terms
	c.did("lease.lessor", t.Lessor)
	c.did("lease.lessee", t.Lessee)
	if t.Lessor == t.Lessee {
		c.fail("lease.lessee", t.Lessee.String(), "must not be the lessor")
	}
	c.time("lease.start", t.Start)
	c.time("lease.end", t.End)
	c.after("lease.end", t.End, "lease.start", t.Start)
	c.optionalText("lease.permittedUse", t.PermittedUse)
	c.readings("lease.limits", t.Limits)
	c.amount("lease.collateral", t.Collateral)
	if s := t.Settlement; s != nil {
		if !isAccount(s.Account) {
			c.fail("lease.settlement.account", show(s.Account), "must be a CAIP-10 account, such as eip155:1:0xab16…")
		}
		if s.Usage != "" && !isAsset(s.Usage) {
			c.fail("lease.settlement.usage", show(s.Usage), "must be a CAIP-19 asset, such as eip155:1/erc721:0x06012c…/771769")
		}
	}
	if t.ScorePolicy != "" {
		c.digest("lease.scorePolicy", t.ScorePolicy)
	}
	if t.Score != "" {
		c.digest("lease.score", t.Score)
	}
	c.documents("lease.documents", t.Documents)
	return c.result()
}

// Validate implements [Claim].
func (o LeaseOutcome) Validate() error {
	c := check{typ: o.CredentialType()}
	r := &o.Return
	c.digest("leaseOutcome.lease", r.Lease)
	c.time("leaseOutcome.returnedAt", r.Returned)
	oneOf(&c, "leaseOutcome.condition", r.Condition,
		ConditionGood, ConditionWorn, ConditionDamaged, ConditionDestroyed, ConditionMissing)
	if r.Condition == ConditionMissing && r.OnTime {
		c.fail("leaseOutcome.onTime", "true", "must be false for a machine that is missing")
	}
	c.readings("leaseOutcome.counters", r.Counters)
	c.items("leaseOutcome.incidents", len(r.Incidents))
	for i, d := range r.Incidents {
		c.digest(index("leaseOutcome.incidents", i), d)
	}
	c.amount("leaseOutcome.collateralReturned", r.CollateralReturned)
	c.documents("leaseOutcome.documents", r.Documents)
	return c.result()
}

// Validate implements [Claim].
func (o OwnershipTransfer) Validate() error {
	c := check{typ: o.CredentialType()}
	c.time("eventTime", o.Time)
	c.did("owningParty.source", o.OwningParty.Source)
	c.did("owningParty.destination", o.OwningParty.Destination)
	if o.OwningParty.Source == o.OwningParty.Destination {
		c.fail("owningParty.destination", o.OwningParty.Destination.String(), "must not be the source")
	}
	if i := o.ImportedFrom; i != nil {
		c.text("importedFrom.scheme", i.Scheme)
		c.optionalText("importedFrom.identifier", i.Identifier)
		c.multihash("importedFrom.digestMultibase", i.DigestMultibase)
	}
	if p := o.ProofOfLife; p != nil {
		c.time("proofOfLife.answered", p.Time)
		c.notBefore("eventTime", o.Time, "proofOfLife.answered", p.Time)
		c.keyURL("proofOfLife.verificationMethod", p.VerificationMethod)
		c.multihash("proofOfLife.digestMultibase", p.DigestMultibase)
	}
	c.readings("counters", o.Counters)
	c.documents("documents", o.Documents)
	return c.result()
}

// Validate implements [Claim].
func (d Decommissioning) Validate() error {
	c := check{typ: d.CredentialType()}
	c.time("eventTime", d.Time)
	c.bizStep("bizStep", d.BizStep)
	c.disposition("disposition", d.Disposition)
	c.optionalText("description", d.Description)
	c.readings("counters", d.Counters)
	c.documents("documents", d.Documents)
	return c.result()
}

// Validate implements [Claim].
func (a Accreditation) Validate() error {
	c := check{typ: a.CredentialType()}
	g := &a.Grant
	if len(g.Attests) == 0 {
		c.fail("accreditation.attests", "", "must name at least one credential type")
	}
	c.items("accreditation.attests", len(g.Attests))
	for i, t := range g.Attests {
		c.text(index("accreditation.attests", i), t)
	}
	c.optionalText("accreditation.scope", g.Scope)
	if g.Scheme != "" {
		c.uri("accreditation.scheme", g.Scheme)
	}
	c.time("accreditation.until", g.Until)
	c.count("accreditation.delegationDepth", g.DelegationDepth)
	return c.result()
}

// Validate implements [Claim]. The rules are those of UNTP's schema.
func (d DigitalConformity) Validate() error {
	c := check{typ: d.CredentialType()}
	oneOf(&c, "assessorLevel", d.AssessorLevel, "Self", "Commercial", "Buyer", "Membership", "Unspecified", "3rdParty")
	oneOf(&c, "assessmentLevel", d.AssessmentLevel, "GovtApproval", "GlobalMRA", "Accredited", "Verified", "Validated", "Unspecified")
	oneOf(&c, "attestationType", d.AttestationType,
		"certification", "declaration", "inspection", "testing", "verification", "validation", "calibration")
	c.conformityParty("issuedToParty", d.IssuedToParty)
	for i, e := range d.Authorisation {
		field := index("authorisation", i)
		c.uri(field+".id", e.ID)
		c.required(field+".name", e.Name)
		c.conformityParty(field+".issuingAuthority", e.IssuingAuthority)
	}
	c.secureLink("conformityCertificate", d.ConformityCertificate)
	c.secureLink("auditableEvidence", d.AuditableEvidence)
	if s := d.Scope; s != nil {
		c.uri("scope.id", s.ID)
		c.required("scope.name", s.Name)
	}
	for i, a := range d.Assessment {
		field := index("assessment", i)
		c.uri(field+".id", a.ID)
		c.required(field+".conformityTopic", a.ConformityTopic)
		if a.AssessmentDate != "" {
			if _, err := time.Parse(time.DateOnly, a.AssessmentDate); err != nil {
				c.fail(field+".assessmentDate", show(a.AssessmentDate), "must be a date, such as 2026-11-22")
			}
		}
		for j, p := range a.AssessedProduct {
			c.uri(index(field+".assessedProduct", j)+".product.id", p.Product.ID)
			c.required(index(field+".assessedProduct", j)+".product.name", p.Product.Name)
		}
	}
	return c.result()
}

func (c *check) conformityParty(field string, p ConformityParty) {
	c.uri(field+".id", p.ID)
	c.required(field+".name", p.Name)
}

func (c *check) secureLink(field string, l *SecureLink) {
	if l == nil {
		return
	}
	if l.LinkURL != "" {
		c.uri(field+".linkURL", l.LinkURL)
	}
	if l.HashMethod != "" {
		oneOf(c, field+".hashMethod", l.HashMethod, "SHA-256", "SHA-1")
	}
}

// A check keeps the first rule that a claim breaks.
type check struct {
	typ   string
	first *FieldError
}

func (c *check) result() error {
	if c.first == nil {
		return nil
	}
	return c.first
}

func (c *check) fail(field, value, rule string) {
	if c.first == nil {
		c.first = &FieldError{Type: c.typ, Field: field, Value: value, Rule: rule}
	}
}

func (c *check) required(field, s string) {
	if s == "" {
		c.fail(field, "", "is required")
	}
}

func (c *check) text(field, s string) {
	c.required(field, s)
	c.optionalText(field, s)
}

func (c *check) optionalText(field, s string) {
	switch {
	case !utf8.ValidString(s):
		c.fail(field, show(s), "must be UTF-8")
	case utf8.RuneCountInString(s) > MaxText:
		c.fail(field, show(s), "must not be longer than "+strconv.Itoa(MaxText)+" characters")
	case strings.ContainsFunc(s, unicode.IsControl): // they would rewrite the terminal of whoever reads the record
		c.fail(field, show(s), "must not contain control characters")
	}
}

func (c *check) time(field string, t time.Time) {
	if t.IsZero() {
		c.fail(field, "", "is required")
	}
	c.optionalTime(field, t)
}

func (c *check) optionalTime(field string, t time.Time) {
	if _, offset := t.Zone(); offset != 0 {
		c.fail(field, t.Format(time.RFC3339), "must be in UTC")
	}
	if y := t.Year(); y < 1 || y > 9999 {
		c.fail(field, t.Format(time.RFC3339), "must be a time that RFC 3339 can write")
	}
}

// notBefore wants t at or after earlier, if both are known.
func (c *check) notBefore(field string, t time.Time, earlierField string, earlier time.Time) {
	if !t.IsZero() && !earlier.IsZero() && t.Before(earlier) {
		c.fail(field, t.Format(time.RFC3339), "must not be before "+earlierField+", "+earlier.Format(time.RFC3339))
	}
}

func (c *check) after(field string, t time.Time, earlierField string, earlier time.Time) {
	if !t.After(earlier) {
		c.fail(field, t.Format(time.RFC3339), "must be after "+earlierField+", "+earlier.Format(time.RFC3339))
	}
}

func (c *check) count(field string, n int64) {
	switch {
	case n < 0:
		c.fail(field, strconv.FormatInt(n, 10), "must not be negative")
	case n > MaxInteger:
		c.fail(field, strconv.FormatInt(n, 10), "must not be greater than 2^53-1")
	}
}

func (c *check) atMost(field string, n int64, limit string, most int64) {
	if n > most {
		c.fail(field, strconv.FormatInt(n, 10), "must not be more than "+limit+", "+strconv.FormatInt(most, 10))
	}
}

func (c *check) items(field string, n int) {
	if n > MaxItems {
		c.fail(field, strconv.Itoa(n)+" long", "must not have more than "+strconv.Itoa(MaxItems)+" elements")
	}
}

func (c *check) did(field string, id did.DID) {
	if id.IsZero() {
		c.fail(field, "", "is required")
	}
}

func (c *check) dids(field string, ids []did.DID) {
	c.items(field, len(ids))
	for i, id := range ids {
		c.did(index(field, i), id)
	}
}

func (c *check) keyURL(field string, u did.URL) {
	if u.DID.IsZero() || u.Fragment == "" {
		c.fail(field, show(u.String()), "must be a DID URL with a fragment, such as did:web:fleet.example:7#key-1")
	}
}

func (c *check) uri(field, s string) {
	if !isURI(s) || len(s) > MaxText {
		c.fail(field, show(s), "must be a URI, such as https://id.gs1.org/01/")
	}
}

// digest wants what vc.Digest prints.
func (c *check) digest(field, s string) {
	if len(s) != 47 || s[:3] != "uEi" || s[3] < 'A' || s[3] > 'D' || !all(s, isBase64URL) || strings.IndexByte("AQgw", s[46]) < 0 {
		c.fail(field, show(s), "must be the digest of a credential: a sha2-256 multihash in multibase base64url, uEi…")
	}
}

// multihash wants the digest of something that is not a credential, of 32 to 64 bytes.
func (c *check) multihash(field, s string) {
	ok := len(s) >= 47 && len(s) <= 95 &&
		(s[0] == 'u' && all(s[1:], isBase64URL) || s[0] == 'z' && all(s[1:], isBase58))
	if !ok {
		c.fail(field, show(s), "must be a multihash in multibase base64url (u…) or base58btc (z…)")
	}
}

func (c *check) party(field string, p *Party) {
	if p == nil {
		return
	}
	if p.ID.IsZero() && p.Name == "" {
		c.fail(field, "", "must have an id or a name")
	}
	c.optionalText(field+".name", p.Name)
}

func (c *check) part(field string, p *Part) {
	if p == nil {
		return
	}
	if *p == (Part{}) {
		c.fail(field, "", "must have an id, a name or a serial")
	}
	c.optionalText(field+".name", p.Name)
	c.optionalText(field+".serial", p.Serial)
}

func (c *check) readings(field string, rs []Reading) {
	c.items(field, len(rs))
	for i, r := range rs {
		c.reading(index(field, i), r)
		for _, earlier := range rs[:min(i, MaxItems)] {
			if earlier.Name == r.Name && earlier.Unit == r.Unit {
				c.fail(index(field, i), show(r.Name), "must not be there twice")
			}
		}
	}
}

func (c *check) reading(field string, r Reading) {
	c.optionalText(field+".name", r.Name)
	c.count(field+".value", r.Value)
	if n := len(r.Unit); n < 2 || n > 3 || !all(string(r.Unit), isUpperOrDigit) {
		c.fail(field+".unit", show(string(r.Unit)), "must be a UN/CEFACT Recommendation 20 code, such as HUR, KMT or C62")
	}
}

func (c *check) due(field string, d *Due) {
	if d == nil {
		return
	}
	if d.Date.IsZero() && d.Counter == nil {
		c.fail(field, "", "must have a date or a counter")
	}
	c.optionalTime(field+".date", d.Date)
	if d.Counter != nil {
		c.reading(field+".counter", *d.Counter)
	}
}

func (c *check) document(field string, d Document) {
	if d.ID != "" {
		c.uri(field+".id", d.ID)
	}
	c.optionalText(field+".name", d.Name)
	c.optionalText(field+".mediaType", d.MediaType)
	c.multihash(field+".digestMultibase", d.DigestMultibase)
}

func (c *check) documents(field string, ds []Document) {
	c.items(field, len(ds))
	for i, d := range ds {
		c.document(index(field, i), d)
	}
}

func (c *check) amount(field string, a *Amount) {
	if a == nil {
		return
	}
	if n := len(a.Value); n == 0 || n > maxAmountDigits || !all(a.Value, isDigit) || n > 1 && a.Value[0] == '0' {
		c.fail(field+".value", show(a.Value), "must be a decimal integer of at most 78 digits, in the asset's smallest unit")
	}
	if !isAsset(a.Asset) {
		c.fail(field+".asset", show(a.Asset), "must be a CAIP-19 asset, such as eip155:1/erc20:0x6b17…")
	}
}

func (c *check) bizStep(field string, s BizStep) {
	if s != "" {
		oneOf(c, field, s, StepCommissioning, StepInspecting, StepRepairing, StepReplacing, StepInstalling, StepRemoving,
			StepAssembling, StepDisassembling, StepDecommissioning, StepDestroying, StepOther)
	}
}

func (c *check) disposition(field string, d Disposition) {
	if d != "" {
		oneOf(c, field, d, DispAvailable, DispUnavailable, DispNeedsReplacement, DispActive, DispInactive, DispConformant,
			DispNonConformant, DispDamaged, DispRecalled, DispStolen, DispDisposed, DispDestroyed)
	}
}

func oneOf[T ~string](c *check, field string, v T, allowed ...T) {
	for _, a := range allowed {
		if v == a {
			return
		}
	}
	if v == "" {
		c.fail(field, "", "is required")
		return
	}
	var rule strings.Builder
	rule.WriteString("must be one of ")
	for i, a := range allowed {
		if i > 0 {
			rule.WriteString(", ")
		}
		rule.WriteString(string(a))
	}
	c.fail(field, show(string(v)), rule.String())
}

// isAccount reports whether s is a CAIP-10 account: namespace:reference:address.
func isAccount(s string) bool {
	chain, address, ok := cutLast(s, ':')
	return ok && isChain(chain) && len(address) <= 128 && all(address, isAddressChar)
}

// isAsset reports whether s is a CAIP-19 asset type or asset: chain/namespace:reference, and /token perhaps.
func isAsset(s string) bool {
	chain, rest, _ := strings.Cut(s, "/")
	kind, token, single := strings.Cut(rest, "/")
	namespace, reference, ok := strings.Cut(kind, ":")
	return ok && isChain(chain) && isNamespace(namespace) &&
		len(reference) <= 128 && all(reference, isAddressChar) &&
		(!single || len(token) <= 78 && all(token, isAddressChar))
}

// isChain reports whether s is a CAIP-2 chain: namespace:reference.
func isChain(s string) bool {
	namespace, reference, ok := strings.Cut(s, ":")
	return ok && isNamespace(namespace) && len(reference) <= 32 && all(reference, isBase64URL)
}

func isNamespace(s string) bool {
	return len(s) >= 3 && len(s) <= 8 && all(s, func(b byte) bool { return isLower(b) || isDigit(b) || b == '-' })
}

// isURI reports whether s has a scheme and only characters that RFC 3986 allows.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	return ok && rest != "" && scheme != "" && isAlpha(scheme[0]) &&
		all(scheme, func(b byte) bool { return isAlpha(b) || isDigit(b) || strings.IndexByte("+-.", b) >= 0 }) &&
		all(rest, func(b byte) bool {
			return isAlpha(b) || isDigit(b) || strings.IndexByte("-._~:/?#[]@!$&'()*+,;=%", b) >= 0
		})
}

// all reports whether s is not empty and f holds for each of its bytes.
func all(s string, f func(byte) bool) bool {
	for i := range len(s) {
		if !f(s[i]) {
			return false
		}
	}
	return s != ""
}

func isLower(b byte) bool        { return 'a' <= b && b <= 'z' }
func isDigit(b byte) bool        { return '0' <= b && b <= '9' }
func isAlpha(b byte) bool        { return isLower(b | 0x20) }
func isUpperOrDigit(b byte) bool { return 'A' <= b && b <= 'Z' || isDigit(b) }
func isBase64URL(b byte) bool    { return isAlpha(b) || isDigit(b) || b == '-' || b == '_' }
func isAddressChar(b byte) bool  { return isAlpha(b) || isDigit(b) || b == '-' || b == '.' || b == '%' }
func isBase58(b byte) bool {
	return (isAlpha(b) || isDigit(b)) && strings.IndexByte("0OIl", b) < 0
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// show quotes s for a message, without what could disturb a terminal or flood a log.
func show(s string) string {
	const most = 64
	if s == "" {
		return ""
	}
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.QuoteToGraphic(s)
}
