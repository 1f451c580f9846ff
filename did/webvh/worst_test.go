package webvh_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did/webvh"
)

// What the largest logs and witness files that are read cost, made by somebody who wants them to cost as much as
// they can: that is what the limits are for.
func BenchmarkWorst(b *testing.B) {
	keys := make([]string, webvh.MaxListed)
	for i := range keys {
		keys[i] = `"` + text(byte(i+1)) + `"`
	}
	witnesses := make([]string, webvh.MaxListed)
	for i := range witnesses {
		witnesses[i] = `{"id":"did:key:` + text(byte(i+1)) + `"}`
	}
	hosts := make([]string, webvh.MaxListed)
	for i := range hosts {
		hosts[i] = fmt.Sprintf(`"https://w%d.example/%s"`, i, strings.Repeat("w", 1800))
	}
	for _, w := range []struct {
		name    string
		edit    func(i int, e *forged)
		witness bool
	}{
		{"as many entries as may be", func(int, *forged) {}, false},
		{"eight proofs of each", func(_ int, e *forged) { e.proofs = webvh.MaxProofs }, false},
		{"other keys each time", func(i int, e *forged) {
			if i > 0 {
				e.params = `{"updateKeys":[` + keys[0] + "," + strings.Join(append(keys[1+i%63:], keys[1:1+i%63]...), ",") + `]}`
			}
		}, false},
		{"a move each time", func(i int, e *forged) {
			if i == 0 {
				e.params, e.state = params(`"portable":true`), `{"id":"did:webvh:{SCID}:f0.example"}`
				return
			}
			e.beforeSign = func(line string) string {
				from := line[strings.Index(line, `"state":{"id":"`)+len(`"state":{"id":"`):]
				from = from[:strings.IndexByte(from, '"')]
				to := strings.Replace(from, fmt.Sprintf("f%d.", i-1), fmt.Sprintf("f%d.", i), 1)
				return line[:strings.Index(line, `"state":`)] + fmt.Sprintf(`"state":{"id":%q,"alsoKnownAs":[%q]}}`, to, from)
			}
		}, false},
		{"a long list of watchers", func(i int, e *forged) {
			if i == 0 {
				e.params = params(`"watchers":[` + strings.Join(hosts, ",") + `]`)
			}
		}, false},
		{"a witness file of proofs that do not hold", func(i int, e *forged) {
			if i == 0 {
				e.params = params(`"witness":{"threshold":1,"witnesses":[` + strings.Join(witnesses, ",") + `]}`)
			}
		}, true},
	} {
		b.Run(w.name, func(b *testing.B) {
			one := first()
			w.edit(0, &one)
			last := one.add(b, "")
			raw := []byte(last)
			for i := 1; i < webvh.MaxEntries && (!w.witness || i < 2); i++ {
				e := second()
				e.number, e.time = i+1, day(1).Add(time.Duration(i)*time.Second).Format(time.RFC3339)
				w.edit(i, &e)
				if last = strings.TrimPrefix(e.add(b, last), last); len(raw)+len(last) > webvh.MaxLogBytes {
					break
				}
				raw = append(raw, last...)
			}
			id, err := webvh.Subject(raw)
			require.NoError(b, err)
			var file []byte
			if w.witness {
				log, _ := webvh.Verify(id, raw, nil)
				for e := range log.Pending() {
					proof := forged{key: key(1), proofValue: "z3uHmobxUXzzk5Gw5d6vb57bhnZZfGcSMRnfvivLkXkqRt1MrDrpEWW6jNjXr22iJFEo3Qp8o9nyKnVhWipdsGFpu"}.proof(b, []byte(e.VersionID))
					file = append(file, `{"versionId":"`+e.VersionID+`","proof":[`+proof...)
					for len(file) < webvh.MaxWitnessBytes-2*len(proof)-1000 {
						file = append(append(file, ','), proof...)
					}
					file = append(append([]byte{'['}, file...), "]}]"...)
					break
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				log, err := webvh.Verify(id, raw, file)
				require.Equal(b, w.witness, err != nil)
				require.Equal(b, w.witness, log.Len() == 0)
			}
			b.ReportMetric(float64(len(raw)+len(file)), "bytes")
		})
	}
}
