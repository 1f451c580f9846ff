package vcapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// What came is in no log: neither tokens nor keys nor credentials nor the paths that strangers make up.
func TestNothingSecretIsLogged(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	shop := h.Instances[0].Issuer
	s.post("/credentials/issue", `{"credential":`+credential(shop.ID, `"name":"a private name"`)+`}`)
	s.post("/credentials/issue", `{"credential":`+credential(shop.ID, `"colour":"a private colour"`)+`}`)
	s.post("/credentials/verify", `{"verifiableCredential":{"a":"a private word"}}`)
	s.post("/private-path?token="+secret, "", "User-Agent", "private-agent", "X-Request-Id", "private-id")
	s.do("SECRETMETHOD", "/healthz", "")
	s.get("/1.0/identifiers/did:key:private")
	text := s.log.String()
	require.NotContains(t, text, secret)
	require.NotContains(t, strings.ToLower(text), "private")
	require.NotContains(t, text, "SECRETMETHOD")
	require.NotContains(t, text, fmt.Sprintf("%x", shop.Key))
	require.Equal(t, 7, strings.Count(text, `"msg":"request"`), "a line for each: %s", text)
	require.Contains(t, text, `"endpoint":"/credentials/issue","status":201`)
	require.Contains(t, text, `"outcome":"refused"`)
	require.NotContains(t, fmt.Sprintf("%v %+v %s", h.Instances, h.Instances[0].Tokens, h.Instances[0].Tokens[0]), secret)
}

func TestRatesAreLimited(t *testing.T) {
	h := newHandler(t)
	h.Rate = 1
	s := serve(t, h)
	last := answer{}
	for range 20 {
		last = s.get("/healthz")
	}
	require.Equal(t, http.StatusTooManyRequests, last.status)
	require.NotEmpty(t, last.header.Get("Retry-After"))

	h = newHandler(t)
	h.TotalRate = 5
	s = serve(t, h)
	for range 20 {
		last = s.get("/healthz")
	}
	require.Equal(t, http.StatusTooManyRequests, last.status, "all clients together")
}

// A resolver that hangs holds up those who ask it, for so long, and nobody else.
type hanging chan struct{}

