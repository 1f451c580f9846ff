package schema_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/schema"
)

// An issuer, or anybody else, holds a credential against the schema that it names.
func ExampleChecker() {
	checker := &schema.Checker{Source: schema.Static{
		"https://example.com/schemas/email.json": []byte(`{
			"$id": "https://example.com/schemas/email.json",
			"$schema": "https://json-schema.org/draft/2020-12/schema",
			"type": "object",
			"properties": {"credentialSubject": {
				"type": "object",
				"properties": {"emailAddress": {"type": "string", "format": "email"}},
				"required": ["emailAddress"]
			}}
		}`),
	}}
	// As the Schema of a vc.Verifier, or by itself:
	entry := []byte(`{"id": "https://example.com/schemas/email.json", "type": "JsonSchema"}`)
	for _, credential := range []string{
		`{"credentialSubject": {"emailAddress": "subject@example.com"}}`,
		`{"credentialSubject": {"emailAddress": "not an email"}}`,
		`{"credentialSubject": {}}`,
	} {
		err := checker.CheckSchema(context.Background(), entry, []byte(credential))
		fmt.Println(errors.Is(err, vc.ErrSchema), err)
	}

	err := checker.CheckSchema(context.Background(), []byte(`{"id": "https://example.com/other", "type": "JsonSchema"}`), []byte(`{}`))
	_, unchecked := errors.AsType[*schema.Error](err)
	fmt.Println(unchecked) // neither fits nor does not: try again
	// Output:
	// false <nil>
	// true does not fit its schema: "https://example.com/schemas/email.json": "/credentialSubject/emailAddress": format
	// true does not fit its schema: "https://example.com/schemas/email.json": "/credentialSubject": required ["emailAddress"]
	// true
}

var (
	_ vc.SchemaChecker = (*schema.Checker)(nil)
	_ schema.Source    = (*resolver.Documents)(nil) // which share no package
)
