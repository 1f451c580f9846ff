package record_test

import (
	"bytes"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/ldcontext"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Claims whose structs are in package reputation.
var reputations = map[string]func() interface{ Validate() error }{
	"MachineReputationCredential": func() interface{ Validate() error } { return new(reputation.MachineReputation) },
	"IssuerTrustTableCredential":  func() interface{ Validate() error } { return new(reputation.TrustTable) },
}

func compile(t require.TestingT, typ string) *jsonschema.Schema {
	text, ok := record.Schema(typ)
	require.True(t, ok, typ)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	require.NoError(t, c.AddResource("schema.json", doc))
	schema, err := c.Compile("schema.json")
	require.NoError(t, err, typ)
	return schema
}

// conforms checks a whole credential against its schema.
func conforms(schema *jsonschema.Schema, credential []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(credential))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

// subject returns the subject of a credential without its id, which vc adds.
func subject(t require.TestingT, credential []byte) jsontext.Value {
	var c struct {
		Subject map[string]jsontext.Value `json:"credentialSubject"`
	}
	require.NoError(t, json.Unmarshal(credential, &c))
	delete(c.Subject, "id")
	text, err := json.Marshal(c.Subject)
	require.NoError(t, err)
	return text
}

// decode reads the subject of a credential into a claim that must have a field for every member.
func decode(t require.TestingT, typ string, credential []byte) record.Claim {
	claim, ok := record.New(typ)
	require.True(t, ok, typ)
	require.NoError(t, json.Unmarshal(subject(t, credential), claim, json.RejectUnknownMembers(true)))
	return claim
}

// credential puts a claim into a credential that lists our context.
func credential(t require.TestingT, claim interface{ CredentialType() string }) []byte {
	subject, err := json.Marshal(claim)
	require.NoError(t, err)
	id := `"id":"did:web:x.example"`
	if claim.CredentialType() == (record.DigitalConformity{}).CredentialType() {
		id = `"id":"https://x.example/1"`
	}
	if len(subject) > 2 {
		id += ","
	}
	return slices.Concat([]byte(`{"@context":["`+ldcontext.CredentialsV2+`","`+ldcontext.HourmeterV1+`"],"type":["VerifiableCredential","`+
		claim.CredentialType()+`"],"issuer":"did:web:y.example","credentialSubject":{`+id), subject[1:], []byte("}"))
}

func TestExamples(t *testing.T) {
	for _, typ := range append(record.Types(), slices.Collect(maps.Keys(reputations))...) {
		t.Run(typ, func(t *testing.T) {
			example, ok := record.Example(typ)
			require.True(t, ok)
			require.NoError(t, conforms(compile(t, typ), example))
			doc, err := strictjson.Parse(example, strictjson.Limits{})
			require.NoError(t, err)
			require.NoError(t, ldcontext.Default().Check(doc.Root()))
			var claim interface{ Validate() error }
			if of, ok := reputations[typ]; ok {
				claim = of()
				require.NoError(t, json.Unmarshal(subject(t, example), claim, json.RejectUnknownMembers(true)))
			} else {
				claim = decode(t, typ, example)
			}
			require.NoError(t, claim.Validate())
			again, err := json.Marshal(claim)
			require.NoError(t, err)
			require.JSONEq(t, string(subject(t, example)), string(again), "decoding loses nothing")
		})
	}
	for _, typ := range []string{"", "Maintenance", "../record", "maintenancecredential"} {
		_, ok := record.Schema(typ)
		require.False(t, ok, typ)
		_, ok = record.Example(typ)
		require.False(t, ok, typ)
		_, ok = record.New(typ)
		require.False(t, ok, typ)
	}
}

// Every field of every struct is a property of the schema, and every property a field, of the same
// kind, and required exactly if it is always written. That every property is a term of our context
// is tested in package ldcontext.
func TestStructsAndSchemasAgree(t *testing.T) {
	structs := map[string]reflect.Type{}
	for typ, of := range reputations {
		structs[typ] = reflect.TypeOf(of()).Elem()
	}
	for _, typ := range record.Types() {
		claim, _ := record.New(typ)
		require.Equal(t, typ, claim.CredentialType())
		structs[typ] = reflect.TypeOf(claim).Elem()
	}
	for typ, goType := range structs {
		text, _ := record.Schema(typ)
		var root map[string]any
		require.NoError(t, json.Unmarshal(text, &root))
		require.Equal(t, "https://w3id.org/hourmeter/v1/schema/"+typ+".json", root["$id"])
		require.Contains(t, root["description"], "Who should issue it: ")
		deref := func(s map[string]any) map[string]any {
			if ref, ok := s["$ref"].(string); ok {
				return root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
			}
			return s
		}

		var agree func(path string, goType reflect.Type, schema map[string]any)
		agree = func(path string, goType reflect.Type, schema map[string]any) {
			schema = deref(schema)
			if goType.Kind() == reflect.Pointer {
				goType = goType.Elem()
			}
			_, isText := reflect.New(goType).Interface().(interface{ UnmarshalText([]byte) error })
			switch {
			case isText || goType.Kind() == reflect.String:
				require.True(t, schema["type"] == "string" || schema["enum"] != nil || schema["const"] != nil, path)
			case goType.Kind() == reflect.Int64:
				require.Equal(t, "integer", schema["type"], path)
			case goType.Kind() == reflect.Bool:
				require.Equal(t, "boolean", schema["type"], path)
			case goType.Kind() == reflect.Slice:
				require.Equal(t, "array", schema["type"], path)
				agree(path+"[]", goType.Elem(), schema["items"].(map[string]any))
			case goType.Kind() == reflect.Struct:
				require.Equal(t, "object", schema["type"], path)
				properties := schema["properties"].(map[string]any)
				required := map[string]bool{}
				for _, name := range asList(schema["required"]) {
					required[name.(string)] = true
				}
				seen := map[string]bool{}
				if path == typ {
					require.True(t, required["id"], "%s: id is required", path)
					seen["id"] = true
				}
				for _, field := range reflect.VisibleFields(goType) {
					name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
					if field.Anonymous && name == "" || len(field.Index) > 1 && goType.Field(field.Index[0]).Tag.Get("json") != "" {
						continue // its fields are listed after it, or belong to a member of their own
					}
					property, ok := properties[name].(map[string]any)
					require.True(t, ok, "%s.%s is not in the schema", path, name)
					seen[name] = true
					require.Equal(t, options == "", required[name], "%s.%s is required", path, name)
					agree(path+"."+name, field.Type, property)
				}
				for name := range properties {
					require.True(t, seen[name], "%s.%s is in the schema only", path, name)
				}
			default:
				t.Fatalf("%s is a %s", path, goType)
			}
		}
		agree(typ, goType, root["properties"].(map[string]any)["credentialSubject"].(map[string]any))
	}
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

var (
	noon   = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	fleet  = did.MustParse("did:web:fleet.example")
	farm   = did.MustParse("did:web:farm.example")
	digest = "uEiAvvGhsGqp4p2oJ9zFO5sHxUOWyEzXgkYVZpWYdtNqJvg"
)

// What imports have, and no more, is enough.
func TestSparseClaimsAreValid(t *testing.T) {
	for _, claim := range []record.Claim{
		&record.Commissioning{Model: "model3", Serial: "1"},
		&record.Commissioning{Model: "model3", Registered: &record.Registration{Identifier: "09520123456788", Scheme: "https://id.gs1.org/01/"}},
		&record.Maintenance{Time: noon, Work: record.Work{Category: record.Preventive, Activity: "replace", Part: &record.Part{Name: "comp2"}}},
		&record.Maintenance{Time: noon, Work: record.Work{Category: record.Corrective}},
		&record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 100, Detected: noon, Code: "error1"}},
		&record.Uptime{Availability: record.Availability{Start: noon, End: noon.Add(time.Hour), RequiredSeconds: 3600, UpSeconds: 3600, Method: record.Poll}},
		&record.Uptime{Availability: record.Availability{Start: noon, End: noon.Add(time.Hour), Method: record.Heartbeat}}, // never required
		&record.Lease{Terms: record.Terms{Lessor: fleet, Lessee: farm, Start: noon, End: noon.Add(time.Hour)}},
		&record.LeaseOutcome{Return: record.Return{Lease: digest, Returned: noon, Condition: record.ConditionMissing}},
		&record.OwnershipTransfer{Time: noon, OwningParty: record.OwningParty{Source: fleet, Destination: farm}},
		&record.Decommissioning{Time: noon},
		&record.Accreditation{Grant: record.Grant{Attests: []string{"UptimeCredential"}, Until: noon}},
	} {
		require.NoError(t, claim.Validate())
		text := credential(t, claim)
		require.NoError(t, conforms(compile(t, claim.CredentialType()), text), string(text))
		doc, err := strictjson.Parse(text, strictjson.Limits{})
		require.NoError(t, err)
		require.NoError(t, ldcontext.Default().Check(doc.Root()))
	}
}

