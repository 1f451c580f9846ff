package resolver

import "github.com/hourmeter/hourmeter/did"

// Offline returns the methods whose identifiers say by themselves what is in their documents, so
// that nobody is asked: key and jwk. It is a map like any other: add what else is needed.
func Offline() Methods {
	return Methods{
		"key": did.Offline{},
		"jwk": did.Offline{},
	}
}

// All returns a resolver of every method that this module knows: those of [Offline], and, through
// client, did:web and did:webvh. Answers are remembered for [DefaultTTL] unless the fields of the
// Cache are set, before it is used. To add a method, or to leave one out, write the same down:
//
//	r := &resolver.Cache{Next: resolver.Methods{"key": did.Offline{}, "web": resolver.Web{Client: client}}}
//
// Close the client's connections when done: [Client.CloseIdle].
func All(client *Client) *Cache {
	methods := Offline()
	methods["web"] = Web{Client: client}
	methods["webvh"] = &WebVH{Client: client}
	return &Cache{Next: methods}
}
