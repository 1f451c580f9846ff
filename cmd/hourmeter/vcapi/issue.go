package vcapi

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/status"
)

// issue answers POST /credentials/issue: {"credential": {…}, "options": {…}}.
func (h *Handler) issue(_ context.Context, in *request) reply {
	credential := in.root.Member("credential")
	if credential.Kind() != strictjson.Object {
		return *problem(http.StatusBadRequest, "credential: want an object")
	}
	o, err := in.options("mandatoryPointers")
	if err != nil {
		return *problem(http.StatusBadRequest, err.Error())
	}

	// 1. An entry of a status list that nobody could read is not signed (Bitstring Status List 1.0 §3).
	if err := checkEntries(credential.Member("credentialStatus")); err != nil {
		return *problem(http.StatusBadRequest, err.Error())
	}

	// 2. By which suite?
	issuer, key := *in.instance.Issuer, &watchedKey{Signer: in.instance.Issuer.Key}
	issuer.Key = key
	if in.instance.Mandatory != nil {
		issuer.Suite = in.instance.Mandatory(o.pointers)
	} else if o.givenPointers {
		return *problem(http.StatusBadRequest, "options: mandatoryPointers: this instance does not sign for selective disclosure")
	}

	// 3. What is added to it? A place in a status list is taken last: it is taken for good.
	document := []byte(credential.Raw())
	if h.Conformance != nil && issuer.Format == nil {
		document = withDataIntegrity(credential)
	}
	if in.instance.Statuses != nil {
		if _, err := issuer.AddProof(document); err != nil {
			return refusedToSign(err, key)
		}
		id := credential.Member("id").Text()
		entries, err := in.instance.Statuses.Entries(id)
		switch {
		case errors.Is(err, ErrTaken):
			return *problem(http.StatusBadRequest, "credential: id: another credential of this id was issued: its status is kept by it")
		case err != nil:
			out := later(http.StatusServiceUnavailable, time.Minute, "the status list cannot be written")
			out.cause = err
			return *out
		}
		document = withStatus(document, entries)
		if in.instance.Mandatory != nil && o.pointers != nil { // or its holder could hide that it is revoked
			issuer.Suite = in.instance.Mandatory(append(slices.Clip(o.pointers), "/credentialStatus"))
		}
	}

	// 4. The signature.
	signed, err := issuer.AddProof(document)
	if err != nil {
		return refusedToSign(err, key)
	}
	if issuer.Format != nil {
		envelope, err := issuer.Format.Open(signed)
		if err != nil {
			return *failed(err)
		}
		signed = vc.Enveloped(envelope.MediaType, signed)
	}
	return reply{status: http.StatusCreated, outcome: "issued", body: map[string]jsontext.Value{"verifiableCredential": signed}}
}

// prove answers POST /presentations/prove: {"presentation": {"verifiableCredential": […]}, "options":
// {"challenge": "…", "domain": "…"}}.
func (h *Handler) prove(_ context.Context, in *request) reply {
	if in.instance.Holder == nil {
		return *problem(http.StatusNotImplemented, "this instance presents nothing")
	}
	o, err := in.options("")
	if err != nil {
		return *problem(http.StatusBadRequest, err.Error())
	}
	presentation := in.root.Member("presentation")
	if presentation.Kind() != strictjson.Object {
		return *problem(http.StatusBadRequest, "presentation: want an object")
	}
	var credentials [][]byte
	for m := range presentation.All() {
		switch name := m.Name(); name {
		case "@context", "type": // Present writes its own, of VCDM 2.0
		case "holder":
			if m.Text() != in.instance.Holder.ID.String() {
				return *problem(http.StatusBadRequest, "presentation: holder: this instance presents as "+in.instance.Holder.ID.String())
			}
		case "verifiableCredential":
			for c := range m.All() {
				if m.Kind() == strictjson.Object {
					c = m
				}
				text := c.Raw()
				if c.Kind() == strictjson.String {
					text = c.Text()
				}
				credentials = append(credentials, []byte(text))
				if m.Kind() == strictjson.Object {
					break
				}
			}
		default:
			return *problem(http.StatusBadRequest, "presentation: this service presents credentials, and says nothing else: leave out "+strings.ToValidUTF8(name, "\uFFFD"))
		}
	}
	key := &watchedKey{Signer: in.instance.Holder.Key}
	holder := *in.instance.Holder
	holder.Key = key
	shown, err := holder.Present(vc.Challenge{Nonce: o.challenge, Domain: o.domain}, credentials...)
	if err != nil {
		return refusedToSign(err, key)
	}
	if holder.Format != nil {
		envelope, err := holder.Format.Open(shown)
		if err != nil {
			return *failed(err)
		}
		shown = envelopedPresentation(envelope.MediaType, shown)
	}
	return reply{status: http.StatusCreated, outcome: "presented", body: map[string]jsontext.Value{"verifiablePresentation": shown}}
}