func (hanging) Resolve(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestWorkIsBounded(t *testing.T) {
	h := newHandler(t)
	h.Verifier = &vc.Verifier{Resolver: make(hanging)}
	h.Timeout = 300 * time.Millisecond
	s := serve(t, h)
	signed := s.issued("", h.Instances[0].Issuer)
	body := `{"verifiableCredential":` + signed + `}`
	started := time.Now()
	require.Equal(t, http.StatusServiceUnavailable, s.post("/credentials/verify", body).status)
	require.Less(t, time.Since(started), 5*time.Second)

	var wait sync.WaitGroup
	statuses := make(chan int, 3*vcapi.MaxRequests)
	for range cap(statuses) {
		wait.Go(func() {
			r := httptest.NewRequest("POST", "/credentials/verify", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			statuses <- w.Code
		})
	}
	wait.Wait()
	close(statuses)
	for status := range statuses {
		require.Equal(t, http.StatusServiceUnavailable, status)
	}
	require.Equal(t, http.StatusOK, s.get("/healthz").status)
}

// One client that sends slowly on many connections has half of the room: others are still answered.
func TestAClientHasHalfOfTheRoom(t *testing.T) {
	h := newHandler(t)
	h.Rate, h.TotalRate = 1<<16, 1<<16
	ask := func(client string, body io.Reader) int {
		r := httptest.NewRequest("POST", "/challenges", body)
		r.RemoteAddr = client
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	var slow sync.WaitGroup
	body, end := io.Pipe()
	var refused atomic.Int32
	for range 2 * vcapi.MaxRequests {
		slow.Go(func() {
			if ask("192.0.2.1:80", body) == http.StatusServiceUnavailable {
				refused.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return refused.Load() == 3*vcapi.MaxRequests/2 }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, http.StatusServiceUnavailable, ask("192.0.2.1:81", strings.NewReader(`{}`)))

	// Another client asks for more at once than there is room for, and each waits for its turn.
	var quick sync.WaitGroup
	for range 4 * vcapi.MaxRequests {
		quick.Go(func() {
			if status := ask("192.0.2.2:80", strings.NewReader(`{}`)); status != http.StatusOK {
				t.Errorf("%d", status)
			}
		})
	}
	quick.Wait()
	require.NoError(t, end.Close())
	slow.Wait()
	require.Equal(t, http.StatusOK, ask("192.0.2.1:82", strings.NewReader(`{}`)))
}

func TestManyAtOnce(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			own := *s // each with its own
			for range 5 {
				signed := own.issued("", h.Instances[0].Issuer)
				if a := own.post("/credentials/verify", `{"verifiableCredential":`+signed+`}`); a.status != http.StatusOK {
					t.Errorf("%d: %s", i, a.body)
				}
				own.get("/metrics")
			}
		})
	}
	wait.Wait()

	// Of many who answer one challenge, one is first.
	challenge := s.post("/challenges", `{}`).object()["challenge"].(string)
	shown := s.post("/presentations/prove", `{"presentation":{},"options":{"challenge":"`+challenge+`","domain":"hourmeter"}}`).member("verifiablePresentation")
	good := make(chan bool, 8)
	for range cap(good) {
		wait.Go(func() {
			good <- s.post("/presentations/verify", `{"verifiablePresentation":`+shown+`,"options":{"challenge":"`+challenge+`"}}`).status == http.StatusOK
		})
	}
	wait.Wait()
	close(good)
	n := 0
	for ok := range good {
		if ok {
			n++
		}
	}
	require.Equal(t, 1, n)
}

// Who sends a byte now and then is cut off by the server's timeout, and nothing is left of it.
func TestSlowClientsAreCutOff(t *testing.T) {
	h := newHandler(t)
	before := runtime.NumGoroutine()
	s := httptest.NewUnstartedServer(h)
	s.Config.ReadHeaderTimeout, s.Config.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond
	s.Start()
	for _, start := range []string{
		"POST /credentials/verify HTTP/1.1\r\nHost: a\r\nContent-Ty",
		"POST /credentials/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, start)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
		answer, err := io.ReadAll(conn)
		if err != nil {
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		}
		require.NotContains(t, string(answer), "200 OK")
		conn.Close()
	}
	s.Close()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, 5*time.Second, 20*time.Millisecond, "goroutines are left over")
}

// Requests under way are answered when the server shuts down; new ones are not taken.
func TestShutdown(t *testing.T) {
	h := newHandler(t)
	asked, let := make(chan struct{}), make(chan struct{})
	h.Verifier = &vc.Verifier{Resolver: gate{asked, let}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: h}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()

	raw, err := h.Instances[0].Issuer.AddProof([]byte(credential(h.Instances[0].Issuer.ID)))
	require.NoError(t, err)
	status := make(chan int, 1)
	url := "http://" + listener.Addr().String()
	go func() {
		resp, err := http.Post(url+"/credentials/verify", "application/json", strings.NewReader(`{"verifiableCredential":`+string(raw)+`}`))
		if err != nil {
			status <- 0
			return
		}
		defer resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-asked
	h.Drain()
	down := make(chan error, 1)
	go func() { down <- server.Shutdown(context.Background()) }()
	require.ErrorIs(t, <-ended, http.ErrServerClosed)
	_, err = http.Get(url + "/healthz")
	require.Error(t, err, "new requests are not taken")
	close(let)
	require.Equal(t, http.StatusOK, <-status, "the one under way is answered")
	require.NoError(t, <-down)
}

// A gate resolves did:key once it is let to.
type gate struct{ asked, let chan struct{} }

func (g gate) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	close(g.asked)
	<-g.let
	return did.Offline{}.Resolve(ctx, id, v)
}

func TestChallengesAreUsedOnceInTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := &vcapi.Challenges{Domain: "lease.example", Lifetime: time.Minute, Now: func() time.Time { return now }}
	ch, expires := c.New("")
	require.Equal(t, "lease.example", ch.Domain)
	require.Equal(t, now.Add(time.Minute), expires)
	require.ErrorIs(t, c.Take(vc.Challenge{Nonce: ch.Nonce, Domain: "rent.example"}), vcapi.ErrUnknown)
	require.ErrorIs(t, c.Take(vc.Challenge{Nonce: ch.Nonce[1:] + "A", Domain: ch.Domain}), vcapi.ErrUnknown)
	require.ErrorIs(t, (&vcapi.Challenges{Domain: "lease.example"}).Take(ch), vcapi.ErrUnknown, "of another service")
	require.NoError(t, c.Take(ch))
	require.ErrorIs(t, c.Take(ch), vcapi.ErrAnswered)
	c.Return(ch)
	require.NoError(t, c.Take(ch))

	late, _ := c.New("")
	now = now.Add(time.Minute)
	require.ErrorIs(t, c.Take(late), vcapi.ErrExpired)
	require.ErrorIs(t, c.Take(ch), vcapi.ErrExpired)

	// As many as are remembered, and no more, until they expire.
	for range vcapi.MaxAnswered - 1 {
		ch, _ := c.New("")
		require.NoError(t, c.Take(ch))
	}
	ch, _ = c.New("")
	require.NoError(t, c.Take(ch), "what expired was forgotten")
	ch, _ = c.New("")
	require.ErrorIs(t, c.Take(ch), vcapi.ErrFull)
	now = now.Add(2 * time.Minute)
	ch, _ = c.New("")
	require.NoError(t, c.Take(ch))
}

