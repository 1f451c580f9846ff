package schema_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/schema"
)

// A long list in a schema, held against each value of a long list in a credential, is work that nobody pays for by
// the byte: the first of these took all memory, the next two ten seconds.
func TestListsTimesLists(t *testing.T) {
	list := func(n int, format string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, i))
		}
		return strings.Join(all, ",")
	}
	many := func(n int, value string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(value+",", n), ",") + "]"
	}
	for name, c := range map[string]struct{ schema, claim string }{
		"required":             {`"items":{"required":[` + list(9000, `"r%d"`) + `]}`, many(80_000, "{}")},
		"enum of objects":      {`"items":{"enum":[` + list(4000, `{"a":%d}`) + `]}`, many(20_000, `{"a":"b"}`)},
		"enum of strings":      {`"items":{"enum":[` + list(9000, `"r%d"`) + `]}`, many(60_000, `"b"`)},
		"enum of names":        {`"propertyNames":{"enum":[` + list(9000, `"r%d"`) + `]}`, `{` + list(20_000, `"s%d":1`) + `}`},
		"const":                {`"items":{"const":[` + list(9000, "%d") + `]}`, many(4000, "["+list(9, "%d")+"]")},
		"dependentRequired":    {`"items":{"dependentRequired":{"a":[` + list(9000, `"r%d"`) + `]}}`, many(30_000, `{"a":1}`)},
		"few items, but large": {`"items":{"allOf":[` + strings.TrimSuffix(strings.Repeat(`{"uniqueItems":true},`, 4000), ",") + `]}`, `[[[` + list(9000, "%d") + `],[` + list(9000, "%d") + `,0]]]`},
	} {
		t.Run(name, func(t *testing.T) {
			const head = `{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"c":{`
			checker := &schema.Checker{Source: schema.Static{schemaURL: []byte(head + c.schema + `}}}`)}}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := checker.CheckSchema(context.Background(), []byte(`{"id":"`+schemaURL+`","type":"JsonSchema"}`), []byte(`{"issuer":"did:example:1","c":`+c.claim+`}`))
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, "250000 steps")
			require.False(t, errors.Is(err, vc.ErrSchema), "no verdict")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20))
		})
	}
}

// What a schema refers to counts with it: three documents of as many values as one may have took 24 seconds to compile,
// and sixteen would have taken eleven minutes.
func TestDocumentsTogether(t *testing.T) {
	var properties []string
	for i := range 6000 {
		properties = append(properties, fmt.Sprintf(`"p%d":true`, i))
	}
	const head = `{"$schema":"https://json-schema.org/draft/2020-12/schema",`
	members := `"properties":{` + strings.Join(properties, ",") + `}}`
	checker := &schema.Checker{Source: fetched{
		schemaURL:                    []byte(head + `"allOf":[{"$ref":"https://depot.example/more"}],` + members),
		"https://depot.example/more": []byte(head + members),
	}}
	err := checker.CheckSchema(context.Background(), []byte(`{"id":"`+schemaURL+`","type":"JsonSchema"}`), []byte(`{"issuer":"did:example:1"}`))
	require.ErrorContains(t, err, "in all documents together")
	require.False(t, errors.Is(err, vc.ErrSchema))
}

// fetched is Static with documents that were just fetched.
type fetched schema.Static

func (f fetched) Document(ctx context.Context, url, accept string) ([]byte, string, time.Time, error) {
	body, mediaType, _, err := schema.Static(f).Document(ctx, url, accept)
	return body, mediaType, time.Now(), err
}
