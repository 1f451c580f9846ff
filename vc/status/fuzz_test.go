package status

import (
	"testing"
)

func FuzzParseEntry(f *testing.F) {
	f.Add(`{"id":"https://a.example/e","type":"BitstringStatusListEntry","statusPurpose":"revocation","statusListIndex":"94567","statusListCredential":"https://a.example/3"}`)
	f.Add(`{"type":"BitstringStatusListEntry","statusPurpose":"message","statusListIndex":"0","statusListCredential":"x:y","statusSize":1,"statusMessage":[{"status":"0x0","message":"a"},{"status":"0x1","message":"b"}],"statusReference":["x:z"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEntry([]byte(text))
		if err != nil {
			return
		}
		written, err := e.MarshalJSON()
		if err != nil {
			t.Fatalf("%q reads as %+v, which cannot be written: %v", text, e, err)
		}
		again, err := ParseEntry(written)
		if err != nil || again.Index != e.Index || again.List != e.List || again.Purpose != e.Purpose || again.size() != e.size() {
			t.Fatalf("%q is written as %q: %+v, %v", text, written, again, err)
		}
	})
}

func FuzzParseReference(f *testing.F) {
	f.Add(`{"status_list":{"idx":412,"uri":"https://a.example/statuslists/1"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReference([]byte(text))
		if err != nil {
			return
		}
		written, err := r.MarshalJSON()
		if err != nil {
			t.Fatalf("%q reads as %+v, which cannot be written: %v", text, r, err)
		}
		if again, err := ParseReference(written); err != nil || again != r {
			t.Fatalf("%q is written as %q: %+v, %v", text, written, again, err)
		}
	})
}

// Whatever is unpacked keeps to the limits and packs again to itself.
func FuzzDecodeBitstringList(f *testing.F) {
	f.Add("uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA", 1)
	f.Add("uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA", 3)
	f.Add("uH4sIAAAAAAAA_wMAAAAAAAAAAAA", 8)
	f.Fuzz(func(t *testing.T, text string, size int) {
		l, err := DecodeBitstringList(text, size)
		if err != nil {
			return
		}
		if len(l.bits) == 0 || len(l.bits) > MaxListBytes {
			t.Fatalf("%d bytes", len(l.bits))
		}
		for _, i := range []int{0, l.Len() / 2, l.Len() - 1} {
			if value, err := l.Get(i); i >= 0 && i < l.Len() && (err != nil || l.Set(i, value) != nil) {
				t.Fatalf("index %d of %d: %d, %v", i, l.Len(), value, err)
			}
		}
		if len(l.bits) > 1<<16 {
			return // packing megabytes again takes the time of a thousand inputs
		}
		encoded, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeBitstringList(encoded, size); err != nil || string(again.bits) != string(l.bits) {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzDecodeTokenList(f *testing.F) {
	f.Add("eNrbuRgAAhcBXQ", 1)
	f.Add("eNo76fITAAPfAgc", 2)
	f.Fuzz(func(t *testing.T, text string, bits int) {
		l, err := DecodeTokenList(text, bits)
		if err != nil {
			return
		}
		if value, err := l.Get(l.Len() - 1); err != nil || l.Set(l.Len()-1, value) != nil {
			t.Fatalf("%d, %v", value, err)
		}
	})
}

// No bytes of a stranger's make the readers of tokens do anything but refuse them or read them.
func FuzzReadToken(f *testing.F) {
	f.Add([]byte(`{"iat":1686920170,"exp":2291720170,"sub":"https://example.com/statuslists/1","ttl":43200,"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`))
	f.Add([]byte("eyJhbGciOiJFZERTQSIsInR5cCI6InN0YXR1c2xpc3Qrand0Iiwia2lkIjoiZGlkOmV4YW1wbGU6YSNiIn0.e30.AAAA"))
	f.Add([]byte("\xd2\x84\x43\xa1\x01\x26\xa0\x41\xa0\x40"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func([]byte) (*signedToken, error){readJWT, readCWT, func(b []byte) (*signedToken, error) {
			t := new(signedToken)
			return t, t.readClaims(b)
		}} {
			if token, err := read(raw); err == nil && token.check() != nil {
				t.Fatalf("%q reads as %+v, which is none", raw, token)
			}
		}
	})
}
