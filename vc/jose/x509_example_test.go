package jose_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// factoryCertificates are those that a drone left the factory with, as the resolution option
// x509chain has them: its own, O=Acme and serialNumber=0042, and the factory's root.
const factoryCertificates = "MIIBMjCB5aADAgECAgEAMAUGAytlcDAjMQ0wCwYDVQQKEwRBY21lMRIwEAYDVQQDEwlBY21lIFJvb3QwIBcNMjYwMTAxMDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMB4xDT" +
	"ALBgNVBAoTBEFjbWUxDTALBgNVBAUTBDAwNDIwKjAFBgMrZXADIQDa29GEotUm8evdXAb9rZNZsih1m01_edZmifolSq2FRqNBMD8wDgYDVR0PAQH_BAQDAgeAMAwGA1Ud" +
	"EwEB_wQCMAAwHwYDVR0jBBgwFoAU-k2Gw7VRqmzXw3WdBAwDfvLGN58wBQYDK2VwA0EAe9DMVlgTXGxiObuKyTZ0VoSBZYswJcxI9kqqWZqSMjget5cJo64qXPwEhzCfSv" +
	"w9uCd7Phkk1AV_FdBvOe54AQ" +
	"," +
	"MIIBODCB66ADAgECAgEJMAUGAytlcDAjMQ0wCwYDVQQKEwRBY21lMRIwEAYDVQQDEwlBY21lIFJvb3QwIBcNMjYwMTAxMDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMCMxDT" +
	"ALBgNVBAoTBEFjbWUxEjAQBgNVBAMTCUFjbWUgUm9vdDAqMAUGAytlcAMhAM7MFQfcHd1ylZUcKQiI8JWtuQRNG3PWlubfBl1oO9T8o0IwQDAOBgNVHQ8BAf8EBAMCAgQw" +
	"DwYDVR0TAQH_BAUwAwEB_zAdBgNVHQ4EFgQU-k2Gw7VRqmzXw3WdBAwDfvLGN58wBQYDK2VwA0EAkCfh4hB8IG2Mc39ZYAivAgUgSpZ2A8b5-0uFYtBiKOgPEOHN1lCTqk" +
	"VRY26Q-rRi690pyxgAVFXD-ul7dPdxBQ"

// A drone signs with the key that its factory certified. Whoever knows the factory's root can
// verify it: the DID pins the root, and the certificates come along.
func ExampleFormat_certificates() {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = 3
	key := ed25519.NewKeyFromSeed(seed) // a real one is in the drone's secure element, and a crypto.Signer all the same
	chain, err := didx509.ParseChain([]byte(factoryCertificates))
	if err != nil {
		fmt.Println(err)
		return
	}
	drone, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("O", "Acme", "2.5.4.5", "0042"))
	if err != nil {
		fmt.Println(err)
		return
	}
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	issuer := vc.Issuer{ID: drone, Key: key, Method: drone.URL("0"), Format: jose.Format{Chain: chain.DER()}, Now: now}
	day := record.Uptime{Availability: record.Availability{
		Start: now().AddDate(0, 0, -1), End: now(), RequiredSeconds: 86400, UpSeconds: 86400, Method: record.SelfReport,
	}}
	credential, err := issuer.Issue(&vc.Credential{Subject: drone, Claim: day})
	if err != nil {
		fmt.Println(err)
		return
	}

	// From here on nobody has the chain but from the credential.
	verifier := vc.Verifier{Formats: []vc.Format{jose.Format{}}, Certificates: didx509.Resolver{}.Presented, Now: now}
	v, err := verifier.Verify(context.Background(), credential, vc.IssuedBy(drone))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.Issuer() == drone, v.Issuer())

	// Another drone's name is not to be had with these certificates.
	other := did.MustParse(drone.String()[:len(drone.String())-1] + "3")
	issuer.ID, issuer.Method = other, other.URL("0")
	forged, err := issuer.Issue(&vc.Credential{Subject: other, Claim: day})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = verifier.Verify(context.Background(), forged, vc.IssuedBy(other))
	fmt.Println(errors.Is(err, vc.ErrProof), errors.Is(err, didx509.ErrNoMatch))
	// Output:
	// true did:x509:0:sha256:wgS3y07XSYktsRvDfW0rNTwiAenCt84TwtoRYhgflHA::subject:O:Acme:2.5.4.5:0042
	// true true
}
