package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/mldsa"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/schema"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
	"github.com/hourmeter/hourmeter/vc/status"
)

// formats are the enveloping proofs that commands read.
func formats() []vc.Format {
	return []vc.Format{jose.Format{}, sdjwt.Format{}, cose.Format{}, cose.CWT{}}
}

// suites are the cryptosuites that commands read, with these contexts; nil are those compiled in.
func suites(contexts *vc.Contexts) []vc.Suite {
	return append(rdfc.Suites(contexts), mldsa.MLDSA44JCS2024{})
}

// verifier returns a verifier that reads whatever this module reads: also what is signed by a
// did:x509 and brings its certificates along.
func verifier(now func() time.Time) *vc.Verifier {
	return &vc.Verifier{
		Resolver: offline(), Certificates: didx509.Resolver{}.Presented,
		Suites: suites(nil), Formats: formats(), Contexts: rdfc.Contexts(), Now: now,
	}
}

// verifierAt returns an offline verifier whose clock stands still.
func verifierAt(flag string) (*vc.Verifier, time.Time, error) {
	at, err := parseTime("at", flag)
	if err != nil {
		return nil, at, err
	}
	if flag == "" {
		at = time.Now()
	}
	at = at.UTC().Truncate(time.Second)
	return verifier(func() time.Time { return at }), at, nil
}

// withEvidence lets v look up statuses and schemas in source.
func withEvidence(v *vc.Verifier, source bundle.Source, stale time.Duration) {
	lists := *v // whose own credentials name no lists
	v.Status = &status.Checker{Source: source, Verifier: &lists, Stale: stale}
	v.Schema = &schema.Checker{Source: source, Verifier: &lists, Now: v.Now}
}

// securing says how what is signed is secured.
type securing struct {
	format, suite          string
	disclosable, mandatory []string
	decoys                 int
}

const embeddedProof = "data-integrity"

func (s *securing) flags(f *pflag.FlagSet) {
	f.StringVar(&s.format, "format", embeddedProof, "how it is secured: data-integrity, vc+jwt, vc+sd-jwt, vc+cose or cwt")
	f.StringVar(&s.suite, "suite", "", "cryptosuite of a data-integrity proof, such as eddsa-rdfc-2022 (default the JCS suite of the key)")
}

// ways returns the suite and the format that the flags ask for; nil is the default.
func (s securing) ways() (vc.Suite, vc.Format, error) {
	if s.format != embeddedProof && s.suite != "" {
		return nil, nil, fmt.Errorf("--suite is of a data-integrity proof, not of %s", s.format)
	}
	if s.suite != (rdfc.ECDSASD2023{}).Name() && len(s.mandatory) > 0 {
		return nil, nil, errors.New("--mandatory goes with --suite ecdsa-sd-2023")
	}
	if s.format != "vc+sd-jwt" && (len(s.disclosable) > 0 || s.decoys > 0) {
		return nil, nil, errors.New("--disclosable and --decoys go with --format vc+sd-jwt")
	}
	switch s.format {
	case embeddedProof:
		if s.suite == "" {
			return nil, nil, nil
		}
		all := suites(nil)
		i := slices.IndexFunc(all, func(known vc.Suite) bool { return known.Name() == s.suite })
		if i < 0 {
			var names []string
			for _, known := range all {
				names = append(names, known.Name())
			}
			return nil, nil, fmt.Errorf("--suite: %q is none of %s", s.suite, strings.Join(names, ", "))
		}
		if _, ok := all[i].(rdfc.ECDSASD2023); ok {
			return rdfc.ECDSASD2023{MandatoryPointers: s.mandatory}, nil, nil
		}
		return all[i], nil, nil
	case "vc+jwt":
		return nil, jose.Format{}, nil
	case "vc+cose":
		return nil, cose.Format{}, nil
	case "cwt":
		return nil, cose.CWT{}, nil
	case "vc+sd-jwt":
		return nil, sdjwt.Format{Disclosable: s.disclosable, Decoys: s.decoys}, nil
	}
	return nil, nil, fmt.Errorf("--format: %q is none of data-integrity, vc+jwt, vc+sd-jwt, vc+cose, cwt", s.format)
}

// opened takes apart a credential or presentation that is no JSON object; nil if
// no format reads it.
func opened(raw []byte) *vc.Envelope {
	for _, f := range formats() {
		if f.Recognizes("", raw) {
			if e, err := f.Open(raw); err == nil {
				return e
			}
		}
	}
	return nil
}

// embeddable returns a credential as it stands in other JSON.
func embeddable(raw []byte) []byte {
	if e := opened(raw); e != nil {
		return vc.Enveloped(e.MediaType, raw)
	}
	return raw
}

// trimmed returns the content of a file without the white space around it, if it is
// text: in COSE, the last byte may look like some.
func trimmed(text []byte) []byte {
	if len(text) > 0 && text[0] < 0x80 {
		return bytes.TrimSpace(text)
	}
	return text
}
