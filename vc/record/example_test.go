package record_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/record"
)

func ExampleMaintenance() {
	work := record.Maintenance{
		Time:        time.Date(2026, time.November, 21, 16, 0, 0, 0, time.UTC),
		BizStep:     record.StepReplacing,
		Disposition: record.DispAvailable,
		Work: record.Work{
			Category: record.Preventive,
			Part:     &record.Part{Name: "rotor 3"},
			Counters: []record.Reading{{Name: "hour meter", Value: 812, Unit: record.Hours}},
			NextDue:  &record.Due{Date: time.Date(2027, time.May, 21, 0, 0, 0, 0, time.UTC)},
		},
	}
	text, err := json.Marshal(work)
	fmt.Println(string(text), err)
	// Output:
	// {"eventTime":"2026-11-21T16:00:00Z","bizStep":"replacing","disposition":"available","maintenance":{"category":"preventive","part":{"name":"rotor 3"},"counters":[{"name":"hour meter","value":812,"unit":"HUR"}],"nextDue":{"date":"2027-05-21T00:00:00Z"}}} <nil>
}

func ExampleUptime_Validate() {
	start := time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC)
	day := record.Uptime{Availability: record.Availability{
		Start: start, End: start.AddDate(0, 0, 1),
		RequiredSeconds: 86400, UpSeconds: 80000, DownUnplannedSeconds: 6000,
		Interruptions: 1, Failures: 1, Method: record.Poll,
	}}
	err := day.Validate()
	fmt.Println(err)
	if field, ok := errors.AsType[*record.FieldError](err); ok {
		fmt.Println(field.Field, "=", field.Value)
	}
	// Output:
	// record: UptimeCredential: availability.upSeconds is 80000: must add up, with downPlannedSeconds 0 and downUnplannedSeconds 6000, to requiredSeconds 86400
	// availability.upSeconds = 80000
}

func ExampleCommissioning_Validate() {
	fmt.Println(record.Commissioning{Model: "Lynx 4"}.Validate())
	// Output: record: CommissioningCredential: serial: is required unless registered is there
}

func ExampleMaintenance_Validate() {
	done := time.Date(2026, time.November, 21, 16, 0, 0, 0, time.UTC)
	fmt.Println(record.Maintenance{Time: done, Work: record.Work{Category: record.Corrective, FailureDetected: done.Add(time.Hour)}}.Validate())
	// Output: record: MaintenanceCredential: eventTime is 2026-11-21T16:00:00Z: must not be before maintenance.failureDetected, 2026-11-21T17:00:00Z
}

func ExampleIncident_Validate() {
	seen := time.Date(2026, time.January, 5, 6, 0, 0, 0, time.UTC)
	fmt.Println(record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 500, Detected: seen, Code: "comp4"}}.Validate())
	fmt.Println(record.Incident{Event: record.Event{Category: "crash", Detected: seen}}.Validate())
	// Output:
	// <nil>
	// record: IncidentCredential: incident.category is "crash": must be one of damage, failure, misuse, theft, sla-breach
}

func ExampleLease_Validate() {
	start := time.Date(2026, time.November, 1, 8, 0, 0, 0, time.UTC)
	fmt.Println(record.Lease{Terms: record.Terms{
		Lessor: did.MustParse("did:web:fleet.example"), Lessee: did.MustParse("did:web:farm.example"), Start: start, End: start.AddDate(0, 1, 0),
		Collateral: &record.Amount{Value: "1500", Asset: "USDC"},
	}}.Validate())
	// Output: record: LeaseCredential: lease.collateral.asset is "USDC": must be a CAIP-19 asset, such as eip155:1/erc20:0x6b17…
}

func ExampleLeaseOutcome_Validate() {
	fmt.Println(record.LeaseOutcome{Return: record.Return{Lease: "lease 88"}}.Validate())
	// Output: record: LeaseOutcomeCredential: leaseOutcome.lease is "lease 88": must be the digest of a credential: a sha2-256 multihash in multibase base64url, uEi…
}

func ExampleOwnershipTransfer_Validate() {
	owner := did.MustParse("did:web:fleet.example")
	sold := record.OwnershipTransfer{Time: time.Date(2026, time.December, 10, 12, 0, 0, 0, time.UTC), OwningParty: record.OwningParty{Source: owner, Destination: owner}}
	fmt.Println(sold.Validate())
	// Output: record: OwnershipTransferCredential: owningParty.destination is did:web:fleet.example: must not be the source
}

func ExampleDecommissioning_Validate() {
	fmt.Println(record.Decommissioning{}.Validate())
	// Output: record: DecommissioningCredential: eventTime: is required
}

func ExampleAccreditation_Validate() {
	fmt.Println(record.Accreditation{Grant: record.Grant{Attests: []string{"MaintenanceCredential"}}}.Validate())
	// Output: record: AccreditationCredential: accreditation.until: is required
}

func ExampleDigitalConformity_Validate() {
	fmt.Println(record.DigitalConformity{AssessorLevel: "3rdParty", AssessmentLevel: "Accredited", AttestationType: "stamp"}.Validate())
	// Output: record: DigitalConformityCredential: attestationType is "stamp": must be one of certification, declaration, inspection, testing, verification, validation, calibration
}

// A program that reads claims whose types it learns from the data.
func ExampleNew() {
	claim, ok := record.New("IncidentCredential")
	fmt.Println(ok)
	err := json.Unmarshal([]byte(`{"incident":{"category":"theft","severityPermille":1000,"detected":"2026-11-22T02:10:00Z"}}`), claim)
	fmt.Println(err, claim.Validate())
	fmt.Println(claim.(*record.Incident).Category)
	// Output:
	// true
	// <nil> <nil>
	// theft
}

func ExampleTypes() {
	fmt.Println(strings.Join(record.Types()[:3], " "))
	// Output: CommissioningCredential MaintenanceCredential UptimeCredential
}

func ExampleSchema() {
	schema, ok := record.Schema("UptimeCredential")
	title, _, _ := strings.Cut(string(schema[strings.Index(string(schema), `"title"`):]), ",")
	fmt.Println(ok, title)
	// Output: true "title": "How long a machine was able to do its work"
}

func ExampleExample() {
	example, ok := record.Example("LeaseCredential")
	fmt.Println(ok, strings.Contains(string(example), `"permittedUse": "crop spraying below 30 m"`))
	// Output: true true
}
