package did_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
)

// A resolverFunc is a function as a did.Resolver.
type resolverFunc func(did.DID, did.Version) (*did.Resolution, error)

func (f resolverFunc) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	return f(id, v)
}

func TestKeyAsksTheResolverAndTrustsNoDocumentOfAnother(t *testing.T) {
	mine, err := did.ParseDocument([]byte(document(
		`"assertionMethod":[` + method("k", mbEd) + `,{"id":"#old","type":"Multikey","controller":"did:example:shop","expires":"2026-01-01T00:00:00Z","publicKeyMultibase":"` + mbEd + `"}]`)))
	require.NoError(t, err)
	url := mine.ID.URL("k")
	may := did.Version{Time: time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)}

	var asked did.Version
	honest := resolverFunc(func(_ did.DID, v did.Version) (*did.Resolution, error) {
		asked = v
		return &did.Resolution{Document: mine}, nil
	})
	pub, err := did.Key(t.Context(), honest, url, did.AssertionMethod, may)
	require.NoError(t, err)
	require.NotNil(t, pub)
	require.Equal(t, may, asked)

	// The key is judged at the time of the version: it expired since.
	_, err = did.Key(t.Context(), honest, mine.ID.URL("old"), did.AssertionMethod, may)
	require.NoError(t, err)
	_, err = did.Key(t.Context(), honest, mine.ID.URL("old"), did.AssertionMethod, did.Version{})
	require.ErrorIs(t, err, did.ErrKeyNotAuthorized)

	// Asked for a victim, it answers with its own document, which even lists the victim's URL.
	_, err = did.Key(t.Context(), honest, did.MustParse("did:example:victim").URL("k"), did.AssertionMethod, may)
	require.ErrorIs(t, err, did.ErrInvalidDocument)

	down := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return nil, io.ErrUnexpectedEOF })
	_, err = did.Key(t.Context(), down, url, did.AssertionMethod, may)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.False(t, did.IsAnswer(err))

	for _, res := range []*did.Resolution{nil, {}} {
		silent := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return res, nil })
		_, err = did.Key(t.Context(), silent, url, did.AssertionMethod, may)
		require.Error(t, err)
		require.False(t, did.IsAnswer(err))
	}
}

type fastResolver struct {
	did.Resolver
	pub crypto.PublicKey
}

func (f fastResolver) Key(context.Context, did.URL, did.Relationship, did.Version) (crypto.PublicKey, error) {
	return f.pub, nil
}

func TestKeyTakesTheFasterWay(t *testing.T) {
	pub, err := did.Key(t.Context(), fastResolver{pub: "the key"}, did.URL{}, did.AssertionMethod, did.Version{})
	require.NoError(t, err)
	require.Equal(t, "the key", pub)
}

func TestErrorsAreAnswersOrAreNot(t *testing.T) {
	for _, tc := range []struct {
		err    error
		answer bool
		typ    string
	}{
		{did.ErrInvalidDID, true, "https://www.w3.org/ns/did#INVALID_DID"},
		{did.ErrInvalidURL, true, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{did.ErrInvalidDocument, true, "https://www.w3.org/ns/did#INVALID_DID_DOCUMENT"},
		{did.ErrNotFound, true, "https://www.w3.org/ns/did#NOT_FOUND"},
		{did.ErrDeactivated, true, "https://www.w3.org/ns/did#NOT_FOUND"},
		{did.ErrMethodNotSupported, true, "https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED"},
		{did.ErrKeyNotAuthorized, true, "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"},
		{did.ErrKeyNotSupported, true, "https://w3id.org/security#INVALID_VERIFICATION_METHOD"},
		{did.ErrInvalidKey, true, "https://w3id.org/security#INVALID_VERIFICATION_METHOD"},
		{did.ErrVersionUnknown, false, "https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"},
		{context.DeadlineExceeded, false, "https://www.w3.org/ns/did#INTERNAL_ERROR"},
		{errors.New("connection refused"), false, "https://www.w3.org/ns/did#INTERNAL_ERROR"},
		{nil, false, "https://www.w3.org/ns/did#INTERNAL_ERROR"},
	} {
		wrapped := tc.err
		if wrapped != nil {
			wrapped = fmt.Errorf("while verifying: %w", tc.err)
		}
		require.Equal(t, tc.answer, did.IsAnswer(wrapped), "%v", tc.err)
		require.Equal(t, tc.typ, did.ErrorType(wrapped), "%v", tc.err)
	}
}
