package vc_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// lines is a format of its own: a line of text for each part of an envelope,
// the document, and the signature. It shows what the Verifier checks whatever
// the format is.
type lines struct{ change func(*vc.Envelope) }

func (lines) Recognizes(mediaType string, raw []byte) bool {
	return mediaType == "text/lines" || mediaType == "" && bytes.HasPrefix(raw, []byte("lines "))
}

func (f lines) Seal(key crypto.Signer, e *vc.Envelope) ([]byte, error) {
	text := fmt.Sprintf("lines %t %s %d %s %s\n%s\n", e.Presentation, e.Method, e.Created.Unix(), e.Nonce, strings.Join(e.Audience, ","), e.Document)
	signature, err := crypto.SignMessage(key, nil, []byte(text), crypto.Hash(0))
	return fmt.Appendf([]byte(text), "%x", signature), err
}

func (f lines) Open(raw []byte) (*vc.Envelope, error) {
	parts := strings.Split(string(raw), "\n")
	if len(parts) != 3 {
		return nil, errors.New("want three lines")
	}
	e := &vc.Envelope{MediaType: "text/lines", Document: []byte(parts[1])}
	words := strings.Split(parts[0], " ")
	e.Presentation = words[1] == "true"
	e.Method, _ = did.ParseURL(words[2])
	var seconds int64
	_, err := fmt.Sscan(words[3], &seconds)
	e.Created, e.Nonce, e.Audience = time.Unix(seconds, 0), words[4], strings.Split(words[5], ",")
	e.Verify = func(key crypto.PublicKey) error {
		var signature []byte
		if _, err := fmt.Sscanf(parts[2], "%x", &signature); err != nil {
			return err
		}
		if !ed25519.Verify(key.(ed25519.PublicKey), []byte(parts[0]+"\n"+parts[1]+"\n"), signature) {
			return errors.New("signature does not match")
		}
		return nil
	}
	if f.change != nil {
		f.change(e)
	}
	return e, err
}

