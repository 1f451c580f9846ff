package resolver

import (
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/pkh"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// Offline returns the methods whose identifiers say by themselves what is in their documents, so
// that nobody is asked: jwk, key, peer, pkh and x509. Short forms of did:peer and all of did:x509
// need what their holder has as well: their errors say so, and
//
//	methods["x509"] = didx509.Resolver{Chains: chains}
//
// puts it there. It is a map like any other: add what else is needed, and delete what is not wanted.
func Offline() Methods {
	return Methods{
		"jwk":  did.Offline{},
		"key":  did.Offline{},
		"peer": peer.Resolver{},
		"pkh":  pkh.Resolver{},
		"x509": didx509.Resolver{},
	}
}

// All returns a resolver of every method that this module knows: those of [Offline], and, through
// client, did:web and did:webvh. Answers are remembered for [DefaultTTL] unless the fields of the
// Cache are set, before it is used. In a store, such as a [Dir], they last beyond the program, and
// with them the logs of did:webvh, so that none is rolled back meanwhile; nil means that they do
// not. To add a method, or to leave one out, write the same down:
//
//	methods := resolver.Offline()
//	methods["webvh"] = &resolver.WebVH{Client: client, Store: store}
//	r := &resolver.Cache{Next: methods, Store: store}
//
// Close the client's connections when done: [Client.CloseIdle].
func All(client *Client, store Store) *Cache {
	methods := Offline()
	methods["web"] = Web{Client: client}
	methods[webvh.Method] = &WebVH{Client: client, Store: store}
	return &Cache{Next: methods, Store: store}
}