func TestRefused(t *testing.T) {
	week := record.Availability{
		Start: noon, End: noon.AddDate(0, 0, 7), RequiredSeconds: 604800, UpSeconds: 600000, DownPlannedSeconds: 4800,
		Interruptions: 2, Failures: 1, Method: record.Heartbeat,
	}
	work := record.Maintenance{Time: noon, Work: record.Work{Category: record.Corrective}}
	failure := record.Event{Category: record.Failure, SeverityPermille: 500, Detected: noon}
	lease := record.Terms{Lessor: fleet, Lessee: farm, Start: noon, End: noon.Add(time.Hour)}
	back := record.Return{Lease: digest, Returned: noon, Condition: record.ConditionGood}
	born := record.Commissioning{Model: "Lynx 4", Serial: "1"}
	sold := record.OwnershipTransfer{Time: noon, OwningParty: record.OwningParty{Source: fleet, Destination: farm}}
	grant := record.Grant{Attests: []string{"UptimeCredential"}, Until: noon}
	conform := record.DigitalConformity{
		AssessorLevel: "3rdParty", AssessmentLevel: "Accredited", AttestationType: "testing",
		IssuedToParty: record.ConformityParty{ID: "did:web:x.example", Name: "X"},
	}
	uptime := func(f func(*record.Availability)) record.Claim {
		a := week
		f(&a)
		return &record.Uptime{Availability: a}
	}
	maintained := func(f func(*record.Maintenance)) record.Claim { m := work; f(&m); return &m }
	incident := func(f func(*record.Event)) record.Claim { e := failure; f(&e); return &record.Incident{Event: e} }
	leased := func(f func(*record.Terms)) record.Claim { l := lease; f(&l); return &record.Lease{Terms: l} }
	returned := func(f func(*record.Return)) record.Claim { r := back; f(&r); return &record.LeaseOutcome{Return: r} }
	commissioned := func(f func(*record.Commissioning)) record.Claim { c := born; f(&c); return &c }
	transferred := func(f func(*record.OwnershipTransfer)) record.Claim { o := sold; f(&o); return &o }
	accredited := func(f func(*record.Grant)) record.Claim { g := grant; f(&g); return &record.Accreditation{Grant: g} }
	certified := func(f func(*record.DigitalConformity)) record.Claim { d := conform; f(&d); return &d }

	for _, tt := range []struct {
		name  string
		claim record.Claim
		want  string
	}{
		{"up and down do not add up", uptime(func(a *record.Availability) { a.UpSeconds++ }),
			"record: UptimeCredential: availability.upSeconds is 600001: must add up, with downPlannedSeconds 4800 and downUnplannedSeconds 0, to requiredSeconds 604800"},
		{"more required than there was", uptime(func(a *record.Availability) { a.RequiredSeconds++; a.UpSeconds++ }),
			"record: UptimeCredential: availability.requiredSeconds is 604801: must not be more than the seconds from start to end, 604800"},
		{"end before start", uptime(func(a *record.Availability) { a.End = a.Start.Add(-time.Second) }),
			"record: UptimeCredential: availability.end is 2026-11-22T11:59:59Z: must be after availability.start, 2026-11-22T12:00:00Z"},
		{"an empty period", uptime(func(a *record.Availability) { a.End = a.Start }), "availability.end is 2026-11-22T12:00:00Z: must be after"},
		{"no start", uptime(func(a *record.Availability) { a.Start = time.Time{} }), "record: UptimeCredential: availability.start: is required"},
		{"a negative count", uptime(func(a *record.Availability) { a.Failures = -1 }), "availability.failures is -1: must not be negative"},
		{"negative down time", uptime(func(a *record.Availability) { a.DownPlannedSeconds, a.UpSeconds = -1, 604801 }), "availability.downPlannedSeconds is -1: must not be negative"},
		{"sums that overflow", uptime(func(a *record.Availability) { a.UpSeconds = math.MaxInt64 }), "availability.upSeconds is 9223372036854775807: must not be greater than 2^53-1"},
		{"more failures than interruptions", uptime(func(a *record.Availability) { a.Failures = 3 }), "availability.failures is 3: must not be more than interruptions, 2"},
		{"more missed than sampled", uptime(func(a *record.Availability) { a.Samples, a.Missed = 5, 6 }), "availability.missed is 6: must not be more than samples, 5"},
		{"a boot count that falls", uptime(func(a *record.Availability) { a.BootCount = &record.BootCount{First: 9, Last: 8} }), "availability.bootCount.first is 9: must not be more than bootCount.last, 8"},
		{"an unknown method", uptime(func(a *record.Availability) { a.Method = "guess" }), `availability.method is "guess": must be one of heartbeat, poll, self-report, attested`},
		{"no method", uptime(func(a *record.Availability) { a.Method = "" }), "availability.method: is required"},
		{"local time", uptime(func(a *record.Availability) { a.Start = a.Start.In(time.FixedZone("", 3600)) }), "availability.start is 2026-11-22T13:00:00+01:00: must be in UTC"},
		{"a year that RFC 3339 cannot write", uptime(func(a *record.Availability) { a.End = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), "availability.end is 10000-01-01T00:00:00Z: must be a time"},
		{"an observer that is nobody", uptime(func(a *record.Availability) { a.Observers = []did.DID{fleet, {}} }), "availability.observers[1]: is required"},
		{"a Merkle root that is no digest", uptime(func(a *record.Availability) { a.SamplesRoot = "abc" }), `availability.samplesRoot is "abc": must be the digest`},

		{"no time of work", maintained(func(m *record.Maintenance) { m.Time = time.Time{} }), "record: MaintenanceCredential: eventTime: is required"},
		{"a failure detected after it was repaired", maintained(func(m *record.Maintenance) { m.FailureDetected = noon.Add(time.Minute) }),
			"eventTime is 2026-11-22T12:00:00Z: must not be before maintenance.failureDetected, 2026-11-22T12:01:00Z"},
		{"next due before it was done", maintained(func(m *record.Maintenance) { m.NextDue = &record.Due{Date: noon.Add(-time.Hour)} }), "maintenance.nextDue.date is 2026-11-22T11:00:00Z: must not be before eventTime"},
		{"due at no time", maintained(func(m *record.Maintenance) { m.Due = &record.Due{} }), "maintenance.due: must have a date or a counter"},
		{"an unknown category", maintained(func(m *record.Maintenance) { m.Category = "cosmetic" }), `maintenance.category is "cosmetic": must be one of preventive, corrective, condition-based, predictive`},
		{"an unknown business step", maintained(func(m *record.Maintenance) { m.BizStep = "packing" }), `bizStep is "packing": must be one of commissioning`},
		{"an unknown disposition", maintained(func(m *record.Maintenance) { m.Disposition = "fine" }), `disposition is "fine": must be one of available`},
		{"negative down time", maintained(func(m *record.Maintenance) { m.DownSeconds = -5 }), "maintenance.downSeconds is -5: must not be negative"},
		{"a counter without a unit", maintained(func(m *record.Maintenance) { m.Counters = []record.Reading{{Value: 1}} }), "maintenance.counters[0].unit: must be a UN/CEFACT"},
		{"a unit in words", maintained(func(m *record.Maintenance) { m.Counters = []record.Reading{{Value: 1, Unit: "hours"}} }), `maintenance.counters[0].unit is "hours": must be a UN/CEFACT`},
		{"one counter twice", maintained(func(m *record.Maintenance) {
			m.Counters = []record.Reading{{Value: 1, Unit: record.Hours}, {Value: 2, Unit: record.Hours}}
		}), "maintenance.counters[1]: must not be there twice"},
		{"a negative counter", maintained(func(m *record.Maintenance) { m.Counters = []record.Reading{{Value: -1, Unit: record.Hours}} }), "maintenance.counters[0].value is -1: must not be negative"},
		{"counters without end", maintained(func(m *record.Maintenance) { m.Counters = make([]record.Reading, 257) }), "maintenance.counters is 257 long: must not have more than 256 elements"},
		{"a part that is nothing", maintained(func(m *record.Maintenance) { m.Part = &record.Part{} }), "maintenance.part: must have an id, a name or a serial"},
		{"somebody who is nobody", maintained(func(m *record.Maintenance) { m.PerformedBy = &record.Party{} }), "maintenance.performedBy: must have an id or a name"},
		{"text that moves the cursor", maintained(func(m *record.Maintenance) { m.Activity = "ok\x1b[2J" }), `maintenance.activity is "ok\x1b[2J": must not contain control characters`},
		{"text that is no UTF-8", maintained(func(m *record.Maintenance) { m.Activity = "\xff" }), `maintenance.activity is "\xff": must be UTF-8`},
		{"a book", maintained(func(m *record.Maintenance) { m.Activity = strings.Repeat("ü", 1001) }), "must not be longer than 1000 characters"},
		{"a document without a digest", maintained(func(m *record.Maintenance) { m.Documents = []record.Document{{ID: "https://x.example/"}} }), "maintenance.documents[0].digestMultibase: must be a multihash"},
		{"a document at no URL", maintained(func(m *record.Maintenance) { m.Documents = []record.Document{{ID: "x y", DigestMultibase: digest}} }), `maintenance.documents[0].id is "x y": must be a URI`},

		{"an unknown kind of incident", incident(func(e *record.Event) { e.Category = "oops" }), `incident.category is "oops": must be one of damage, failure, misuse, theft, sla-breach`},
		{"worse than total", incident(func(e *record.Event) { e.SeverityPermille = 1001 }), "incident.severityPermille is 1001: must be from 0 to 1000"},
		{"better than nothing", incident(func(e *record.Event) { e.SeverityPermille = -1 }), "incident.severityPermille is -1: must be from 0 to 1000"},
		{"over before it began", incident(func(e *record.Event) { e.Restored = noon.Add(-time.Second) }), "incident.restored is 2026-11-22T11:59:59Z: must not be before incident.detected"},
		{"never noticed", incident(func(e *record.Event) { e.Detected = time.Time{} }), "incident.detected: is required"},

		{"a lease to oneself", leased(func(l *record.Terms) { l.Lessee = l.Lessor }), "record: LeaseCredential: lease.lessee is did:web:fleet.example: must not be the lessor"},
		{"a lease by nobody", leased(func(l *record.Terms) { l.Lessor = did.DID{} }), "lease.lessor: is required"},
		{"a lease that ends before it begins", leased(func(l *record.Terms) { l.End = noon.Add(-time.Hour) }), "lease.end is 2026-11-22T11:00:00Z: must be after lease.start"},
		{"an account without a chain", leased(func(l *record.Terms) {
			l.Settlement = &record.Settlement{Account: "0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb"}
		}), "lease.settlement.account is \"0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb\": must be a CAIP-10 account"},
		{"an account with too long a namespace", leased(func(l *record.Terms) { l.Settlement = &record.Settlement{Account: "ethereums:1:0xab"} }), "must be a CAIP-10 account"},
		{"a usage token that is no asset", leased(func(l *record.Terms) { l.Settlement = &record.Settlement{Account: "eip155:1:0xab", Usage: "eip155:1"} }), "lease.settlement.usage is \"eip155:1\": must be a CAIP-19 asset"},
		{"collateral of no asset", leased(func(l *record.Terms) { l.Collateral = &record.Amount{Value: "1", Asset: "EUR"} }), `lease.collateral.asset is "EUR": must be a CAIP-19 asset`},
		{"collateral with decimals", leased(func(l *record.Terms) { l.Collateral = &record.Amount{Value: "1.5", Asset: "eip155:1/slip44:60"} }), `lease.collateral.value is "1.5": must be a decimal integer`},
		{"collateral with leading zeros", leased(func(l *record.Terms) { l.Collateral = &record.Amount{Value: "007", Asset: "eip155:1/slip44:60"} }), `lease.collateral.value is "007": must be a decimal integer`},
		{"collateral beyond uint256", leased(func(l *record.Terms) {
			l.Collateral = &record.Amount{Value: strings.Repeat("9", 79), Asset: "eip155:1/slip44:60"}
		}), "must be a decimal integer of at most 78 digits"},
		{"a policy that is no digest", leased(func(l *record.Terms) { l.ScorePolicy = "latest" }), `lease.scorePolicy is "latest": must be the digest`},

		{"on time, yet missing", returned(func(r *record.Return) { r.OnTime, r.Condition = true, record.ConditionMissing }),
			"record: LeaseOutcomeCredential: leaseOutcome.onTime is true: must be false for a machine that is missing"},
		{"the outcome of no lease", returned(func(r *record.Return) { r.Lease = "" }), "record: LeaseOutcomeCredential: leaseOutcome.lease: must be the digest of a credential"},
		{"a digest with bits that mean nothing", returned(func(r *record.Return) { r.Lease = digest[:46] + "h" }), "leaseOutcome.lease is \"uEiA"},
		{"a digest of another length", returned(func(r *record.Return) { r.Lease = digest + "A" }), "must be the digest of a credential"},
		{"a digest by another function", returned(func(r *record.Return) { r.Lease = "uFEC" + digest[4:] }), "must be the digest of a credential"},
		{"an unknown condition", returned(func(r *record.Return) { r.Condition = "so-so" }), `leaseOutcome.condition is "so-so": must be one of good, worn, damaged, destroyed, missing`},
		{"an incident that is no digest", returned(func(r *record.Return) { r.Incidents = []string{digest, "2"} }), `leaseOutcome.incidents[1] is "2": must be the digest`},

		{"a machine without a model", commissioned(func(c *record.Commissioning) { c.Model = "" }), "record: CommissioningCredential: model: is required"},
		{"a machine like any other", commissioned(func(c *record.Commissioning) { c.Serial = "" }), "serial: is required unless registered is there"},
		{"commissioned before it was built", commissioned(func(c *record.Commissioning) { c.Time, c.Built = noon, noon.Add(time.Hour) }), "eventTime is 2026-11-22T12:00:00Z: must not be before built, 2026-11-22T13:00:00Z"},
		{"registered nowhere", commissioned(func(c *record.Commissioning) { c.Registered = &record.Registration{Identifier: "1", Scheme: "GTIN"} }), `registered.scheme is "GTIN": must be a URI`},
		{"a key that is no key", commissioned(func(c *record.Commissioning) {
			c.KeyBinding = &record.KeyBinding{VerificationMethod: did.URL{DID: fleet}, Protection: record.TPM2}
		}), `keyBinding.verificationMethod is "did:web:fleet.example": must be a DID URL with a fragment`},
		{"unknown protection", commissioned(func(c *record.Commissioning) {
			c.KeyBinding = &record.KeyBinding{VerificationMethod: fleet.URL("k"), Protection: "safe"}
		}), `keyBinding.protection is "safe": must be one of tpm2, secure-element, tee, software`},
		{"attested by nobody", commissioned(func(c *record.Commissioning) {
			c.KeyBinding = &record.KeyBinding{VerificationMethod: fleet.URL("k"), Protection: record.TPM2, Attestation: &record.Attestation{Scheme: "x509", DigestMultibase: digest}}
		}), "keyBinding.attestation.verifiedBy: is required"},

		{"sold to oneself", transferred(func(o *record.OwnershipTransfer) { o.OwningParty.Destination = fleet }), "record: OwnershipTransferCredential: owningParty.destination is did:web:fleet.example: must not be the source"},
		{"alive only after the handover", transferred(func(o *record.OwnershipTransfer) {
			o.ProofOfLife = &record.ProofOfLife{Time: noon.Add(time.Hour), VerificationMethod: fleet.URL("k"), DigestMultibase: digest}
		}), "eventTime is 2026-11-22T12:00:00Z: must not be before proofOfLife.answered"},
		{"imported from nowhere", transferred(func(o *record.OwnershipTransfer) { o.ImportedFrom = &record.Import{DigestMultibase: digest} }), "importedFrom.scheme: is required"},
		{"ended at no time", &record.Decommissioning{}, "record: DecommissioningCredential: eventTime: is required"},

		{"accredited for nothing", accredited(func(g *record.Grant) { g.Attests = nil }), "record: AccreditationCredential: accreditation.attests: must name at least one credential type"},
		{"accredited for ever", accredited(func(g *record.Grant) { g.Until = time.Time{} }), "accreditation.until: is required"},
		{"a negative delegation", accredited(func(g *record.Grant) { g.DelegationDepth = -1 }), "accreditation.delegationDepth is -1: must not be negative"},

		{"an unknown assessor", certified(func(d *record.DigitalConformity) { d.AssessorLevel = "friend" }), `record: DigitalConformityCredential: assessorLevel is "friend": must be one of Self`},
		{"issued to nobody", certified(func(d *record.DigitalConformity) { d.IssuedToParty.ID = "" }), "issuedToParty.id: must be a URI"},
		{"a finding about nothing", certified(func(d *record.DigitalConformity) { d.Assessment = []record.ConformityFinding{{ID: "urn:x:y"}} }), "assessment[0].conformityTopic: is required"},
		{"a date that is none", certified(func(d *record.DigitalConformity) {
			d.Assessment = []record.ConformityFinding{{ID: "urn:x:y", ConformityTopic: "social.safety", AssessmentDate: "2026-02-30"}}
		}), `assessment[0].assessmentDate is "2026-02-30": must be a date`},
		{"a hash by no function", certified(func(d *record.DigitalConformity) { d.AuditableEvidence = &record.SecureLink{HashMethod: "MD5"} }), `auditableEvidence.hashMethod is "MD5": must be one of SHA-256, SHA-1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.claim.Validate()
			require.ErrorContains(t, err, tt.want)
			var e *record.FieldError
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.claim.CredentialType(), e.Type)
			require.Less(t, len(err.Error()), 400)
		})
	}
}

// A schema cannot compare two values, and JSON has no zero time.
var beyondSchema = []string{
	"must not be before", "must be after", "must add up", "must not be more than", "must not be the lessor", "must not be the source",
	"must not be there twice", "must be a time",
}

// However a valid example is bent, its schema and Validate give the same verdict, as far as a schema can tell.
func TestSchemasAndValidateAgree(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{}
	for _, typ := range record.Types() {
		schemas[typ] = compile(t, typ)
	}
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(record.Types()).Draw(t, "type")
		example, _ := record.Example(typ)
		claim := decode(t, typ, example)
		for range rapid.IntRange(1, 2).Draw(t, "bends") {
			bend(t, reflect.ValueOf(claim).Elem())
		}
		text := credential(t, claim)
		bySchema, byUs := conforms(schemas[typ], text), claim.Validate()
		if byUs == nil {
			require.NoError(t, bySchema, string(text))
			return
		}
		for _, rule := range beyondSchema {
			if strings.Contains(byUs.Error(), rule) {
				return
			}
		}
		require.Error(t, bySchema, "%s\n%s", byUs, text)
	})
}

// bend changes one field somewhere in v.
func bend(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(rapid.SampledFrom([]time.Time{
			noon, noon.AddDate(40, 0, 0), noon.AddDate(-40, 0, 0), noon.Add(time.Nanosecond), noon.In(time.FixedZone("", -1800)),
		}).Draw(t, "time")))
		return
	case did.DID:
		v.Set(reflect.ValueOf(rapid.SampledFrom([]did.DID{fleet, farm, did.MustParse("did:key:zabc"), did.MustParse("did:web:x%3A80:a:b")}).Draw(t, "DID")))
		return
	case did.URL:
		v.Set(reflect.ValueOf(rapid.SampledFrom([]did.URL{fleet.URL("k"), {DID: fleet}, {DID: farm, Path: "/p", Query: "q=1", Fragment: "f"}}).Draw(t, "DID URL")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		bend(t, v.Field(rapid.IntRange(0, v.NumField()-1).Draw(t, "field")))
	case reflect.Pointer:
		switch {
		case v.IsNil():
			v.Set(reflect.New(v.Type().Elem()))
		case rapid.IntRange(0, 4).Draw(t, "drop") == 0:
			v.SetZero()
			return
		}
		bend(t, v.Elem())
	case reflect.Slice:
		switch n := rapid.IntRange(0, 5).Draw(t, "list"); {
		case n == 0:
			v.SetZero()
		case n == 1:
			v.Set(reflect.MakeSlice(v.Type(), 257, 257))
		case n == 2 && v.Len() > 0:
			v.Set(reflect.Append(v, v.Index(0)))
		case v.Len() > 0:
			bend(t, v.Index(rapid.IntRange(0, v.Len()-1).Draw(t, "element")))
		}
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{-1, 0, 1, 999, 1001, record.MaxInteger, record.MaxInteger + 1, math.MaxInt64, math.MinInt64}).Draw(t, "integer"))
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{
			"", "x", "a b", "preventive", "available", "HUR", "C6", "hur", "12", "012", "1e3", "0", "tab\there", "\u0085", "ü", "\u202e",
			strings.Repeat("x", 1000), strings.Repeat("x", 1001), strings.Repeat("ü", 1000), "https://x.example/?a=b#c", "https ://x", "urn:x", ":", "x:",
			digest, digest[:46], digest[:46] + "h", "zQmYtUc4iTCbbfVSDNKvtQqrfyezPPnFvE33wFmutw9PBBk" + "abc", "eip155:1", "eip155:1:0xab", "eip155:1/erc20:0xab",
			"eip155:1/erc721:0xab/7", "eip155:1/erc721:0xab/", "eip:1/erc:0", "EIP155:1:0xab", strings.Repeat("9", 78), strings.Repeat("9", 79), "2026-11-22", "2026-13-01",
		}).Draw(t, "text"))
	default:
		t.Fatalf("no way to bend a %s", v.Type())
	}
}

func FuzzValidate(f *testing.F) {
	for i, typ := range record.Types() {
		example, _ := record.Example(typ)
		f.Add(uint8(i), []byte(subject(f, example)))
	}
	f.Fuzz(func(t *testing.T, n uint8, text []byte) {
		types := record.Types()
		typ := types[int(n)%len(types)]
		claim, _ := record.New(typ)
		if err := json.Unmarshal(text, claim); err != nil {
			return
		}
		err := claim.Validate()
		if err != nil {
			require.Less(t, len(err.Error()), 1000)
			return
		}
		again, err := json.Marshal(claim)
		require.NoError(t, err)
		same, _ := record.New(typ)
		require.NoError(t, json.Unmarshal(again, same))
		require.NoError(t, same.Validate(), string(again))
		twice, err := json.Marshal(same)
		require.NoError(t, err)
		require.Equal(t, string(again), string(twice))
	})
}

// A device that issues records does not carry their schemas.
func TestSchemasAreLinkedOnlyIfUsed(t *testing.T) {
	if testing.Short() {
		t.Skip("links two programs")
	}
	dir := t.TempDir()
	link := func(use string) []byte {
		source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
		require.NoError(t, os.WriteFile(source, []byte("package main\n\nimport \"github.com/hourmeter/hourmeter/vc/record\"\n\nfunc main() { "+use+" }\n"), 0o600))
		out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput()
		require.NoError(t, err, string(out))
		binary, err := os.ReadFile(program)
		require.NoError(t, err)
		return binary
	}
	mark := []byte("https://w3id.org/hourmeter/v1/schema/")
	require.NotContains(t, string(link(`c, _ := record.New("UptimeCredential"); println(c.Validate().Error())`)), string(mark))
	require.Contains(t, string(link(`s, _ := record.Schema("UptimeCredential"); println(string(s))`)), string(mark))
}
