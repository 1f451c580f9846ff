package resolver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/resolver"
)

// serve runs a server at https://something.example.com on 127.0.0.1, and returns its URL and a
// client that believes its certificate and reaches it there.
func serve(t testing.TB, h http.HandlerFunc) (string, *resolver.Client) {
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := local(srv)
	t.Cleanup(c.CloseIdle)
	return "https://log.example.com:" + port(srv), c
}

func local(srv *httptest.Server) *resolver.Client {
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return &resolver.Client{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots, Timeout: 5 * time.Second,
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	}
}

func port(srv *httptest.Server) string {
	_, p, _ := net.SplitHostPort(srv.Listener.Addr().String())
	return p
}

func refused(t testing.TB, err, reason error) *resolver.RefuseError {
	t.Helper()
	e, ok := errors.AsType[*resolver.RefuseError](err)
	require.True(t, ok, "%v", err)
	require.ErrorIs(t, err, reason)
	return e
}

func retry(t testing.TB, err error) *resolver.RetryError {
	t.Helper()
	e, ok := errors.AsType[*resolver.RetryError](err)
	require.True(t, ok, "%v", err)
	return e
}

// pack returns text as gzip.
func pack(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	return b.Bytes()
}

func TestClientGetsWhatIsThere(t *testing.T) {
	var agent, cookie, encoding atomic.Value
	base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		agent.Store(r.UserAgent())
		cookie.Store(r.Header.Get("Cookie") + r.Header.Get("Authorization") + r.Header.Get("Referer"))
		encoding.Store(r.Proto)
		http.SetCookie(w, &http.Cookie{Name: "track", Value: "me"})
		switch r.URL.Path {
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(pack([]byte("unpacked")))
		case "/moved":
			http.Redirect(w, r, "/plain", http.StatusMovedPermanently)
		case "/echo":
			io.Copy(w, r.Body)
		default:
			w.Write([]byte("plain"))
		}
	})
	for path, want := range map[string]string{"/plain": "plain", "/packed": "unpacked", "/moved": "plain", "/plain?x=1": "plain"} {
		got, err := c.Get(t.Context(), base+path, 8)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.Empty(t, cookie.Load(), "no cookie, no credential, no referer, not even the second time")
		require.Equal(t, "hourmeter", agent.Load())
		require.Equal(t, "HTTP/2.0", encoding.Load())
	}
	got, err := c.Post(t.Context(), base+"/echo", "text/plain", []byte("question"), 8)
	require.NoError(t, err)
	require.Equal(t, "question", string(got))
}

