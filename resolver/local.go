package resolver

import "github.com/hourmeter/hourmeter/did"

// A Local makes documents out of identifiers, which takes no network: [did.Offline] is one.
// A [Cache] does not remember its documents: they can be made again without asking anyone,
// and strangers could fill it with them.
type Local interface {
	did.Resolver
	// Supports reports whether a method, such as "key", is one that it resolves so.
	Supports(method string) bool
}

// isLocal reports whether r resolves DIDs of a method without a network.
func isLocal(r did.Resolver, method string) bool {
	switch r := r.(type) {
	case Methods:
		return isLocal(r[method], method)
	case *Cache:
		return isLocal(r.Next, method)
	case Local:
		return r.Supports(method)
	}
	return false
}
