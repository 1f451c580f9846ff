package sdjwt

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/vc"
)

const calibration = "https://lab.example/types/calibration"

func TestVC(t *testing.T) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		lab, labKey := newKey(t, alg)
		machine, machineKey := newKey(t, alg)
		for _, confirm := range []Confirmation{{Key: machineKey.Public()}, {Method: machine.URL(machine.Identifier())}} {
			issuer := &Issuer{ID: lab, Key: labKey, Now: at(noon)}
			raw, err := issuer.IssueVC(&Credential{
				Type: calibration, Also: []string{"https://lab.example/types/test", "urn:x"}, Subject: machine.String(), NotBefore: noon, Expires: noon.AddDate(1, 0, 0), Confirm: confirm,
				Status: []byte(` {"status_list":{"idx":7,"uri":"https://lab.example/status/1"}}`),
				Claims: []byte(`{"sensor":"lidar","offsets":[3,-1],"fitter":{"name":"Ada","badge":"17"}}`),
				Options: Options{
					Disclosable: []string{"/sub", "/sensor", "/offsets/0", "/offsets/1", "/fitter", "/fitter/badge"}, Decoys: 2, Hash: SHA384,
				},
			})
			require.NoError(t, err)
			token, err := Parse(raw)
			require.NoError(t, err)
			require.True(t, token.Selective(), "decoys look like what is hidden")
			token, err = token.Present("/offsets/1", "/fitter/badge")
			require.NoError(t, err)
			ch := vc.NewChallenge("lease.example")
			bound, err := token.Bind(machineKey, ch, noon.Add(time.Minute))
			require.NoError(t, err)

			verifier := &Verifier{Now: at(noon.Add(2 * time.Minute)), Status: inForce{}}
			v, err := verifier.VerifyVC(t.Context(), []byte(bound.String()), Answering(ch), IssuedBy(calibration, lab))
			require.NoError(t, err)
			strict := &Verifier{Now: verifier.Now, Status: inForce{errors.New("was asked")}}
			_, err = strict.VerifyVC(t.Context(), []byte(bound.String()), Answering(ch), IssuedBy(calibration, machine))
			require.ErrorIs(t, err, vc.ErrNotAccepted, "nobody is asked about what nobody wants")
			require.Equal(t, calibration, v.Type())
			require.Equal(t, []string{calibration, "https://lab.example/types/test", "urn:x"}, v.Types())
			require.Equal(t, lab, v.Issuer())
			require.Equal(t, lab.URL(lab.Identifier()), v.Method())
			require.Equal(t, "", v.Subject())
			require.Equal(t, noon, v.Issued())
			require.Equal(t, noon.AddDate(1, 0, 0), v.Expires())
			require.Equal(t, noon.Add(time.Minute), v.Bound())
			require.Equal(t, confirm, v.Holder())
			require.True(t, v.Selective())
			require.Equal(t, []vc.StatusResult{{Purpose: "revocation"}}, v.Status())
			require.Equal(t, bound.String(), v.Raw())
			require.Equal(t, fmt.Sprintf("%s by %s", calibration, lab), v.String())
			var offsets []int
			ok, err := v.Claim("offsets", &offsets)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, []int{-1}, offsets)
			var fitter map[string]string
			_, err = v.Claim("fitter", &fitter)
			require.NoError(t, err)
			require.Equal(t, map[string]string{"name": "Ada", "badge": "17"}, fitter)
			ok, err = v.Claim("sensor", new(string))
			require.NoError(t, err)
			require.False(t, ok)
			_, err = v.Claim("offsets", new(string))
			require.ErrorContains(t, err, "offsets")

			require.JSONEq(t, string(bound.Payload()), string(v.Payload()))

			// In JSON it says the same; without the question it says nothing of a holder.
			v, err = verifier.VerifyVC(t.Context(), bound.JSON(), Answering(ch), AnyIssuer)
			require.NoError(t, err)
			require.Equal(t, bound.String(), v.Raw())
			v, err = verifier.VerifyVC(t.Context(), []byte(bound.String()), AnyBearer(), AnyIssuer)
			require.NoError(t, err)
			require.Zero(t, v.Holder())
			require.Zero(t, v.Bound())
		}
	}
}

