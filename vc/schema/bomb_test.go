package schema_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

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
