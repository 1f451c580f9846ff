package status_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
	"github.com/hourmeter/hourmeter/vc/status"
)

// A list is published in whatever way its issuer secures credentials, beside credentials of any.
func TestListsInEveryFormat(t *testing.T) {
	formats := []vc.Format{nil, jose.Format{}, cose.Format{}, sdjwt.Format{}}
	lists := &vc.Verifier{Now: now, Formats: formats[1:]}
	for i, ofList := range formats {
		shop := issuer("shop")
		shop.Format = ofList
		source := status.Static{listURL: at(signed(t, published(t, status.Revocation, 7, 1, 1), shop))}
		shop.Format = formats[(i+1)%len(formats)]
		for index, want := range map[int]error{6: nil, 7: vc.ErrStatus} {
			raw, err := shop.Issue(&vc.Credential{
				Subject: issuer("drone").ID,
				Claim:   record.Maintenance{Time: day, Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings"}},
				Members: map[string]any{"credentialStatus": status.Entry{Purpose: status.Revocation, List: listURL, Index: index}},
			})
			require.NoError(t, err)
			verifier := &vc.Verifier{Now: now, Formats: formats[1:], Status: &status.Checker{Source: source, Verifier: lists}}
			_, err = verifier.Verify(context.Background(), raw, vc.AnyIssuer)
			require.ErrorIs(t, err, want)
		}
	}
}

// A token's status claim counts, beside the credentialStatus that the credential has.
func TestTheStatusClaimOfAnEnvelope(t *testing.T) {
	shop := issuer("shop")
	list := token(t, 7, status.Suspended, 2)
	raw, err := list.SignCWT(shop.Key, method(shop))
	require.NoError(t, err)
	source := status.Static{tokenURL: at(raw), listURL: at(signed(t, published(t, status.Revocation, 9, 1, 1), shop))}
	for _, c := range []struct {
		token, credential int
		refused           string
	}{{6, 8, ""}, {7, 8, "SUSPENDED"}, {6, 9, "revocation: set"}} {
		claim, err := status.Reference{Index: c.token, URI: tokenURL}.MarshalJSON()
		require.NoError(t, err)
		document := handMadeDocument(t, c.credential)
		for _, format := range []vc.Format{jose.Format{}, cose.Format{}, sdjwt.Format{}} {
			sealed, err := format.Seal(shop.Key, &vc.Envelope{Document: document, Method: method(shop), Created: day, Status: claim})
			require.NoError(t, err)
			verifier := &vc.Verifier{Now: now, Formats: []vc.Format{format}, Status: &status.Checker{Source: source, Verifier: &vc.Verifier{Now: now}}}
			v, err := verifier.Verify(context.Background(), sealed, vc.AnyIssuer)
			if c.refused != "" {
				require.ErrorIs(t, err, vc.ErrStatus)
				require.ErrorContains(t, err, c.refused)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, []vc.StatusResult{
				{Purpose: status.StatusList, Message: "VALID", List: tokenURL, AsOf: day},
				{Purpose: status.Revocation, Message: "unset", List: listURL, AsOf: day},
			}, v.Status())
		}
	}
}

func handMadeDocument(t *testing.T, index int) []byte {
	entry, err := status.Entry{Purpose: status.Revocation, List: listURL, Index: index}.MarshalJSON()
	require.NoError(t, err)
	return []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + issuer("shop").ID.String() +
		`","credentialSubject":{"id":"` + issuer("drone").ID.String() + `"},"credentialStatus":` + string(entry) + `}`)
}

// A list is not kept beyond the end of its envelope, which its credential does not know of.
func TestTheEndOfAnEnvelope(t *testing.T) {
	shop := issuer("shop")
	document := signed(t, published(t, status.Revocation, 7, 1, 1), shop)
	v, err := (&vc.Verifier{Now: now}).Verify(context.Background(), document, vc.AnyIssuer)
	require.NoError(t, err)
	require.Zero(t, v.Expires())
	sealed, err := jose.Format{}.Seal(shop.Key, &vc.Envelope{Document: document, Method: method(shop), Created: day, Expires: day.Add(2 * time.Minute)})
	require.NoError(t, err)
	verifier := &vc.Verifier{Now: now, Formats: []vc.Format{jose.Format{}}}
	v, err = verifier.Verify(context.Background(), sealed, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, day.Add(2*time.Minute), v.Expires())

	s := new(server)
	s.set(sealed, day, nil)
	checker := &status.Checker{Source: s, Verifier: verifier}
	for i, minutes := range []time.Duration{0, 2, 3} {
		_, err := checker.CheckStatus(context.Background(), shop.ID, entryOf(t, 1), day.Add(minutes*time.Minute))
		if i < 2 {
			require.NoError(t, err)
			require.EqualValues(t, 1, s.asked.Load())
			continue
		}
		require.ErrorContains(t, err, "ended 2026-11-22T12:02:00Z") // asked again, the server has no newer one
		require.EqualValues(t, 2, s.asked.Load())
	}
}