// What a format secures passes every check that a proof within would.
func TestFormats(t *testing.T) {
	issuer, machine := newIssuer(t, "Ed25519"), newIssuer(t, "Ed25519")
	issuer.Format = lines{}
	credential := func(subject did.DID) []byte {
		raw, err := issuer.Issue(&vc.Credential{Subject: subject, Claim: maintenance(), ValidFrom: noon.Add(-time.Hour), ValidUntil: noon.AddDate(1, 0, 0)})
		require.NoError(t, err)
		return raw
	}
	raw := credential(machine.ID)
	verifier := &vc.Verifier{Formats: []vc.Format{lines{}}, Now: at(noon)}

	v, err := verifier.Verify(t.Context(), raw, vc.IssuedBy(issuer.ID))
	require.NoError(t, err)
	require.Equal(t, "text/lines", v.MediaType())
	require.Equal(t, string(raw), v.Raw())
	require.Equal(t, vc.VCDM2, v.DataModel())
	require.True(t, v.SignedBy(issuer.ID))
	require.Equal(t, noon, v.Created().UTC())
	require.False(t, v.Selective())

	// As an object, which names the same credential.
	again, err := verifier.Verify(t.Context(), []byte(v.JSON()), vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, v.Digest(), again.Digest())
	require.Equal(t, v.JSON(), again.JSON())

	// Presented in a proof, and in an envelope.
	ch := vc.NewChallenge("lease.example")
	for _, format := range []vc.Format{nil, lines{}} {
		holder := &vc.Holder{ID: machine.ID, Key: machine.Key, Format: format, Now: at(noon)}
		shown, err := holder.Present(ch, []byte(v.JSON()))
		require.NoError(t, err)
		p, err := verifier.VerifyPresentation(t.Context(), shown, ch, vc.AnyIssuer)
		require.NoError(t, err)
		require.Equal(t, machine.ID, p.Holder())
		require.Equal(t, v.Digest(), p.Credentials()[0].Digest())
		report := verifier.ReportPresentation(t.Context(), shown, ch, vc.AnyIssuer)
		require.NoError(t, report.Err)
		require.Equal(t, machine.ID, report.Holder)
		require.Equal(t, v.Digest(), report.Credentials[0].Digest)
		for _, f := range append(report.Findings, report.Credentials[0].Findings...) {
			require.Equal(t, vc.Pass, f.Outcome, f)
			require.Zero(t, f.Problem())
		}
		_, err = verifier.VerifyPresentation(t.Context(), shown, vc.NewChallenge("lease.example"), vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrChallenge)
		_, err = verifier.VerifyPresentation(t.Context(), shown, vc.Challenge{Nonce: ch.Nonce, Domain: "other.example"}, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrDomain)
		_, err = verifier.Verify(t.Context(), shown, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrMalformed)
		_, err = verifier.VerifyPresentation(t.Context(), shown[:len(shown)-8], ch, vc.AnyIssuer)
		require.Error(t, err)
	}

	bound := func(by *vc.Issuer, change func(*vc.KeyBinding)) func(*vc.Envelope) {
		return func(e *vc.Envelope) {
			e.Binding = &vc.KeyBinding{Nonce: ch.Nonce, Audience: []string{ch.Domain}, Created: noon, Key: by.Key.Public(), Verify: func(key crypto.PublicKey) error {
				if !key.(ed25519.PublicKey).Equal(by.Key.Public()) {
					return errors.New("signature does not match")
				}
				return nil
			}}
			if change != nil {
				change(e.Binding)
			}
		}
	}
	t.Run("key binding", func(t *testing.T) {
		other := newIssuer(t, "Ed25519")
		for _, tt := range []struct {
			name   string
			change func(*vc.Envelope)
			want   error
		}{
			{"by the subject's key", bound(machine, nil), nil},
			{"by the subject's method", bound(machine, func(b *vc.KeyBinding) { b.Key, b.Method = nil, machine.ID.URL(machine.ID.Identifier()) }), nil},
			{"by another's key", bound(other, nil), vc.ErrHolder},
			{"by another's method", bound(other, func(b *vc.KeyBinding) { b.Key, b.Method = nil, other.ID.URL(other.ID.Identifier()) }), vc.ErrHolder},
			{"of another challenge", bound(machine, func(b *vc.KeyBinding) { b.Nonce = "" }), vc.ErrChallenge},
			{"for another domain", bound(machine, func(b *vc.KeyBinding) { b.Audience = nil }), vc.ErrDomain},
			{"as old as is taken", bound(machine, func(b *vc.KeyBinding) { b.Created = noon.Add(-vc.MaxBindingAge) }), nil},
			{"too old", bound(machine, func(b *vc.KeyBinding) { b.Created = noon.Add(-vc.MaxBindingAge - 2*time.Minute) }), vc.ErrExpired},
			{"from the future", bound(machine, func(b *vc.KeyBinding) { b.Created = noon.Add(time.Hour) }), vc.ErrProof},
			{"that does not hold", bound(machine, func(b *vc.KeyBinding) { b.Key = other.Key.Public() }), vc.ErrProof},
			{"none", nil, vc.ErrMalformed},
		} {
			verifier := &vc.Verifier{Formats: []vc.Format{lines{tt.change}}, Now: at(noon)}
			p, err := verifier.VerifyPresentation(t.Context(), raw, ch, vc.AnyIssuer)
			report := verifier.ReportPresentation(t.Context(), raw, ch, vc.AnyIssuer)
			if tt.want == nil {
				require.NoError(t, err, tt.name)
				require.NoError(t, report.Err, tt.name)
				require.Equal(t, machine.ID, p.Holder())
				continue
			}
			require.ErrorIs(t, err, tt.want, tt.name)
			require.ErrorIs(t, report.Err, tt.want, tt.name)
		}
	})

	wrapped := v.JSON()
	for _, tt := range []struct {
		name   string
		raw    string
		change func(*vc.Envelope)
		want   error
	}{
		{"altered claim", strings.Replace(string(raw), "bearings", "blades", 1), nil, vc.ErrProof},
		{"stripped signature", string(raw[:len(raw)-128]), nil, vc.ErrProof},
		{"another's key", string(raw), func(e *vc.Envelope) { e.Method = machine.ID.URL(machine.ID.Identifier()) }, vc.ErrProof},
		{"a method that is none of the issuer's", string(raw), func(e *vc.Envelope) { e.Method.Fragment += "x" }, vc.ErrProof},
		{"made tomorrow", string(raw), func(e *vc.Envelope) { e.Created = noon.AddDate(0, 0, 1) }, vc.ErrProof},
		{"an envelope not yet valid", string(raw), func(e *vc.Envelope) { e.NotBefore = noon.AddDate(0, 0, 1) }, vc.ErrNotYetValid},
		{"an envelope that expired", string(raw), func(e *vc.Envelope) { e.Expires = noon.AddDate(0, 0, -1) }, vc.ErrExpired},
		{"a presentation", string(raw), func(e *vc.Envelope) { e.Presentation = true }, vc.ErrMalformed},
		{"not JSON inside", string(raw), func(e *vc.Envelope) { e.Document = e.Document[1:] }, vc.ErrMalformed},
		{"a duplicate member inside", strings.Replace(string(raw), `{"@context"`, `{"id":"urn:a","id":"urn:b","@context"`, 1), nil, vc.ErrMalformed},
		{"an undefined term inside", strings.Replace(string(raw), `{"@context"`, `{"colour":"red","@context"`, 1), nil, vc.ErrContext},
		{"members outside", strings.Replace(wrapped, `{`, `{"name":"nobody signed this",`, 1), nil, vc.ErrMalformed},
		{"no data: URL", strings.Replace(wrapped, `"data:`, `"urn:`, 1), nil, vc.ErrMalformed},
		{"an unknown media type", strings.Replace(wrapped, `text/lines`, `text/plain`, 1), nil, vc.ErrMalformed},
		{"bad base64", strings.Replace(wrapped, `base64,`, `base64,*`, 1), nil, vc.ErrMalformed},
		{"no context outside", strings.Replace(wrapped, `"https://www.w3.org/ns/credentials/v2"`, `[]`, 1), nil, vc.ErrMalformed},
		{"text of no format", "eyJ.e30.", nil, vc.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verifier := &vc.Verifier{Formats: []vc.Format{lines{tt.change}}, Now: at(noon)}
			_, err := verifier.Verify(t.Context(), []byte(tt.raw), vc.AnyIssuer)
			var rej *vc.RejectError
			require.ErrorAs(t, err, &rej)
			require.ErrorIs(t, err, tt.want)
			report := verifier.Report(t.Context(), []byte(tt.raw), vc.AnyIssuer)
			require.ErrorIs(t, report.Err, tt.want)
		})
	}

	// A status claim in the envelope is checked, or the credential was not.
	verifier.Formats = []vc.Format{lines{func(e *vc.Envelope) { e.Status = []byte(`{"status_list":{"idx":0,"uri":"https://list.example/1"}}`) }}}
	_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	var unchecked *vc.UncheckedError
	require.ErrorAs(t, err, &unchecked)
	asked := 0
	verifier.Status = counter{&asked}
	v, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, 1, asked)
	require.Len(t, v.Status(), 1)
}

