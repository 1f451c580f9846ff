package status

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/vc"
)

// A BitstringCredential is a list as an issuer publishes it (BitstringStatusListCredential, Bitstring
// Status List 1.0 §2.2).
//
// To issue, fill one and [BitstringCredential.Sign] it. To update, change List and sign again: a
// published list that was verified becomes one again by [ReadBitstringCredential].
type BitstringCredential struct {
	URL        string         // where it is published: its id, and the List of its entries; required
	Purposes   []string       // of its entries, such as Revocation; required
	List       *BitstringList // required
	TTL        time.Duration  // how long a reader may keep it, whole milliseconds; zero leaves that to the reader
	ValidFrom  time.Time      // zero means now
	ValidUntil time.Time      // when it has to be replaced; zero means it does not say, and an old copy stays good
}

// bitstringClaim is the subject of a BitstringStatusListCredential.
type bitstringClaim struct {
	ID      string   `json:"id,omitzero"`
	Type    oneOrAll `json:"type"`
	Purpose oneOrAll `json:"statusPurpose"`
	Encoded string   `json:"encodedList"`
	TTL     *int64   `json:"ttl,omitempty"`        // milliseconds
	Size    *int     `json:"statusSize,omitempty"` // read only: VCDM 2.0's context does not define it here
}

func (bitstringClaim) CredentialType() string { return "BitstringStatusListCredential" }

// Validate holds the claim against the MUSTs of §2.2.
func (c *bitstringClaim) Validate() error {
	switch {
	case len(c.Type) != 1 || c.Type[0] != "BitstringStatusList":
		return fmt.Errorf("type: want BitstringStatusList, got %.80q", c.Type)
	case len(c.Purpose) == 0 || slices.Contains(c.Purpose, ""):
		return errors.New("statusPurpose: want a string, or strings")
	case c.Encoded == "":
		return errors.New("encodedList is missing")
	case c.TTL != nil && (*c.TTL < 0 || *c.TTL > maxTTL.Milliseconds()):
		return fmt.Errorf("ttl: %d milliseconds, want 0 to %d", *c.TTL, maxTTL.Milliseconds())
	}
	return nil
}

// maxTTL bounds a time to live, so that it can be a time.Duration: nobody keeps a list for longer.
const maxTTL = 100 * 365 * 24 * time.Hour

// oneOrAll is a string, or an array of strings.
type oneOrAll []string

func (o oneOrAll) MarshalJSONTo(e *jsontext.Encoder) error {
	if len(o) == 1 {
		return e.WriteToken(jsontext.String(o[0]))
	}
	return json.MarshalEncode(e, []string(o))
}

func (o *oneOrAll) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		*o = make(oneOrAll, 1)
		return json.UnmarshalDecode(d, &(*o)[0])
	}
	return json.UnmarshalDecode(d, (*[]string)(o))
}

// Sign returns the list as a credential of issuer, secured as issuer secures all of its own.
func (c *BitstringCredential) Sign(issuer *vc.Issuer) ([]byte, error) {
	if c.List == nil || checkURL(c.URL) != nil {
		return nil, errors.New("status: BitstringCredential needs List, and an absolute URL")
	}
	if c.List.Len() < MinEntries {
		return nil, fmt.Errorf("status: list %s: %d entries, a list has at least %d", c.URL, c.List.Len(), MinEntries)
	}
	encoded, err := c.List.Encode()
	if err != nil {
		return nil, err
	}
	claim := bitstringClaim{c.URL + "#list", oneOrAll{"BitstringStatusList"}, c.Purposes, encoded, nil, nil}
	if c.TTL != 0 {
		ms := c.TTL.Milliseconds()
		claim.TTL = &ms
	}
	if err := claim.Validate(); err != nil {
		return nil, fmt.Errorf("status: list %s: %w", c.URL, err)
	}
	from := c.ValidFrom
	if from.IsZero() {
		from = time.Now()
		if issuer.Now != nil {
			from = issuer.Now()
		}
	}
	var until string
	if !c.ValidUntil.IsZero() {
		until = c.ValidUntil.UTC().Format(time.RFC3339)
	}
	document, err := json.Marshal(struct {
		Context []string       `json:"@context"`
		ID      string         `json:"id"`
		Type    []string       `json:"type"`
		Issuer  string         `json:"issuer"`
		From    string         `json:"validFrom"`
		Until   string         `json:"validUntil,omitzero"`
		Subject bitstringClaim `json:"credentialSubject"`
	}{
		[]string{vc.ContextCredentials}, c.URL, []string{"VerifiableCredential", claim.CredentialType()}, issuer.ID.String(),
		from.UTC().Format(time.RFC3339), until, claim,
	})
	if err != nil {
		return nil, fmt.Errorf("status: list %s: %w", c.URL, err)
	}
	return issuer.AddProof(document)
}

// ReadBitstringCredential reads a list that was verified. size is the statusSize of its entries:
// the list does not say it.
func ReadBitstringCredential(v *vc.Verified, size int) (*BitstringCredential, error) {
	claim, err := vc.ClaimOf[bitstringClaim](v)
	if err != nil {
		return nil, err
	}
	list, err := DecodeBitstringList(claim.Encoded, size)
	if err != nil {
		return nil, err
	}
	c := &BitstringCredential{v.ID(), claim.Purpose, list, claim.ttl(), v.ValidFrom(), v.ValidUntil()}
	return c, nil
}

// ttl returns the time to live; zero if it does not say.
func (c *bitstringClaim) ttl() time.Duration {
	if c.TTL == nil {
		return 0
	}
	return time.Duration(*c.TTL) * time.Millisecond
}
