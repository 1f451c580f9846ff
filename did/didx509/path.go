package didx509

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Extensions that are looked at by their OID (RFC 5280 §4.2).
var (
	oidKeyUsage        = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSAN             = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidEKU             = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidFulcioIssuer    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
)

// mayBeCritical are the extensions that the method lets be critical: those of its model, and
// those that path validation processes ("DID Resolution" step 2).
var mayBeCritical = [...]string{
	"2.5.29.37", // extKeyUsage
	"2.5.29.17", // subjectAltName
	"2.5.29.19", // basicConstraints
	"2.5.29.15", // keyUsage
	"2.5.29.30", // nameConstraints
	"2.5.29.36", // policyConstraints
	"2.5.29.33", // policyMappings
	"2.5.29.32", // certificatePolicies
	"2.5.29.54", // inhibitAnyPolicy
}

// constraints are the extensions by which a CA says what those below it may certify. Without one
// of them certificate policies are only information.
var constraints = [...]string{
	"2.5.29.30", // nameConstraints
	"2.5.29.36", // policyConstraints
	"2.5.29.33", // policyMappings
	"2.5.29.54", // inhibitAnyPolicy
}

// check is certification path validation (RFC 5280 §6.1) of exactly this chain, with its last
// certificate as trust anchor: "DID Resolution" steps 2 and 5. It says nothing about whether
// anybody trusts that anchor: the DID does, by pinning a certificate of the chain.
func (c Chain) check(at time.Time) error {
	if len(c) < 2 {
		return ErrTooShort
	}
	if len(c) > MaxCertificates {
		return fmt.Errorf("%w: %d certificates, at most %d are read", ErrLimit, len(c), MaxCertificates)
	}
	for i, cert := range c {
		if cert == nil || len(cert.Raw) == 0 {
			return fmt.Errorf("%w: certificate %d was not parsed", ErrMalformed, i)
		}
		if k, ok := cert.PublicKey.(*rsa.PublicKey); ok && (k.N.BitLen() < minRSA || k.N.BitLen() > maxRSA) {
			return fmt.Errorf("%w: certificate %d: an RSA key of %d bits, taken are %d to %d", ErrLimit, i, k.N.BitLen(), minRSA, maxRSA)
		}
	}

	// Each is issued by the next, and the next may issue (§6.1.3 a, §6.1.4 k to n). Of the
	// anchor RFC 5280 asks nothing; the method's vectors ask the same as of the others.
	cas := 0 // below c[i], not counting those that only renew a key
	for i, issuer := range c[1:] {
		i++
		cert := c[i-1]
		switch {
		case slices.ContainsFunc(c[:i], issuer.Equal):
			return fmt.Errorf("%w: certificate %d is there twice", ErrOrder, i)
		case !bytes.Equal(cert.RawIssuer, issuer.RawSubject):
			return fmt.Errorf("%w: certificate %d is issued by another than certificate %d", ErrOrder, i-1, i)
		case !issuer.BasicConstraintsValid || !issuer.IsCA:
			return fmt.Errorf("%w: certificate %d: its basic constraints do not say so", ErrNotCA, i)
		case has(issuer, oidKeyUsage) && issuer.KeyUsage&x509.KeyUsageCertSign == 0:
			return fmt.Errorf("%w: certificate %d: its key usage lacks keyCertSign", ErrNotCA, i)
		case issuer.MaxPathLen >= 0 && cas > issuer.MaxPathLen:
			return fmt.Errorf("%w: certificate %d allows %d below it, and there are %d", ErrPathLength, i, issuer.MaxPathLen, cas)
		}
		if err := cert.CheckSignatureFrom(issuer); err != nil {
			return fmt.Errorf("%w: certificate %d: %w", ErrSignature, i-1, err)
		}
		if !selfIssued(issuer) {
			cas++
		}
	}
	// An anchor that vouches for itself has to do it well, unless in an algorithm that is not
	// checked any more: it is pinned by its digest, or the CA below it is.
	if anchor := c[len(c)-1]; selfIssued(anchor) {
		err := anchor.CheckSignatureFrom(anchor)
		if _, old := errors.AsType[x509.InsecureAlgorithmError](err); err != nil && !old {
			return fmt.Errorf("%w: certificate %d, by itself: %w", ErrSignature, len(c)-1, err)
		}
	}

	for i, cert := range c {
		// No extension is passed over that must not be (§6.1.3, §6.1.4 o).
		for _, e := range cert.Extensions {
			if e.Critical && !slices.Contains(mayBeCritical[:], e.Id.String()) {
				return fmt.Errorf("%w: %s in certificate %d", ErrCriticalExtension, e.Id, i)
			}
		}
		if !at.IsZero() && (at.Before(cert.NotBefore) || at.After(cert.NotAfter)) {
			return fmt.Errorf("%w: %s is not between %s and %s, of certificate %d", ErrPeriod, stamp(at), stamp(cert.NotBefore), stamp(cert.NotAfter), i)
		}
	}
	if err := c.checkConstraints(); err != nil {
		return err
	}

	// The model holds names that nobody can read in two ways ("Certificate Chain JSON Model").
	for i, cert := range c {
		for _, name := range [...]pkix.Name{cert.Subject, cert.Issuer} {
			if _, err := attributes(name.Names); err != nil {
				return fmt.Errorf("%w, in certificate %d", err, i)
			}
		}
		if _, err := alternativeNames(cert); err != nil {
			return fmt.Errorf("%w, in certificate %d", err, i)
		}
	}
	return nil
}

