package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// api runs serve, and returns what it printed, what it logged so far, and how to stop it.
func (b *bench) api(args ...string) (Serving, func() string, func()) {
	b.t.Helper()
	cmd := exec.Command(binary, append([]string{"serve", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir, cmd.Env = b.dir, b.env
	logged, err := os.Create(filepath.Join(b.t.TempDir(), "log"))
	require.NoError(b.t, err)
	cmd.Stderr = logged
	stdout, err := cmd.StdoutPipe()
	require.NoError(b.t, err)
	require.NoError(b.t, cmd.Start())
	log := func() string {
		text, err := os.ReadFile(logged.Name())
		require.NoError(b.t, err)
		return string(text)
	}
	var s Serving
	if err := json.NewDecoder(stdout).Decode(&s); err != nil {
		cmd.Wait()
		b.t.Fatalf("%v: %v: %s", args, err, log())
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.t.Errorf("%v: %v: %s", args, err, log())
		}
	}
	b.t.Cleanup(stop)
	return s, log, stop
}

func post(t *testing.T, client *http.Client, url, token, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	return resp.StatusCode, answer
}

// A shop's service: it issues, revokes, and remembers both when it starts again.
func TestServe(t *testing.T) {
	b := newBench(t)
	b.ok("key", "create", "shop")
	args := []string{"--key", "shop", "--token-file", "token", "--statuses", "revoked.jsonl", "--suite", "eddsa-rdfc-2022"}
	s, log, stop := b.api(append(args, "--url", "https://shop.example")...)
	require.Equal(t, "https://shop.example", s.URL)
	text, err := os.ReadFile(filepath.Join(b.dir, "token"))
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(b.dir, "token"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	token, at := strings.TrimSpace(string(text)), "http://"+s.Address
	credential := `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"id":"urn:uuid:1","issuer":"` + s.Issuer.String() +
		`","credentialSubject":{"id":"` + s.Issuer.String() + `"}}`

	status, _ := post(t, http.DefaultClient, at+"/credentials/issue", "", `{"credential":`+credential+`}`)
	require.Equal(t, http.StatusUnauthorized, status)
	status, answer := post(t, http.DefaultClient, at+"/credentials/issue", token, `{"credential":`+credential+`}`)
	require.Equal(t, http.StatusCreated, status, "%v", answer)
	signed, err := json.Marshal(answer["verifiableCredential"])
	require.NoError(t, err)
	require.Contains(t, string(signed), `"https://shop.example/status-lists/revocation-1"`)
	verify := func(at string) int {
		status, _ := post(t, http.DefaultClient, at+"/credentials/verify", "", `{"verifiableCredential":`+string(signed)+`}`)
		return status
	}
	require.Equal(t, http.StatusOK, verify(at))
	status, _ = post(t, http.DefaultClient, at+"/credentials/status", token,
		`{"credentialId":"urn:uuid:1","credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation"}}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, http.StatusBadRequest, verify(at), "revoked")
	stop()
	require.NotContains(t, log(), token)
	require.Contains(t, log(), `"endpoint":"/credentials/issue","status":201`)

	s, _, _ = b.api(append(args, "--url", "https://shop.example")...)
	require.Equal(t, http.StatusBadRequest, verify("http://"+s.Address), "still revoked")
	r := b.run("", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "another process keeps these status lists")
	out, err := http.Get("http://" + s.Address + "/openapi.json")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, out.StatusCode)
	out.Body.Close()
}

// The conformance profile has TLS that a client can check, and needs no token.
func TestServeConformance(t *testing.T) {
	b := newBench(t)
	s, _, _ := b.api("--conformance", "--certificate", "ca.pem")
	text, err := os.ReadFile(filepath.Join(b.dir, "ca.pem"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	require.True(t, strings.HasPrefix(s.URL, "https://127.0.0.1:"), s.URL)
	require.Len(t, s.Conformance, 3)

	resp, err := client.Get(s.URL + "/conformance.json")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	want, err := json.Marshal(s.Conformance)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(body))

	status, answer := post(t, client, s.URL+"/bitstring-status-list/credentials/issue", "", `{"credential":{"@context":["https://www.w3.org/ns/credentials/v2"],
		"type":["VerifiableCredential"],"id":"urn:uuid:1","issuer":"`+s.Conformance["ed25519"].String()+`","credentialSubject":{"id":"did:example:a"}}}`)
	require.Equal(t, http.StatusCreated, status, "%v", answer)
	entry := answer["verifiableCredential"].(map[string]any)["credentialStatus"].(map[string]any)
	resp, err = client.Get(entry["statusListCredential"].(string))
	require.NoError(t, err)
	body, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	require.True(t, bytes.Contains(body, []byte(`"BitstringStatusListCredential"`)), "%s", body)
}

func TestServeRefuses(t *testing.T) {
	b := newBench(t)
	b.ok("key", "create", "shop")
	b.write("short", "hunter2\n")
	for _, tc := range []struct{ name, says, args string }{
		{"a key and no token", "--token-file", "--key shop"},
		{"a token and no key", "--key", "--token-file token"},
		{"statuses and no key", "--key", "--statuses s --allow any"},
		{"a token that can be guessed", "22 printable characters", "--key shop --token-file short"},
		{"nobody to believe", "--allow", ""},
		{"somebody who is none", "--allow", "--allow everybody"},
		{"to others without TLS", "--tls-cert", "--allow any --listen 0.0.0.0:0"},
		{"half of TLS", "go together", "--allow any --tls-cert x"},
		{"an address that is none", "--listen", "--allow any --listen 8443"},
		{"a URL that is none", "--url", "--allow any --listen 127.0.0.1:0 --url shop.example"},
		{"a URL with a path", "--url", "--allow any --listen 127.0.0.1:0 --url https://shop.example/api"},
		{"an unknown suite", "--suite", "--key shop --token-file token --suite rot13"},
		{"an unknown key", "nobody", "--key nobody --token-file token"},
		{"conformance for others", "this machine only", "--conformance --listen 0.0.0.0:0"},
		{"conformance with a key", "keys and a certificate of its own", "--conformance --key shop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := b.run("", append([]string{"serve"}, strings.Fields(tc.args)...)...)
			require.Equal(t, exitError, r.code, "%s%s", r.stdout, r.stderr)
			require.Contains(t, r.stderr, tc.says)
			require.NotContains(t, r.stderr, "hunter2")
		})
	}
}

// The service resolves DIDs: those that need no network always, those of hosts with --online.
func TestServeResolvesDIDs(t *testing.T) {
	b := newBench(t)
	get := func(s Serving, path string) (int, string) {
		resp, err := http.Get("http://" + s.Address + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	const key = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
	for _, online := range []bool{false, true} {
		args := []string{"--allow", "any"}
		if online {
			args = append(args, "--online")
		}
		s, _, stop := b.api(args...)
		_, methods := get(s, "/1.0/methods")
		require.Contains(t, methods, `"key"`)
		require.Equal(t, online, strings.Contains(methods, `"web"`), methods)
		status, body := get(s, "/1.0/identifiers/did:key:"+key)
		require.Equal(t, http.StatusOK, status, body)
		status, body = get(s, "/1.0/identifiers/did%3Akey%3A"+key+"%23"+key)
		require.Equal(t, http.StatusOK, status, body)
		require.Contains(t, body, `"contentStream"`)
		status, body = get(s, "/1.0/identifiers/did:web:127.0.0.1")
		require.Equal(t, map[bool]int{true: http.StatusBadRequest, false: http.StatusNotImplemented}[online], status, body)
		stop()
	}
}
