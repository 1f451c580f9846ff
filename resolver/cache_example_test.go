package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

// network stands for one that is up for the first question and down from then on.
func network(doc *did.Document) did.Resolver {
	up := true
	return &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
		if !up {
			return nil, errors.New("no route to " + id.String())
		}
		up = false
		return &did.Resolution{Document: doc}, nil
	}}
}

// A depot whose network fails takes answers that are a day too old, and sees that they are.
func ExampleCache_maxStale() {
	doc, err := did.ParseDocument([]byte(shopDocument))
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	r := &resolver.Cache{
		Next:     network(doc),
		TTL:      time.Hour,
		MaxStale: 24 * time.Hour,
		Now:      func() time.Time { return now },
	}
	for range 3 {
		res, err := r.Resolve(context.Background(), doc.ID, did.Version{})
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println("as of", res.Retrieved.Format(time.DateTime), "stale:", res.Stale)
		now = now.Add(13 * time.Hour)
	}
	// Output:
	// as of 2026-06-01 08:00:00 stale: false
	// as of 2026-06-01 08:00:00 stale: true
	// no route to did:web:shop.example
}

func ExampleNoCache() {
	doc, err := did.ParseDocument([]byte(shopDocument))
	if err != nil {
		log.Fatal(err)
	}
	r := &resolver.Cache{Next: network(doc), TTL: time.Hour}
	for _, ctx := range []context.Context{
		context.Background(),
		context.Background(),
		resolver.NoCache(context.Background()),
	} {
		_, err := r.Resolve(ctx, doc.ID, did.Version{})
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// no route to did:web:shop.example
}

// What a program has looked up is there when it is started again.
func ExampleDir() {
	folder, err := os.MkdirTemp("", "resolver")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	doc, err := did.ParseDocument([]byte(shopDocument))
	if err != nil {
		log.Fatal(err)
	}
	web := network(doc)
	for range 2 {
		r := &resolver.Cache{
			Next: web,
			Store: &resolver.Dir{
				Path:   filepath.Join(folder, "kept"),
				Failed: func(err error) { log.Print(err) },
			},
		}
		res, err := r.Resolve(context.Background(), doc.ID, did.Version{})
		fmt.Println(res.Document.ID, err)
	}
	// Output:
	// did:web:shop.example <nil>
	// did:web:shop.example <nil>
}

func ExampleMemory() {
	m := &resolver.Memory{Size: 2}
	for _, key := range []string{"a", "b", "c"} {
		m.Put(key, []byte("of "+key), time.Now())
	}
	for _, key := range []string{"a", "b", "c"} {
		data, _, ok := m.Get(key)
		fmt.Printf("%s: %q, %t\n", key, data, ok)
	}
	// Output:
	// a: "", false
	// b: "of b", true
	// c: "of c", true
}