func TestTokens(t *testing.T) {
	for _, bad := range []string{"", "short", "has a space in between them", "has\ta tab that nobody can see", "ümläuts-are-not-in-headers"} {
		_, err := vcapi.NewToken(bad)
		require.Error(t, err, bad)
	}
	tokens, err := vcapi.ParseTokens("# who may issue\n" + secret + "\r\n\n" + strings.ToUpper(secret))
	require.NoError(t, err)
	require.Equal(t, []vcapi.Token{tokenOf(t, secret), tokenOf(t, strings.ToUpper(secret))}, tokens)
	for _, text := range []string{"", "# nobody\n", secret + "\nshort"} {
		_, err := vcapi.ParseTokens(text)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "short")
	}
}

// FuzzHandler posts anything anywhere: it is refused or answered, and nothing breaks.
func FuzzHandler(f *testing.F) {
	h := newHandler(f)
	paths := []string{"/credentials/issue", "/credentials/verify", "/presentations/verify", "/presentations/prove", "/challenges", "/credentials/status", "/credentials/derive"}
	signed, err := h.Instances[0].Issuer.AddProof([]byte(credential(h.Instances[0].Issuer.ID)))
	require.NoError(f, err)
	for i := range paths {
		f.Add(byte(i), []byte(`{"credential":`+credential(h.Instances[0].Issuer.ID)+`,"verifiableCredential":`+string(signed)+`,"presentation":{"verifiableCredential":[`+string(signed)+`]},
			"verifiablePresentation":{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"VerifiablePresentation","proof":{}},"options":{"challenge":"a","domain":"b","checks":["proof"],"mandatoryPointers":[]},
			"domain":"a","credentialId":"urn:x","credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation"},"status":true}`))
		f.Add(byte(i), []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, at byte, body []byte) {
		r := httptest.NewRequest("POST", paths[int(at)%len(paths)], strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%s", w.Body)
		}
		if _, err := http.ReadResponse(bufio.NewReader(strings.NewReader(fmt.Sprintf("HTTP/1.1 %d x\r\n\r\n", w.Code))), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzJournal opens anything as a journal: it is refused, or what it says is kept.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("{\"list\":0,\"index\":5,\"credential\":\"urn:x\"}\n{\"list\":0,\"index\":5,\"purpose\":\"revocation\",\"value\":1}\n{\"li"))
	f.Add([]byte("{\"list\":1,\"index\":131071}\n"))
	f.Add([]byte("{\"list\":-1}\n"))
	issuer := issuerOf(f, 1)
	path := filepath.Join(f.TempDir(), "journal")
	f.Fuzz(func(t *testing.T, journal []byte) {
		if err := os.WriteFile(path, journal, 0o600); err != nil {
			t.Fatal(err)
		}
		config := vcapi.StatusConfig{URL: "https://shop.example/", Issuer: issuer, Journal: path}
		lists, err := vcapi.OpenStatusLists(config)
		if err != nil {
			return
		}
		if _, err := lists.Entries(""); err != nil {
			t.Fatal(err)
		}
		if err := lists.Close(); err != nil {
			t.Fatal(err)
		}
		if lists, err = vcapi.OpenStatusLists(config); err != nil {
			t.Fatal("what was written is not read: ", err)
		}
		lists.Close()
	})
}