// What will stay is a RefuseError that says why.
func TestClientRefuses(t *testing.T) {
	var base string
	base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/forbidden":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"title":"no","detail":"we do not know\u001b[31m you","status":403}`)
		case "/chatty":
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, strings.Repeat("no ", 1<<20))
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/large":
			io.WriteString(w, strings.Repeat("x", 101))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(pack(make([]byte, 50_000)))
		case "/brotli":
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "x")
		case "/badgzip":
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "not packed at all")
		case "/http":
			http.Redirect(w, r, "http://log.example.com/", http.StatusFound)
		case "/private":
			http.Redirect(w, r, "https://10.0.0.1/", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
		case "/user":
			http.Redirect(w, r, "https://root:secret@log.example.com/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/mail":
			http.Redirect(w, r, "https://log.example.com:25/", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}
	})
	for _, tt := range []struct {
		name, url string
		reason    error
	}{
		{"nothing there", base + "/missing", fs.ErrNotExist},
		{"nothing there any more", base + "/gone", fs.ErrNotExist},
		{"forbidden", base + "/forbidden", resolver.ErrStatus},
		{"a refusal that does not end", base + "/chatty", resolver.ErrStatus},
		{"no content", base + "/empty", resolver.ErrStatus},
		{"too large", base + "/large", resolver.ErrTooLarge},
		{"a bomb", base + "/bomb", resolver.ErrTooLarge},
		{"packed otherwise", base + "/brotli", resolver.ErrContent},
		{"badly packed", base + "/badgzip", resolver.ErrContent},
		{"on to http", base + "/http", resolver.ErrRedirect},
		{"on to a private address", base + "/private", resolver.ErrAddress},
		{"on to metadata", base + "/metadata", resolver.ErrAddress},
		{"on with a password", base + "/user", resolver.ErrRedirect},
		{"round and round", base + "/loop", resolver.ErrRedirect},
		{"on to a mail server", base + "/mail", resolver.ErrRedirect},
		{"on to a file", base + "/file", resolver.ErrRedirect},

		{"http", "http://log.example.com/", resolver.ErrURL},
		{"a file", "file:///etc/passwd", resolver.ErrURL},
		{"no scheme", "log.example.com", resolver.ErrURL},
		{"no host", "https:///x", resolver.ErrURL},
		{"no URL", "https://log.example.com:x/", resolver.ErrURL},
		{"SSH", "https://log.example.com:22/", resolver.ErrURL},
		{"SIP over TLS", "https://log.example.com:5061/", resolver.ErrURL},
		{"IRC", "https://log.example.com:06667/", resolver.ErrURL},
		{"a password", "https://root:secret@log.example.com/", resolver.ErrURL},
		{"a fragment", base + "/plain#x", resolver.ErrURL},
		{"too long", base + "/" + strings.Repeat("x", 3000), resolver.ErrURL},
		{"loopback", "https://127.0.0.2:2/", resolver.ErrAddress},
		{"loopback by IPv6", "https://[::1]:2/", resolver.ErrAddress},
		{"private", "https://192.168.0.1/", resolver.ErrAddress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.Get(t.Context(), tt.url, 100)
			require.Nil(t, got)
			e := refused(t, err, tt.reason)
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), "\x1b")
			require.LessOrEqual(t, len(e.Body), resolver.MaxErrorBytes)
			require.Less(t, len(err.Error()), 600)
		})
	}
	_, err := c.Get(t.Context(), base+"/forbidden", 100)
	require.ErrorContains(t, err, `403 Forbidden: "we do not know\x1b[31m you"`)
	_, err = c.Post(t.Context(), base+"/http", "text/plain", nil, 100)
	require.ErrorContains(t, err, "name the server's present URL")
	refused(t, err, resolver.ErrRedirect)
}