// history is a resolver that knows present documents only.
type history struct{ did.Offline }

func (h history) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	if !v.IsZero() {
		return nil, did.ErrVersionUnknown
	}
	return h.Offline.Key(ctx, url, use, v)
}

// What a verifier of SD-JWT VCs refuses, by name.
func TestVCRefused(t *testing.T) {
	lab, labKey := newKey(t, "Ed25519")
	_, machineKey := newKey(t, "P-256")
	thief, thiefKey := newKey(t, "Ed25519")
	f := forger{t: t, id: lab, key: labKey, typ: "dc+sd-jwt"}
	ch := vc.NewChallenge("lease.example")
	plain := `{"vct":"` + calibration + `","iss":"$iss","iat":1795348800,"cnf":$cnf`
	with := func(members string, disclosures ...string) string {
		return f.token(machineKey.Public(), plain+","+members+"}", disclosures...)
	}
	token := with(`"_sd":["$0","$1"]`, `["s","a",1]`, `["s","b",2]`)
	answer := fmt.Sprintf(`{"iat":%d,"aud":"lease.example","nonce":"%s","sd_hash":"$hash"}`, noon.Unix(), ch.Nonce)
	bind := func(token, claims string) string {
		return token + f.binding(machineKey, typBinding, token, claims)
	}
	sent := func(d time.Duration) string {
		return bind(token, strings.Replace(answer, fmt.Sprint(noon.Unix()), fmt.Sprint(noon.Add(d).Unix()), 1))
	}
	choose := func(pointers ...string) string {
		parsed, err := Parse([]byte(token))
		require.NoError(t, err)
		shown, err := parsed.Present(pointers...)
		require.NoError(t, err)
		return shown.String()
	}
	typed := func(typ string) string {
		g := f
		g.typ = typ
		return g.token(machineKey.Public(), plain+"}")
	}
	kid := func(payload, kid string) string {
		signed, err := jws.Sign(labKey, jws.Header{Typ: typVC, Kid: kid}, []byte(payload))
		require.NoError(t, err)
		return string(signed) + "~"
	}
	other := f
	other.key = thiefKey
	_, rest, _ := strings.Cut(token, ".")
	bearer, asked := AnyBearer(), Answering(ch)

	for _, tt := range []struct {
		name, token string
		by          Possession
		want        error // nil: taken
		detail      string
	}{
		{"a good one", bind(token, answer), asked, nil, ""},
		{"a good one, of any bearer", token, bearer, nil, ""},
		{"shown in part", bind(choose("/b"), answer), asked, nil, ""},
		{"also of the type", f.token(nil, `{"vct":"x","aka_vcts":["y","`+calibration+`"],"iss":"$iss"}`), bearer, nil, ""},
		{"decoys only", with(`"_sd":["x","y"],"a":[{"...":"z"}]`), bearer, nil, ""},
		{"without any disclosure", with(`"a":1`), bearer, nil, ""},
		{"the oldest binding that is taken", sent(-vc.MaxBindingAge), asked, nil, ""},
		{"a clock that is a little fast", sent(time.Minute), asked, nil, ""},
		{"key binding that is not asked for is not looked at", token + f.binding(thiefKey, typBinding, token, answer), bearer, nil, ""},

		{"wrong key", other.token(machineKey.Public(), plain+"}"), bearer, vc.ErrProof, "does not match"},
		{"issuer of another key", kid(`{"vct":"x","iss":"`+thief.String()+`"}`, lab.URL(lab.Identifier()).String()), bearer, vc.ErrIssuer, "signed by a key of"},
		{"a key that the issuer does not have", kid(`{"vct":"x","iss":"`+lab.String()+`"}`, lab.String()+"#x"), bearer, vc.ErrProof, "not found"},
		{"kid is no DID URL", kid(`{"vct":"x","iss":"`+lab.String()+`"}`, "key 1"), bearer, vc.ErrProof, "kid"},
		{"issuer is no DID", kid(`{"vct":"x","iss":"https://lab.example"}`, lab.URL(lab.Identifier()).String()), bearer, vc.ErrIssuer, "no DID"},
		{"no issuer", kid(`{"vct":"x"}`, lab.URL(lab.Identifier()).String()), bearer, vc.ErrIssuer, "no DID"},
		{"alg none", b64(`{"alg":"none","typ":"dc+sd-jwt"}`) + "." + rest, bearer, vc.ErrMalformed, "none"},
		{"altered disclosure", strings.Replace(token, b64(`["s","a",1]`), b64(`["s","a",9]`), 1), bearer, vc.ErrMalformed, "none of this token's"},
		{"oversized", token + strings.Repeat(" ", MaxBytes), bearer, vc.ErrLimit, ""},
		{"typ of a W3C credential", typed("vc+sd-jwt"), bearer, vc.ErrMalformed, "typ"},
		{"typ of a JWT", typed("vc+jwt"), bearer, vc.ErrMalformed, "typ"},
		{"typ of a key binding", typed("kb+jwt"), bearer, vc.ErrMalformed, "typ"},
		{"no typ", typed(""), bearer, vc.ErrMalformed, "typ"},
		{"no vct", f.token(nil, `{"iss":"$iss"}`), bearer, vc.ErrMalformed, "vct"},
		{"vct is a list", f.token(nil, `{"vct":["x"],"iss":"$iss"}`), bearer, vc.ErrMalformed, "vct"},
		{"vct#integrity is a number", with(`"vct#integrity":1`), bearer, vc.ErrMalformed, "integrity"},
		{"aka_vcts by disclosure", with(`"_sd":["$0"]`, `["s","aka_vcts",["x"]]`), bearer, vc.ErrMalformed, "aka_vcts came by disclosure"},
		{"a hidden entry of aka_vcts", with(`"aka_vcts":["x",{"...":"x"}]`), bearer, vc.ErrMalformed, "aka_vcts has digests"},
		{"aka_vcts is text", with(`"aka_vcts":"x"`), bearer, vc.ErrMalformed, "aka_vcts"},
		{"aka_vcts of numbers", with(`"aka_vcts":[1]`), bearer, vc.ErrMalformed, "aka_vcts"},
		{"another type", f.token(nil, `{"vct":"x","iss":"$iss"}`), bearer, vc.ErrNotAccepted, "its type is"},

		{"iss by disclosure", f.token(nil, `{"vct":"x","_sd":["$0"]}`, `["s","iss","`+lab.String()+`"]`), bearer, vc.ErrMalformed, "iss came by disclosure"},
		{"nbf by disclosure", with(`"_sd":["$0"]`, `["s","nbf",1]`), bearer, vc.ErrMalformed, "nbf came by disclosure"},
		{"exp by disclosure", with(`"_sd":["$0"]`, `["s","exp",4102444800]`), bearer, vc.ErrMalformed, "exp came by disclosure"},
		{"cnf by disclosure", f.token(nil, `{"vct":"x","iss":"$iss","_sd":["$0"]}`, `["s","cnf",{}]`), bearer, vc.ErrMalformed, "cnf came by disclosure"},
		{"vct by disclosure", f.token(nil, `{"iss":"$iss","_sd":["$0"]}`, `["s","vct","x"]`), bearer, vc.ErrMalformed, "vct came by disclosure"},
		{"vct#integrity by disclosure", with(`"_sd":["$0"]`, `["s","vct#integrity","x"]`), bearer, vc.ErrMalformed, "vct#integrity came by disclosure"},
		{"status by disclosure", with(`"_sd":["$0"]`, `["s","status",{}]`), bearer, vc.ErrMalformed, "status came by disclosure"},
		{"a hidden part of status", with(`"status":{"_sd":["x"]}`), bearer, vc.ErrMalformed, "status has digests"},
		{"a part of cnf by disclosure", f.token(nil, `{"vct":"x","iss":"$iss","cnf":{"_sd":["$0"]}}`, `["s","jwk",{}]`), bearer, vc.ErrMalformed, "cnf has digests"},
		{"Exp", with(`"Exp":1`), bearer, vc.ErrMalformed, "case-sensitive"},
		{"CNF by disclosure", with(`"_sd":["$0"]`, `["s","CNF",{}]`), bearer, vc.ErrMalformed, "case-sensitive"},
		{"for an audience", with(`"aud":"x"`), bearer, vc.ErrMalformed, "aud"},
		{"expired", with(`"exp":1795348700`), bearer, vc.ErrExpired, "ended"},
		{"not yet valid", with(`"nbf":1795348900`), bearer, vc.ErrNotYetValid, "starts"},
		{"issued in the future", f.token(nil, `{"vct":"x","iss":"$iss","iat":1795348900}`), bearer, vc.ErrProof, "yet to come"},
		{"exp is text", with(`"exp":"never"`), bearer, vc.ErrMalformed, "exp"},
		{"cnf is text", f.token(nil, `{"vct":"x","iss":"$iss","cnf":"x"}`), bearer, vc.ErrMalformed, "cnf"},

		{"key binding stripped", token, asked, vc.ErrProof, "nobody signed"},
		{"no key of a holder", bind(f.token(nil, `{"vct":"x","iss":"$iss"}`), answer), asked, vc.ErrProof, "no key of the holder"},
		{"of another nonce", bind(token, strings.Replace(answer, ch.Nonce, "x", 1)), asked, vc.ErrChallenge, "replay"},
		{"for another verifier", bind(token, strings.Replace(answer, "lease", "other", 1)), asked, vc.ErrDomain, "other.example"},
		{"of another sd_hash", bind(token, strings.Replace(answer, "$hash", "x", 1)), asked, vc.ErrProof, "sd_hash"},
		{"by another key", token + f.binding(thiefKey, typBinding, token, answer), asked, vc.ErrProof, "key binding"},
		{"holder key swapped", bind(f.token(thiefKey.Public(), plain+"}"), answer), asked, vc.ErrProof, "key binding"},
		{"stale", sent(-time.Hour), asked, vc.ErrExpired, "is taken for 5m"},
		{"from the future", sent(time.Hour), asked, vc.ErrProof, "yet to come"},
		{"ended by its own word", bind(token, strings.Replace(answer, `{"iat"`, `{"exp":1,"iat"`, 1)), asked, vc.ErrExpired, ""},
		{"not begun by its own word", bind(token, strings.Replace(answer, `{"iat"`, `{"nbf":4102444800,"iat"`, 1)), asked, vc.ErrProof, "yet to come"},
		{"replayed onto fewer disclosures", choose("/a") + f.binding(machineKey, typBinding, token, answer), asked, vc.ErrProof, "sd_hash"},
		{"replayed onto more disclosures", token + f.binding(machineKey, typBinding, choose("/a"), answer), asked, vc.ErrProof, "sd_hash"},
		{"replayed onto another order", func() string {
			p := strings.Split(token, "~")
			return p[0] + "~" + p[2] + "~" + p[1] + "~" + f.binding(machineKey, typBinding, token, answer)
		}(), asked, vc.ErrProof, "sd_hash"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			accept := IssuedBy(calibration, lab)
			_, err := (&Verifier{Now: at(noon)}).VerifyVC(t.Context(), []byte(tt.token), tt.by, accept)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tt.want, reason(err), "%v", err)
			require.ErrorContains(t, err, tt.detail)
		})
	}

	verify := func(v *Verifier, token string, by Possession, accept Accept) error {
		v.Now = at(noon)
		_, err := v.VerifyVC(t.Context(), []byte(token), by, accept)
		return err
	}
	require.Equal(t, vc.ErrNotAccepted, reason(verify(&Verifier{}, token, bearer, IssuedBy(calibration, thief))))
	require.ErrorContains(t, verify(&Verifier{}, token, bearer, nil), "AnyIssuer")
	require.ErrorContains(t, verify(&Verifier{}, token, Possession{}, AnyIssuer), "AnyBearer")

	// What could not be checked is no refusal.
	status := with(`"status":{"status_list":{"idx":7,"uri":"https://lab.example/status/1"}}`)
	for _, tt := range []struct {
		name     string
		verifier *Verifier
		token    string
		want     error
	}{
		{"no checker of status", &Verifier{}, status, nil},
		{"status out of reach", &Verifier{Status: inForce{context.DeadlineExceeded}}, status, context.DeadlineExceeded},
		{"a status list that is bad", &Verifier{Status: inForce{&vc.RejectError{Reason: vc.ErrProof, Detail: errors.New("of the list")}}}, status, nil},
		{"a DID method that nobody resolves", &Verifier{}, kid(`{"vct":"x","iss":"did:example:lab"}`, "did:example:lab#1"), did.ErrMethodNotSupported},
		{"a document of then that is not kept", &Verifier{Resolver: history{}}, token, did.ErrVersionUnknown},
	} {
		err := verify(tt.verifier, tt.token, bearer, AnyIssuer)
		require.Error(t, err, tt.name)
		require.NoError(t, reason(err), tt.name)
		if tt.want != nil {
			require.ErrorIs(t, err, tt.want, tt.name)
		}
	}
	require.Equal(t, vc.ErrStatus, reason(verify(&Verifier{Status: inForce{vc.ErrStatus}}, status, bearer, AnyIssuer)))
	require.NoError(t, verify(&Verifier{Resolver: history{}, CurrentKeys: true}, token, bearer, AnyIssuer))
}

