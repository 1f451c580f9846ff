package chain_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// d is a digest as text.
func d(b byte) string { return vc.Digest{b}.String() }

var (
	openText   = `{"chain":"` + d(1) + `","sequence":9,"previous":"` + d(2) + `","entry":"open","due":"2026-12-22T00:00:00Z","class":"lease","totals":{"entries":10,"open":1,"overdue":0,"adverse":2}}`
	closeText  = `{"chain":"` + d(1) + `","sequence":41,"previous":"` + d(2) + `","entry":"close","refersTo":38,"class":"lease","outcome":"good","totals":{"entries":42,"open":1,"overdue":0,"adverse":2}}`
	amendText  = `{"chain":"` + d(1) + `","sequence":3,"previous":"` + d(2) + `","entry":"amend","refersTo":0,"totals":{"entries":4,"open":0,"overdue":0,"adverse":0}}`
	firstText  = `{"sequence":0,"entry":"commission","totals":{"entries":1,"open":0,"overdue":0,"adverse":0}}`
	reportText = `{"chain":"` + d(1) + `","sequence":1,"previous":"` + d(1) + `","entry":"observe","outcome":"breach","totals":{"entries":2,"open":0,"overdue":0,"adverse":1}}`
)

var rotateText = `{"chain":"` + d(1) + `","sequence":7,"previous":"` + d(2) + `","entry":"rotate","revokes":["did:web:m.example#k1","did:web:m.example#k2"],"compromisedSince":"2026-10-01T00:00:00Z","totals":{"entries":8,"open":0,"overdue":0,"adverse":0}}`

func TestLinkIsWrittenAsRead(t *testing.T) {
	for _, text := range []string{rotateText, openText, closeText, amendText, firstText, reportText} {
		var l chain.Link
		require.NoError(t, json.Unmarshal([]byte(text), &l))
		back, err := json.Marshal(l)
		require.NoError(t, err)
		require.Equal(t, text, string(back))
	}
}

func TestLinkRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, old, new, says string }{
		{"not an object", firstText, firstText, `[]`, "want an object"},
		{"unknown member", openText, `"class"`, `"weight":1,"class"`, `"weight": unknown member`},
		{"member in other case", openText, `"class"`, `"Class"`, `"Class": unknown member`},
		{"member twice", openText, `"class":"lease"`, `"class":"lease","class":"lease"`, "class"},
		{"null", openText, `"lease"`, `null`, "class"},
		{"no sequence", openText, `"sequence":9,`, ``, `"sequence" is missing`},
		{"no totals", firstText, `,"totals":{"entries":1,"open":0,"overdue":0,"adverse":0}`, ``, `"totals" is missing`},
		{"no entry", firstText, `"entry":"commission",`, ``, `"entry" is missing`},
		{"no chain", openText, `"chain":"` + d(1) + `",`, ``, "needs chain and previous"},
		{"no previous", openText, `"previous":"` + d(2) + `",`, ``, "needs chain and previous"},
		{"chain in the first", firstText, `"entry"`, `"chain":"` + d(1) + `","entry"`, "neither chain nor previous"},
		{"empty digest", openText, d(2), ``, "want a digest"},
		{"digest of zeros", openText, d(2), vc.Digest{}.String(), "all zeros"},
		{"digest cut short", openText, d(2), d(2)[:20], "previous"},
		{"sequence is a fraction", openText, `:9,`, `:9.5,`, "no whole number"},
		{"sequence is written otherwise", openText, `:9,`, `:9e0,`, "no whole number"},
		{"sequence is negative", openText, `:9,`, `:-9,`, "no whole number"},
		{"sequence is huge", openText, `:9,`, `:9007199254740992,`, "9007199254740992"},
		{"unknown kind", openText, `"open","due"`, `"lend","due"`, "none of commission"},
		{"commission later", openText, `"open","due":"2026-12-22T00:00:00Z","class":"lease"`, `"commission"`, "commission, and no other"},
		{"report first", firstText, `"commission"`, `"retire"`, "commission, and no other"},
		{"open without due", openText, `"due":"2026-12-22T00:00:00Z",`, ``, "needs due"},
		{"open without class", openText, `"class":"lease",`, ``, "class"},
		{"open with outcome", openText, `"class"`, `"outcome":"good","class"`, "outcome does not belong"},
		{"open with refersTo", openText, `"class"`, `"refersTo":0,"class"`, "refersTo belongs"},
		{"due with an offset", openText, `00Z`, `00+00:00`, "no time like"},
		{"due on no day", openText, `12-22`, `02-30`, "no time like"},
		{"class with capitals", openText, `"lease"`, `"Lease"`, "no class"},
		{"class too long", openText, `"lease"`, `"` + strings.Repeat("x", 33) + `"`, "no class"},
		{"close without refersTo", closeText, `"refersTo":38,`, ``, "refersTo belongs"},
		{"close without outcome", closeText, `"outcome":"good",`, ``, "outcome"},
		{"close with due", closeText, `"class"`, `"due":"2026-12-22T00:00:00Z","class"`, "due does not belong"},
		{"close of itself", closeText, `"refersTo":38`, `"refersTo":41`, "want an earlier entry"},
		{"amend with class", amendText, `"refersTo"`, `"class":"lease","refersTo"`, "class does not belong"},
		{"amend with outcome", amendText, `"refersTo"`, `"outcome":"good","refersTo"`, "outcome does not belong"},
		{"outcome unknown", reportText, `"breach"`, `"fine"`, "none of good"},
		{"outcome empty", reportText, `"breach"`, `""`, "none of good"},
		{"totals short of one", openText, `"overdue":0,`, ``, "want entries, open, overdue and adverse"},
		{"totals with another", openText, `"overdue"`, `"late"`, `"late"`},
		{"revokes is a text", rotateText, `["did:web:m.example#k1","did:web:m.example#k2"]`, `"did:web:m.example#k1"`, "want an array of 1 to 8"},
		{"revokes nothing", rotateText, `["did:web:m.example#k1","did:web:m.example#k2"]`, `[]`, "want an array of 1 to 8"},
		{"revokes a DID", rotateText, `#k1`, ``, "with a fragment"},
		{"revokes a key twice", rotateText, `#k1`, `#k2`, "twice"},
		{"revokes null", rotateText, `"did:web:m.example#k1"`, `null`, "revokes"},
		{"revokes without since", rotateText, `,"compromisedSince":"2026-10-01T00:00:00Z"`, ``, "needs compromisedSince"},
		{"since without revokes", rotateText, `"revokes":["did:web:m.example#k1","did:web:m.example#k2"],`, ``, "needs compromisedSince"},
		{"retire revokes", rotateText, `"rotate"`, `"retire"`, "do not belong"},
		{"totals negative", openText, `"adverse":2`, `"adverse":-2`, "no whole number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Contains(t, tt.text, tt.old)
			l := chain.Link{Sequence: 7}
			err := json.Unmarshal([]byte(strings.Replace(tt.text, tt.old, tt.new, 1)), &l)
			require.ErrorContains(t, err, tt.says)
			require.Equal(t, chain.Link{Sequence: 7}, l)
		})
	}
	_, err := json.Marshal(chain.Link{})
	require.Error(t, err, "what would be refused is not written")
}

func FuzzLink(f *testing.F) {
	for _, text := range []string{rotateText, openText, closeText, amendText, firstText, reportText, `{}`, `null`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var l, again chain.Link
		if l.UnmarshalJSON(text) != nil {
			return
		}
		written, err := l.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalJSON(written))
		require.Equal(t, l, again)
	})
}

func FuzzHead(f *testing.F) {
	l := year(f)
	for _, h := range append(l.heads, chain.Head{}) {
		text, err := json.Marshal(h)
		require.NoError(f, err)
		f.Add(text)
	}
	next := entry(f, l.head, 70, good, shop)
	f.Fuzz(func(t *testing.T, text []byte) {
		var h, again chain.Head
		if json.Unmarshal(text, &h) != nil {
			return
		}
		written, err := json.Marshal(h)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again), "%s", written)
		c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(70)}
		_ = h.Append(c, closing(2, chain.Good))
		_ = h.Advance(next)
	})
}

func FuzzEquivocation(f *testing.F) {
	l := year(f)
	fork := &chain.Equivocation{Credentials: [2]*vc.Verified{l.entries[4], entry(f, l.heads[3], 24, good, shop)}}
	text, err := json.Marshal(fork)
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"equivocation":[{},{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if e, err := chain.VerifyEquivocation(t.Context(), verifier, text); err == nil {
			require.NotEqual(t, e.Credentials[0].Digest(), e.Credentials[1].Digest())
			require.Equal(t, machine.ID, e.Subject)
		}
	})
}
