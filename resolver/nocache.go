package resolver

import "context"

type noCacheKey struct{}

// NoCache returns a context under which resolvers ask whoever keeps the document, instead
// of answering with what they or servers on the way remember (DID Resolution §4.1,
// "noCache"). A [Cache] remembers the new answer.
//
// Nothing older is given if there is no answer, not even marked as stale.
func NoCache(ctx context.Context) context.Context {
	return context.WithValue(ctx, noCacheKey{}, true)
}

func noCache(ctx context.Context) bool { return ctx.Value(noCacheKey{}) != nil }