// What may come out otherwise next time is a RetryError.
func TestClientSaysWhatToTryAgain(t *testing.T) {
	raw := func(w http.ResponseWriter, text string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, text)
		conn.Close()
	}
	release := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // HTTP/1.1, for Hijack
		switch r.URL.Path {
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/greedy":
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/accepted":
			w.Header().Set("Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusAccepted)
		case "/cut":
			raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
		case "/cutchunks":
			raw(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n")
		case "/nolength":
			raw(w, "HTTP/1.1 200 OK\r\n\r\nperhaps all, perhaps not")
		case "/cutrefusal":
			raw(w, "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nonly this")
		case "/garbage":
			raw(w, "SSH-2.0-OpenSSH\r\n")
		case "/header":
			raw(w, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		case "/slow":
			w.WriteHeader(http.StatusOK)
			for range 1000 {
				io.WriteString(w, ".")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-release:
					return
				}
			}
		case "/silent":
			<-release
		}
	}))
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(release) })
	c, hasty := local(srv), local(srv)
	t.Cleanup(c.CloseIdle)
	t.Cleanup(hasty.CloseIdle)
	c.Timeout, hasty.Timeout = 30*time.Second, 300*time.Millisecond
	base := "https://log.example.com:" + port(srv)

	closed := httptest.NewTLSServer(nil)
	closed.Close()
	stranger := httptest.NewUnstartedServer(nil)
	stranger.Config.ErrorLog = quiet
	stranger.StartTLS()
	t.Cleanup(stranger.Close)

	for _, tt := range []struct {
		name, url string
		status    int
		after     time.Duration
	}{
		{"down", base + "/down", 503, 0},
		{"busy", base + "/busy", 429, 7 * time.Second},
		{"asks for years", base + "/greedy", 503, resolver.MaxRetryAfter},
		{"taken in, no answer yet", base + "/accepted", 202, -1},
		{"cut off", base + "/cut", 0, 0},
		{"cut off between chunks", base + "/cutchunks", 0, 0},
		{"of no known length", base + "/nolength", 0, 0},
		{"a refusal cut off", base + "/cutrefusal", 0, 0},
		{"not HTTP", base + "/garbage", 0, 0},
		{"a header without end", base + "/header", 0, 0},
		{"a byte now and then", base + "/slow", 0, 0},
		{"silent", base + "/silent", 0, 0},
		{"nobody listens", "https://log.example.com:" + port(closed), 0, 0},
		{"another's certificate", "https://other.test:" + port(srv), 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := c
			if tt.url == base+"/slow" || tt.url == base+"/silent" {
				c = hasty
			}
			start := time.Now()
			got, err := c.Get(t.Context(), tt.url, 1<<20)
			require.Nil(t, got)
			e := retry(t, err)
			require.Equal(t, tt.status, e.Status)
			if tt.after >= 0 {
				require.Equal(t, tt.after, e.After)
			} else {
				require.InDelta(t, time.Minute, e.After, float64(3*time.Second))
			}
			require.Less(t, time.Since(start), 8*time.Second)
		})
	}

	t.Run("a certificate of nobody that is believed", func(t *testing.T) {
		strict := &resolver.Client{Allow: c.Allow, Lookup: c.Lookup}
		defer strict.CloseIdle()
		_, err := strict.Get(t.Context(), "https://log.example.com:"+port(stranger), 10)
		retry(t, err)
		require.ErrorContains(t, err, "certificate")
	})
	t.Run("a name that cannot be looked up", func(t *testing.T) {
		lost := &resolver.Client{Lookup: func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no answer") }}
		_, err := lost.Get(t.Context(), base, 10)
		retry(t, err)
		lost = &resolver.Client{Lookup: func(context.Context, string) ([]netip.Addr, error) { return nil, nil }}
		_, err = lost.Get(t.Context(), base, 10)
		retry(t, err)
	})
	t.Run("a caller who gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Get(ctx, base+"/down", 10)
		retry(t, err)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// A name server that answers with a good address first and with one of the local network after
// that gains nothing: what is checked is the address that is connected to.
func TestClientIsNotRebound(t *testing.T) {
	var inside atomic.Int64
	base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // so that the next request connects again
		io.WriteString(w, "outside")
	})
	u, err := url.Parse(base)
	require.NoError(t, err)
	victim, err := net.Listen("tcp", "127.0.0.2:"+u.Port())
	require.NoError(t, err)
	defer victim.Close()
	go func() {
		for {
			conn, err := victim.Accept()
			if err != nil {
				return
			}
			inside.Add(1)
			conn.Close()
		}
	}()

	var asked atomic.Int64
	answers := [][]netip.Addr{
		{netip.MustParseAddr("127.0.0.1")}, // stands for a public address
		{netip.MustParseAddr("127.0.0.2")}, // and for one of the local network
		{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")},
		{netip.MustParseAddr("::ffff:127.0.0.2")},
	}
	c.Lookup = func(context.Context, string) ([]netip.Addr, error) { return answers[asked.Add(1)-1], nil }
	got, err := c.Get(t.Context(), base, 10)
	require.NoError(t, err)
	require.Equal(t, "outside", string(got))
	c.CloseIdle()
	_, err = c.Get(t.Context(), base, 10)
	refused(t, err, resolver.ErrAddress)
	got, err = c.Get(t.Context(), base, 10)
	require.NoError(t, err, "of several addresses, the public one is taken")
	require.Equal(t, "outside", string(got))
	c.CloseIdle()
	_, err = c.Get(t.Context(), base, 10)
	refused(t, err, resolver.ErrAddress)
	require.EqualValues(t, 4, asked.Load())
	require.Zero(t, inside.Load())
}

// The proxy of the environment is not used.
func TestClientUsesNoProxyUnasked(t *testing.T) {
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		proxied.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("https_proxy", proxy.URL)
	base, c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "direct") })
	got, err := c.Get(t.Context(), base, 10)
	require.NoError(t, err)
	require.Equal(t, "direct", string(got))
	require.Zero(t, proxied.Load())

	u, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	asked := &resolver.Client{Allow: c.Allow, Roots: c.Roots, Proxy: http.ProxyURL(u)}
	_, err = asked.Get(t.Context(), base, 10)
	retry(t, err)
	require.EqualValues(t, 1, proxied.Load())
	strict := &resolver.Client{Proxy: http.ProxyURL(u)}
	_, err = strict.Get(t.Context(), base, 10)
	refused(t, err, resolver.ErrAddress)
	require.EqualValues(t, 1, proxied.Load(), "a proxy at a private address has to be allowed, too")
}