// IssueVC signs nothing that VerifyVC would refuse to read.
func TestVCNotIssued(t *testing.T) {
	lab, key := newKey(t, "Ed25519")
	web, err := did.Parse("did:web:lab.example")
	require.NoError(t, err)
	for _, tt := range []struct {
		name   string
		issuer Issuer
		c      Credential
		want   string
	}{
		{"no key", Issuer{ID: lab}, Credential{Type: "x"}, "required"},
		{"no type", Issuer{ID: lab, Key: key}, Credential{}, "required"},
		{"no method", Issuer{ID: web, Key: key}, Credential{Type: "x"}, "Method is required"},
		{"method of another", Issuer{ID: web, Key: key, Method: lab.URL("x")}, Credential{Type: "x"}, "no DID URL of it"},
		{"claims are no object", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`[1]`)}, "want a JSON object"},
		{"claims go on", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{},"exp":1`)}, "one value"},
		{"status goes on", Issuer{ID: lab, Key: key}, Credential{Type: "x", Status: []byte(`{},"exp":1`)}, "one value"},
		{"a claim twice", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"vct":"y"}`)}, "second member"},
		{"exp in another case", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"Exp":1}`)}, "case-sensitive"},
		{"digests of the caller's", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"a":{"_sd":[]}}`)}, "name is that of digests"},
		{"_sd_alg of the caller's", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"_sd_alg":"md5"}`)}, "name is that of digests"},
		{"type is not UTF-8", Issuer{ID: lab, Key: key}, Credential{Type: "\xff"}, "UTF-8"},
		{"two confirmations", Issuer{ID: lab, Key: key}, Credential{Type: "x", Confirm: Confirmation{key.Public(), lab.URL("x")}}, "not both"},
		{"a method that is none", Issuer{ID: lab, Key: key}, Credential{Type: "x", Confirm: Confirmation{Method: did.URL{Fragment: "x"}}}, "no DID URL"},
		{"vct hidden", Issuer{ID: lab, Key: key}, Credential{Type: "x", Options: Options{Disclosable: []string{"/vct"}}}, "depends on it"},
		{"exp hidden", Issuer{ID: lab, Key: key}, Credential{Type: "x", Expires: noon, Options: Options{Disclosable: []string{"/exp"}}}, "depends on it"},
		{"an unknown hash function", Issuer{ID: lab, Key: key}, Credential{Type: "x", Options: Options{Hash: "md5"}}, "known are"},
		{"decoys without end", Issuer{ID: lab, Key: key}, Credential{Type: "x", Options: Options{Decoys: MaxDecoys + 1}}, "decoys"},
		{"more than is read", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"a":"` + strings.Repeat("x", MaxBytes) + `"}`)}, "more than"},
		{"more than is read, once it is signed", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"a":"` + strings.Repeat("x", MaxBytes-100) + `"}`)}, "at most"},
		{"more disclosures than are read", Issuer{ID: lab, Key: key}, Credential{Type: "x", Claims: []byte(`{"a":[0` + strings.Repeat(",0", MaxDisclosures) + `]}`), Options: Options{Disclosable: []string{"/a"}, Recursive: true}}, "at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.issuer.IssueVC(&tt.c)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