// envelopedPresentation is [vc.Enveloped] for presentations (VCDM 2.0 §4.13.2).
func envelopedPresentation(mediaType string, presentation []byte) []byte {
	return []byte(strings.Replace(string(vc.Enveloped(mediaType, presentation)), `"EnvelopedVerifiableCredential"`, `"EnvelopedVerifiablePresentation"`, 1))
}

// derive answers POST /credentials/derive: {"verifiableCredential": {…}, "options": {"selectivePointers": […]}}.
func (h *Handler) derive(_ context.Context, in *request) reply {
	if h.Derive == nil {
		return *problem(http.StatusNotImplemented, "this service derives nothing")
	}
	credential, err := in.document("verifiableCredential")
	if err != nil {
		return *problem(http.StatusBadRequest, err.Error())
	}
	o, err := in.options("selectivePointers")
	if err != nil {
		return *problem(http.StatusBadRequest, err.Error())
	}
	derived, err := h.Derive(credential, o.pointers)
	if err != nil {
		return *problem(http.StatusBadRequest, err.Error())
	}
	return reply{status: http.StatusCreated, outcome: "derived", body: map[string]jsontext.Value{"verifiableCredential": derived}}
}

func checkEntries(statuses strictjson.Value) error {
	list := []strictjson.Value{statuses}
	if statuses.Kind() == strictjson.Array {
		list = slices.Collect(statuses.All())
	}
	for _, e := range list {
		if e.Member("type").Text() == "BitstringStatusListEntry" {
			if _, err := status.ParseEntry([]byte(e.Raw())); err != nil {
				return fmt.Errorf("credentialStatus: %w", err)
			}
		}
	}
	return nil
}

// withStatus returns the text of a credential with these entries in its credentialStatus, too.
func withStatus(credential []byte, entries [][]byte) []byte {
	doc, err := strictjson.Parse(credential, strictjson.Limits{Bytes: MaxCredentialRequest, Depth: maxDepth})
	if err != nil {
		return credential // which the issuer refuses
	}
	return replace(doc.Root(), "credentialStatus", func(old strictjson.Value) []byte {
		var all [][]byte
		if old.Kind() == strictjson.Array {
			for e := range old.All() {
				all = append(all, []byte(e.Raw()))
			}
		} else if old.Exists() {
			all = append(all, []byte(old.Raw()))
		}
		if all = append(all, entries...); len(all) == 1 {
			return all[0]
		}
		return slices.Concat([]byte{'['}, bytes.Join(all, []byte{','}), []byte{']'})
	})
}

// replace returns the text of an object with another value for one member, which it need not have.
func replace(object strictjson.Value, name string, value func(old strictjson.Value) []byte) []byte {
	out := make([]byte, 0, len(object.Raw())+512)
	found := false
	for m := range object.All() {
		out = append(out, ',')
		out = append(append(out, m.RawName()...), ':')
		if m.Name() == name {
			out, found = append(out, value(m)...), true
		} else {
			out = append(out, m.Raw()...)
		}
	}
	if !found {
		out = append(out, ',')
		out, _ = jsontext.AppendQuote(out, name)
		out = append(append(out, ':'), value(strictjson.Value{})...)
	}
	out[0] = '{'
	return append(out, '}')
}

// A watchedKey remembers whether it was the key that failed: that is nothing the client can mend.
type watchedKey struct {
	crypto.Signer
	err error
}

func (k *watchedKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := k.Signer.Sign(rand, digest, opts)
	if err != nil {
		k.err = err
	}
	return signature, err
}

func (k *watchedKey) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := crypto.SignMessage(k.Signer, rand, msg, opts)
	if err != nil {
		k.err = err
	}
	return signature, err
}

// refusedToSign answers for an error of an Issuer or a Holder.
func refusedToSign(err error, key *watchedKey) reply {
	if key.err != nil {
		out := later(http.StatusServiceUnavailable, time.Minute, "the key cannot sign")
		out.cause = key.err
		return *out
	}
	p := problem(http.StatusBadRequest, err.Error())
	p.body.(*Problem).Title = "not signed"
	return *p
}

// failed answers for a defect of this service.
func failed(err error) *reply {
	p := problem(http.StatusInternalServerError, "this service is defective: tell its operator")
	p.outcome, p.cause = "failed", err
	return p
}
