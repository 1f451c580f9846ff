package linkage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/linkage"
)

// quiet lets examples use the helpers of tests.
type quiet struct{ testing.TB }

func (quiet) Helper()                           {}
func (quiet) Errorf(format string, args ...any) { fmt.Printf(format, args...) }
func (quiet) FailNow()                          { panic("see above") }
func (quiet) Context() context.Context          { return context.Background() }

// A shop links its DID to its domain: a credential for the domain, a service for the document.
func ExampleIssueJWT() {
	shop := web("did:web:shop.example")
	site, err := linkage.ParseOrigin("https://shop.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	credential, err := linkage.IssueJWT(shop, site, noon, noon.AddDate(1, 0, 0))
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := json.Marshal(&linkage.Configuration{Credentials: [][]byte{credential}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("publish at", site.URL())

	// Whoever resolves the DID and asks the domain sees that both say so.
	c := linkage.Checker{
		Resolver: documents(document(quiet{}, shop, "https://shop.example")), // resolver.Web asks for it
		Source:   published{site.URL(): string(file)},                        // resolver.Documents does
		Now:      clock,
	}
	link, err := c.Domain(context.Background(), shop.ID, site)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(link.DID, "is", link.Origin, "until", link.Until.Format("2006-01-02"))
	// Output:
	// publish at https://shop.example/.well-known/did-configuration.json
	// did:web:shop.example is https://shop.example until 2027-11-22
}

func ExampleIssue() {
	shop := web("did:web:shop.example")
	credential, err := linkage.Issue(shop, origin(quiet{}, "https://shop.example"), noon, noon.AddDate(1, 0, 0))
	if err != nil {
		fmt.Println(err)
		return
	}
	config := linkage.Configuration{Credentials: [][]byte{credential}}
	fmt.Println(config.DIDs())
	// Output:
	// [did:web:shop.example]
}

// Anybody can write that a domain is his.
func ExampleChecker_Domain() {
	thief := web("did:web:thief.example")
	c := linkage.Checker{
		Resolver: documents(document(quiet{}, thief, "https://bank.example")),
		Source:   published{"https://bank.example" + linkage.WellKnown: configuration(quiet{})},
	}
	_, err := c.Domain(context.Background(), thief.ID, origin(quiet{}, "https://bank.example"))
	fmt.Println(err)
	fmt.Println("an answer:", did.IsAnswer(err))
	// Output:
	// linkage: did:web:thief.example claims to be linked to https://bank.example, which does not say so
	// an answer: true
}

func ExampleChecker_Domains() {
	shop := web("did:web:shop.example")
	token, err := linkage.IssueJWT(shop, origin(quiet{}, site), noon, noon.AddDate(1, 0, 0))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := linkage.Checker{
		Resolver: documents(document(quiet{}, shop, "https://shop.example", "https://bank.example")),
		Source:   published{site + linkage.WellKnown: configuration(quiet{}, token), "https://bank.example" + linkage.WellKnown: configuration(quiet{})},
		Now:      clock,
	}
	results, err := c.Domains(context.Background(), shop.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range results {
		fmt.Println(r.Origin, r.Err == nil)
	}
	// Output:
	// https://shop.example true
	// https://bank.example false
}

func ExampleChecker_Verify() {
	c := linkage.Checker{Resolver: documents(document(quiet{}, web("did:web:shop.example"), site))}
	published, err := linkage.ParseConfiguration([]byte(`{"@context":"https://identity.foundation/.well-known/did-configuration/v1","linked_dids":[]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Verify(context.Background(), did.MustParse("did:web:shop.example"), origin(quiet{}, site), published)
	side, ok := errors.AsType[*linkage.OneSidedError](err)
	fmt.Println(ok, side.Claims, "/", side.Silent)
	// Output:
	// true did:web:shop.example / https://shop.example
}

func ExampleChecker_Fetch() {
	c := linkage.Checker{Source: published{site + linkage.WellKnown: configuration(quiet{})}}
	config, err := c.Fetch(context.Background(), origin(quiet{}, site))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(config.DIDs()), "DIDs are claimed")
	// Output:
	// 0 DIDs are claimed
}

func ExampleParseConfiguration() {
	_, err := linkage.ParseConfiguration([]byte(`{"linked_dids":[]}`))
	fmt.Println(errors.Is(err, linkage.ErrConfiguration))
	// Output:
	// true
}

func ExampleParseOrigin() {
	o, err := linkage.ParseOrigin("https://Shop.example:443/")
	fmt.Println(o, err)
	_, err = linkage.ParseOrigin("https://shop.example/drones")
	fmt.Println(err)
	// Output:
	// https://shop.example <nil>
	// linkage: not an origin: "https://shop.example/drones" is more than a host and a port
}

func ExampleClaimed() {
	origins, err := linkage.Claimed(document(quiet{}, web("did:web:shop.example"), "https://shop.example", "https://bank.example"))
	fmt.Println(origins, err)
	// Output:
	// [https://shop.example https://bank.example] <nil>
}

func ExampleService() {
	id := did.MustParse("did:web:shop.example")
	s, err := linkage.Service(id.URL("sites"), origin(quiet{}, site))
	fmt.Println(s.Type, s.Endpoint, err)
	// Output:
	// [LinkedDomains] [https://shop.example] <nil>
}

func ExampleSame() {
	r := documents(known("did:web:drone.example", "did:web:fleet.example:7"), known("did:web:fleet.example:7", "did:web:drone.example"), known("did:web:thief.example", "did:web:drone.example"))
	drone := did.MustParse("did:web:drone.example")
	for _, other := range []string{"did:web:fleet.example:7", "did:web:thief.example"} {
		bond, err := linkage.Same(context.Background(), r, drone, did.MustParse(other))
		fmt.Println(bond, err)
	}
	// Output:
	// alsoKnownAs <nil>
	//  linkage: did:web:thief.example claims to be linked to did:web:drone.example, which does not say so
}

func ExampleGroup() {
	r := documents(known("did:web:a.example", "did:web:b.example"), known("did:web:b.example", "did:web:a.example"), known("did:web:c.example", "did:web:a.example"))
	g, err := linkage.Group(context.Background(), r, []did.DID{did.MustParse("did:web:a.example"), did.MustParse("did:web:b.example"), did.MustParse("did:web:c.example")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Same)
	fmt.Println(g.OneSided)
	// Output:
	// [[did:web:a.example did:web:b.example] [did:web:c.example]]
	// [linkage: did:web:c.example claims to be linked to did:web:a.example, which does not say so]
}
