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

// What a method says of a name counts, as far as it can know it: of its own identifiers. What a document says
// does not, and no key is anybody's but that of the identifier in it.
func TestADocumentIsOfTheNamesThatItsMethodVouchesFor(t *testing.T) {
	doc, err := did.ParseDocument([]byte(`{"id": "did:example:yard", "alsoKnownAs": ["did:example:said"],
		"verificationMethod": [{"id": "#k", "type": "Multikey", "controller": "did:example:yard", "publicKeyMultibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}],
		"assertionMethod": ["#k"],
		"service": [{"id": "#files", "type": "Files", "serviceEndpoint": "https://yard.example/"}]}`))
	require.NoError(t, err)
	res := &did.Resolution{Document: doc, CanonicalID: did.MustParse("did:example:now"),
		EquivalentID: []did.DID{did.MustParse("did:example:before"), did.MustParse("did:other:before")}}
	r := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return res, nil })

	for _, tc := range []struct {
		name string
		id   string
		of   bool
	}{
		{"its own id", "did:example:yard", true},
		{"the canonical one", "did:example:now", true},
		{"an equivalent one", "did:example:before", true},
		{"one that the document claims", "did:example:said", false},
		{"one of another method", "did:other:before", false},
		{"another", "did:example:thief", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id := did.MustParse(tc.id)
			require.Equal(t, tc.of, res.Describes(id))
			got, err := did.Dereference(t.Context(), r, id.URL(""), did.DereferencingOptions{})
			if !tc.of {
				require.ErrorIs(t, err, did.ErrInvalidDocument)
				return
			}
			require.NoError(t, err)
			require.Equal(t, doc.ID, got.Document.ID)
			service, err := did.ParseURL(tc.id + "?service=files&relativeRef=a.pdf")
			require.NoError(t, err)
			got, err = did.Dereference(t.Context(), r, service, did.DereferencingOptions{})
			require.NoError(t, err)
			require.Equal(t, []string{"https://yard.example/a.pdf"}, got.URLs)

			own := id == doc.ID
			for what, err := range map[string]error{
				"a key by its URL": errorOf(did.Dereference(t.Context(), r, id.URL("k"), did.DereferencingOptions{Relationship: did.AssertionMethod})),
				"a service by its": errorOf(did.Dereference(t.Context(), r, id.URL("files"), did.DereferencingOptions{})),
				"a key to verify":  errorOf(did.Key(t.Context(), r, id.URL("k"), did.AssertionMethod, did.Version{})),
			} {
				require.Equal(t, own, err == nil, "%s: %v", what, err)
				require.True(t, own || did.IsAnswer(err), what)
			}
		})
	}
	require.False(t, (&did.Resolution{Document: doc}).Describes(did.DID{}))
}

func errorOf[T any](_ T, err error) error { return err }