// checkConstraints applies name constraints and certificate policies (§6.1.3 b to f, §6.1.4 a, b,
// g to j). Package x509 knows those about e-mail addresses, DNS names, URIs and IP addresses;
// directory names, which it does not know, are checked here.
func (c Chain) checkConstraints() error {
	for i, ca := range c {
		if err := constrain(ca, c[:i]); err != nil {
			return fmt.Errorf("%w, by certificate %d", err, i)
		}
	}

	// The rest is for x509.Verify, if there is any: it would check all signatures once more.
	// It looks for any path, and always at some time. What it sees are copies that say
	// nothing of what was checked already: periods, critical extensions, path lengths, of
	// which it has a stricter view than RFC 5280. Of the paths it finds only this one counts.
	if !slices.ContainsFunc(c, func(cert *x509.Certificate) bool {
		return slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return slices.Contains(constraints[:], e.Id.String()) })
	}) {
		return nil
	}
	copies := make(Chain, len(c))
	for i, cert := range c {
		open := *cert
		open.NotBefore, open.NotAfter = time.Unix(0, 0), time.Unix(1<<40, 0)
		open.UnhandledCriticalExtensions, open.MaxPathLen = nil, -1
		copies[i] = &open
	}
	opts := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   time.Unix(1, 0),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, // what a leaf is for, predicates say
	}
	last := len(c) - 1
	opts.Roots.AddCert(copies[last])
	for _, cert := range copies[1:last] {
		opts.Intermediates.AddCert(cert)
	}
	paths, err := copies[0].Verify(opts)
	if err != nil {
		switch invalid, _ := errors.AsType[x509.CertificateInvalidError](err); invalid.Reason {
		case x509.CANotAuthorizedForThisName:
			return fmt.Errorf("%w: %w", ErrNameConstraints, err)
		case x509.NoValidChains:
			return fmt.Errorf("%w: %w", ErrPolicy, err)
		}
		return fmt.Errorf("%w: %w", ErrOrder, err)
	}
	for _, path := range paths {
		if slices.EqualFunc(path, c, (*x509.Certificate).Equal) {
			return nil
		}
	}
	return fmt.Errorf("%w: a certificate in it takes no part", ErrOrder)
}

// selfIssued reports whether a certificate is of its own issuer: a root, or a CA's new key.
func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

func extension(c *x509.Certificate, oid asn1.ObjectIdentifier) ([]byte, bool) {
	for _, e := range c.Extensions {
		if e.Id.Equal(oid) {
			return e.Value, true
		}
	}
	return nil, false
}

func has(c *x509.Certificate, oid asn1.ObjectIdentifier) bool {
	_, ok := extension(c, oid)
	return ok
}

// keyUsage says what the leaf's key may do ("DID Resolution" steps 10 to 12): both, if it does not say.
func keyUsage(leaf *x509.Certificate) (signs, agrees bool) {
	if !has(leaf, oidKeyUsage) {
		return true, true
	}
	return leaf.KeyUsage&x509.KeyUsageDigitalSignature != 0, leaf.KeyUsage&x509.KeyUsageKeyAgreement != 0
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
