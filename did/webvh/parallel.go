package webvh

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// ParallelDIDWeb returns the newest document as that of the did:web of the same host and path, to
// publish as its did.json for those who do not know did:webvh (did:webvh, "Publishing a Parallel did:web
// DID"). They get the document without its history, and with it the word of the host alone.
func (l *Log) ParallelDIDWeb() ([]byte, error) {
	res, err := l.Resolve(context.Background(), l.ID(), did.Version{})
	if err != nil {
		return nil, err
	}
	web, err := WebDID(l.ID())
	if err != nil {
		return nil, err
	}
	plain := res.Document.Raw
	if strings.Contains(plain, `\`) { // escapes would hide names from what follows
		b, err := jcs.Canonical([]byte(plain))
		if err != nil {
			return nil, err
		}
		plain = string(b)
	}
	text := strings.ReplaceAll(plain, "did:"+Method+":"+l.scid+":", "did:web:")
	parsed, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	var names []string
	for v := range parsed.Root().Member("alsoKnownAs").All() {
		names = append(names, v.Text())
	}
	names = append(names, l.ID().String())
	var unique []string
	for _, name := range names {
		if name != web.String() && !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	b := []byte("{")
	for m := range parsed.Root().All() {
		if m.Name() == "alsoKnownAs" {
			continue
		}
		b = append(append(append(b, m.RawName()...), ':'), m.Raw()...)
		b = append(b, ',')
	}
	b, _ = jsontext.AppendQuote(b, "alsoKnownAs")
	b = append(append(append(b, ':'), list(unique)...), '}')
	if _, err := did.ParseDocument(b); err != nil {
		return nil, err
	}
	return b, nil
}