// A presentation may leave its holder out: who signed it is the holder, if that is one.
func TestPresentationWithoutHolder(t *testing.T) {
	machine, other := newIssuer(t, "Ed25519"), newIssuer(t, "Ed25519")
	const unsigned = `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"]}`
	ch := vc.NewChallenge("lease.example")
	proof := func(by *vc.Issuer) string {
		options := fmt.Sprintf(`{"@context":["https://www.w3.org/ns/credentials/v2"],"challenge":%q,"created":"2026-11-22T12:00:00Z","cryptosuite":"eddsa-jcs-2022","domain":"lease.example","proofPurpose":"authentication","type":"DataIntegrityProof","verificationMethod":"%s"}`,
			ch.Nonce, by.ID.URL(by.ID.Identifier()))
		value, err := vc.EdDSAJCS2022{}.Sign(by.Key, []byte(unsigned), []byte(options))
		require.NoError(t, err)
		return strings.TrimSuffix(options, "}") + `,"proofValue":"` + value + `"}`
	}
	present := func(proofs ...string) (*vc.Presentation, error) {
		shown := strings.TrimSuffix(unsigned, "}") + `,"proof":[` + strings.Join(proofs, ",") + `]}`
		return (&vc.Verifier{Now: at(noon)}).VerifyPresentation(t.Context(), []byte(shown), ch, vc.AnyIssuer)
	}
	p, err := present(proof(machine))
	require.NoError(t, err)
	require.Equal(t, machine.ID, p.Holder())
	_, err = present(proof(machine), proof(other))
	require.ErrorIs(t, err, vc.ErrHolder)
}

// Of a proof that could not be checked nobody can tell whether it is the issuer's.
func TestReportOfWhatCouldNotBeChecked(t *testing.T) {
	_, raw := issued(t, newIssuer(t, "Ed25519"))
	down := &vc.Verifier{Resolver: outage{}, Now: at(noon)}
	report := down.Report(t.Context(), raw, vc.AnyIssuer)
	require.ErrorIs(t, report.Err, errDown)
	outcomes := map[vc.Check]vc.Outcome{}
	for _, f := range report.Findings {
		outcomes[f.Check] = f.Outcome
	}
	require.Equal(t, vc.Indeterminate, outcomes[vc.CheckProof])
	require.Equal(t, vc.Skipped, outcomes[vc.CheckIssuer])
}

var errDown = errors.New("the resolver is down")

type outage struct{}

func (outage) Resolve(context.Context, did.DID, did.Version) (*did.Resolution, error) {
	return nil, errDown
}

// Who gives a Verifier no Formats learns what is missing.
func TestAVerifierWithoutFormatsSaysSo(t *testing.T) {
	_, err := new(vc.Verifier).Verify(t.Context(), []byte("eyJhbGciOiJFZERTQSJ9.e30.c2ln"), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrMalformed)
	require.ErrorContains(t, err, "none of the Verifier's Formats reads it")
	_, err = new(vc.Verifier).Verify(t.Context(), []byte(`{"type":`), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrMalformed)
	require.NotContains(t, err.Error(), "Formats")
}