func TestClientBoundsRequestsAtOnce(t *testing.T) {
	var now, most atomic.Int64
	base, c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
	})
	c.Concurrent = 3
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := c.Get(t.Context(), base, 10)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 3, most.Load())
}

// However requests end, nothing goes on after CloseIdle.
func TestClientLeavesNothingRunning(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		if r.URL.Path == "/endless" {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = quiet
	before := runtime.NumGoroutine()
	srv.StartTLS()
	c := local(srv)
	c.Timeout = 200 * time.Millisecond
	base := "https://log.example.com:" + port(srv)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			_, err := c.Get(context.Background(), base+[]string{"/ok", "/hang", "/endless"}[i%3], 1<<17)
			if err == nil && i%3 != 0 {
				t.Error(i, "was answered")
			}
		})
	}
	wg.Wait()
	c.CloseIdle()
	close(release)
	srv.Close()
	settles(t, before)
}

// settles waits until no more goroutines run than before.
func settles(t testing.TB, before int) {
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, now:\n%s", before, b[:runtime.Stack(b, true)])
		}
	}
}

// What a Client refuses, it refuses for good.
func ExampleClient() {
	// The zero Client reaches nothing but public servers.
	c := new(resolver.Client)
	defer c.CloseIdle()
	for _, url := range []string{"http://log.example/checkpoint", "https://127.0.0.1/admin", "https://me:secret@log.example/"} {
		_, err := c.Get(context.Background(), url, 1<<16)
		if refused, ok := errors.AsType[*resolver.RefuseError](err); ok {
			fmt.Println(refused.Reason)
		}
	}
	// Output:
	// not a URL to ask for
	// address not allowed
	// not a URL to ask for
}

func ExampleLog() {
	// A server of two tiles and a checkpoint, as any C2SP tlog-tiles log.
	asked := 0
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/machines/checkpoint":
			io.WriteString(w, "log.example/machines\n256\n…\n")
		case "/machines/tile/0/000":
			w.Write(make([]byte, 256*32))
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	client := local(srv)
	defer client.CloseIdle()

	log := &resolver.Log{URL: srv.URL + "/machines", Client: client}
	for _, name := range []string{"checkpoint", "tile/0/000", "tile/0/000.p/3", "tile/0/001"} {
		data, err := log.ReadFile(context.Background(), name)
		fmt.Println(name, len(data), errors.Is(err, fs.ErrNotExist))
	}
	fmt.Println("requests:", asked)
	// Output:
	// checkpoint 29 false
	// tile/0/000 8192 false
	// tile/0/000.p/3 96 false
	// tile/0/001 0 true
	// requests: 3
}

func ExampleWitness() {
	// A witness that has seen the log at another size.
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, "20852014\n")
	}))
	defer srv.Close()
	client := local(srv)
	defer client.CloseIdle()

	witness := &resolver.Witness{URL: srv.URL, Client: client}
	_, err := witness.Cosign(context.Background(), []byte("old 0\n\nlog.example/machines\n…"))
	if other, ok := errors.AsType[*resolver.SizeError](err); ok {
		fmt.Println("prove that it extends the tree of size", other.Size)
	}
	// Output:
	// prove that it extends the tree of size 20852014
}
