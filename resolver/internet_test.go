package resolver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
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

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

// An internet is a network of hosts on loopback: each has a name, an address of its own and a
// certificate, and all listen on the same port.
type internet struct {
	t     testing.TB
	port  string
	key   *ecdsa.PrivateKey // of the certificate authority, and of every host
	ca    *x509.Certificate
	roots *x509.CertPool

	mu    sync.Mutex
	names map[string]netip.Addr
	conns map[net.Conn]http.ConnState // of all hosts, but for those that are closed
}

// newInternet returns a network without hosts.
func newInternet(t testing.TB) *internet {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	n := &internet{t: t, key: key, roots: x509.NewCertPool(), names: map[string]netip.Addr{}, conns: map[net.Conn]http.ConnState{}}
	n.ca = n.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)}, nil)
	n.roots.AddCert(n.ca)
	return n
}

// issue signs a certificate.
func (n *internet) issue(c, issuer *x509.Certificate) *x509.Certificate {
	if issuer == nil {
		issuer = c
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: strings.Join(c.DNSNames, " ")}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, &n.key.PublicKey, n.key)
	require.NoError(n.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(n.t, err)
	return cert
}

// host adds a host with a certificate that is good for its name, or this one.
func (n *internet) host(name string, h http.HandlerFunc, cert *x509.Certificate) *httptest.Server {
	if cert == nil {
		cert = n.issue(&x509.Certificate{DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}, n.ca)
	}
	n.mu.Lock()
	at := netip.AddrFrom4([4]byte{127, 0, 1, byte(len(n.names) + 1)})
	n.names[name] = at
	n.mu.Unlock()
	port := n.port
	if port == "" {
		port = "0"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(at.String(), port))
	require.NoError(n.t, err)
	_, n.port, _ = net.SplitHostPort(listener.Addr().String())
	srv := &httptest.Server{Listener: listener, TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: n.key}}}, Config: &http.Server{
		Handler: h, ErrorLog: quiet,
		ConnState: func(c net.Conn, s http.ConnState) {
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.conns[c] = s; s == http.StateClosed || s == http.StateHijacked {
				delete(n.conns, c)
			}
		},
	}}
	srv.StartTLS()
	n.t.Cleanup(srv.Close)
	return srv
}

// client returns a strict client of this network.
func (n *internet) client() *resolver.Client {
	return &resolver.Client{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: n.roots, Timeout: 5 * time.Second,
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			if at, ok := n.names[host]; ok {
				return []netip.Addr{at}, nil
			}
			return nil, errors.New("no such host")
		},
	}
}

// proxied returns a client that reaches every host at the usual port, by way of a proxy.
func (n *internet) proxied() *resolver.Client {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, port, _ := net.SplitHostPort(r.Host)
		n.mu.Lock()
		at, ok := n.names[host]
		n.mu.Unlock()
		if r.Method != http.MethodConnect || port != "443" || !ok {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		there, err := net.Dial("tcp", net.JoinHostPort(at.String(), n.port))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			there.Close()
			return
		}
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(there, here); there.Close() }()
		io.Copy(here, there)
		here.Close()
	}))
	n.t.Cleanup(proxy.Close)
	c := n.client()
	c.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	return c
}

// connected is how many connections the hosts have.
func (n *internet) connected() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// web returns the did:web of a host.
func (n *internet) web(host string) did.DID { return did.MustParse("did:web:" + host + "%3A" + n.port) }

// webDocument is a document with a key.
func webDocument(id did.DID) string {
	return fmt.Sprintf(`{"id":%q,"verificationMethod":[{"id":"#2026","type":"Multikey","controller":%q,`+
		`"publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}],"assertionMethod":["#2026"]}`, id, id)
}

// A behaviour is what a host makes of a request, given what it should serve and as what.
type behaviour func(w http.ResponseWriter, r *http.Request, file string)

// An expectation is what a resolver has to say about a DID of a host.
type expectation struct {
	host   string
	how    behaviour // nil: nobody listens there
	reason error     // of a RefuseError; nil for a RetryError
	answer error     // of did, if it is one about the DID
	text   string    // in the message
}

// badHosts is what goes wrong at hosts, and what is to be said of it.
func badHosts(n *internet, release chan struct{}) []expectation {
	hijack := func(do func(net.Conn)) behaviour {
		return func(w http.ResponseWriter, _ *http.Request, _ string) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				do(conn)
				conn.Close()
			}
		}
	}
	to := func(target string) behaviour {
		return func(w http.ResponseWriter, r *http.Request, file string) {
			http.Redirect(w, r, strings.ReplaceAll(target, "PORT", n.port), http.StatusFound)
		}
	}
	status := func(code int) behaviour {
		return func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(code) }
	}
	content := func(kind string) behaviour {
		return func(w http.ResponseWriter, _ *http.Request, file string) {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, file)
		}
	}
	bomb := pack(make([]byte, 10<<20)) // more than any limit, in 10 kB
	invalid, none := did.ErrInvalidDocument, did.ErrNotFound
	return []expectation{
		{"lying.example", nil, resolver.ErrContent, invalid, "good.example"}, // what it serves is set by who asks
		{"absent.example", status(404), fs.ErrNotExist, none, "404 Not Found"},
		{"gone.example", status(410), fs.ErrNotExist, none, "410 Gone"},
		{"elsewhere.example", to("https://good.example:PORT/.well-known/did.json"), resolver.ErrRedirect, invalid, "nobody answers for another host"},
		{"otherport.example", to("https://otherport.example:8444/.well-known/did.json"), resolver.ErrRedirect, invalid, "nobody answers for another host"},
		{"topublic.example", to("https://10.0.0.1/did.json"), resolver.ErrRedirect, invalid, "to https://10.0.0.1/did.json"},
		{"tometadata.example", to("https://169.254.169.254/latest/meta-data/"), resolver.ErrRedirect, invalid, "169.254.169.254"},
		{"insecure.example", to("http://insecure.example/did.json"), resolver.ErrRedirect, invalid, `want https, not "http"`},
		{"loop.example", to("https://loop.example:PORT/again"), resolver.ErrRedirect, invalid, "more than 3 times"},
		{"endless.example", func(w http.ResponseWriter, r *http.Request, file string) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, file); err != nil {
					return
				}
			}
		}, resolver.ErrTooLarge, invalid, "more than"},
		{"bomb.example", func(w http.ResponseWriter, r *http.Request, file string) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb)
		}, resolver.ErrTooLarge, invalid, "unpacked more than"},
		{"page.example", content("text/html; charset=utf-8"), resolver.ErrContent, invalid, `"text/html; charset=utf-8", want JSON`},
		{"picture.example", content("image/png"), resolver.ErrContent, invalid, "image/png"},
		{"nonsense.example", func(w http.ResponseWriter, r *http.Request, file string) { io.WriteString(w, "{nonsense") }, resolver.ErrContent, invalid, "strict JSON"},

		// What somebody else may get to see, or the same caller later, is no answer.
		{"inside.example", nil, resolver.ErrAddress, nil, "10.1.2.3 is not public"},
		{"metadata.example", nil, resolver.ErrAddress, nil, "169.254.169.254 is not public"},
		{"forbidden.example", status(403), resolver.ErrStatus, nil, "403 Forbidden"},
		{"down.example", status(503), nil, nil, "503 Service Unavailable"},
		{"nobody.example", nil, nil, nil, "no such host"},
		{"closed.example", nil, nil, nil, "refused"},
		{"another.example", content("application/json"), nil, nil, "certificate is valid for shop.example, not another.example"},
		{"expired.example", content("application/json"), nil, nil, "certificate has expired"},
		{"selfmade.example", content("application/json"), nil, nil, "certificate signed by unknown authority"},
		{"slow.example", func(w http.ResponseWriter, r *http.Request, _ string) {
			w.WriteHeader(http.StatusOK)
			for {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
					panic(http.ErrAbortHandler) // to return would be to end the answer, and the client may still read it
				case <-release:
					return
				}
			}
		}, nil, nil, "deadline exceeded"},
		{"silent.example", func(_ http.ResponseWriter, r *http.Request, _ string) {
			select {
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			case <-release:
			}
		}, nil, nil, "deadline exceeded"},
		{"resets.example", hijack(func(c net.Conn) { c.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0) }), nil, nil, "no answer"},
		{"cut.example", hijack(func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{") }), nil, nil, "unexpected EOF"},
		{"headers.example", hijack(func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n") }), nil, nil, "no answer"},
		{"notweb.example", hijack(func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH\r\n") }), nil, nil, "no answer"},
	}
}

// populate gives each host that is expected its behaviour.
func (n *internet) populate(hosts []expectation, file func(host string) string) {
	n.host("good.example", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, file("good.example")) }, nil)
	hour := time.Now().Add(time.Hour)
	for _, e := range hosts {
		var cert *x509.Certificate
		switch e.host {
		case "inside.example":
			n.names[e.host] = netip.MustParseAddr("10.1.2.3")
			continue
		case "metadata.example":
			n.names[e.host] = netip.MustParseAddr("169.254.169.254")
			continue
		case "nobody.example":
			continue
		case "closed.example":
			n.names[e.host] = netip.MustParseAddr("127.0.2.1")
			continue
		case "lying.example":
			e.how = func(w http.ResponseWriter, _ *http.Request, _ string) { io.WriteString(w, file("good.example")) }
		case "another.example":
			cert = n.issue(&x509.Certificate{DNSNames: []string{"shop.example"}, NotAfter: hour}, n.ca)
		case "expired.example":
			cert = n.issue(&x509.Certificate{DNSNames: []string{e.host}, NotAfter: time.Now().Add(-time.Hour)}, n.ca)
		case "selfmade.example":
			cert = n.issue(&x509.Certificate{DNSNames: []string{e.host}, NotAfter: hour}, nil)
		}
		n.host(e.host, func(w http.ResponseWriter, r *http.Request) { e.how(w, r, file(e.host)) }, cert)
	}
}

// hold runs a resolver against every bad host.
func (n *internet) hold(t *testing.T, hosts []expectation, r, hasty did.Resolver, of func(host string) did.DID) {
	for _, e := range hosts {
		t.Run(e.host, func(t *testing.T) {
			r := r
			if e.text == "deadline exceeded" {
				r = hasty
			}
			start := time.Now()
			res, err := r.Resolve(t.Context(), of(e.host), did.Version{})
			require.Error(t, err)
			require.Nil(t, res)
			if e.reason != nil {
				refused(t, err, e.reason)
			} else {
				retry(t, err)
			}
			if e.answer != nil {
				require.ErrorIs(t, err, e.answer)
			}
			require.Equal(t, e.answer != nil, did.IsAnswer(err), "%v", err)
			require.ErrorContains(t, err, e.text)
			require.ErrorContains(t, err, e.host)
			require.Less(t, len(err.Error()), 700)
			require.Less(t, time.Since(start), 4*time.Second)
		})
	}
}

// However hosts fail, the answer is of the right type, and nothing goes on afterwards.
func TestInternet(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, method := range []string{"web", "webvh", "webvh behind a cache"} {
		t.Run(method, func(t *testing.T) {
			n, release := newInternet(t), make(chan struct{})
			n.host("first.example", nil, nil) // which decides on the port
			c, hasty := n.client(), n.client()
			hasty.Timeout = 200 * time.Millisecond
			var of func(host string) did.DID
			var file func(host string) string
			var r, hastily did.Resolver
			switch method {
			case "web":
				of, file = n.web, func(host string) string { return webDocument(n.web(host)) }
				r, hastily = resolver.Web{Client: c}, resolver.Web{Client: hasty}
			default:
				logs := n.logs()
				of = func(host string) did.DID { return logs(host).ID() }
				file = func(host string) string { return string(logs(host).Raw()) }
				r, hastily = &resolver.WebVH{Client: c}, &resolver.WebVH{Client: hasty}
				if method != "webvh" {
					r, hastily = resolver.All(c, nil), resolver.All(hasty, nil)
				}
			}
			hosts := badHosts(n, release)
			n.populate(hosts, file)
			res, err := r.Resolve(t.Context(), of("good.example"), did.Version{})
			require.NoError(t, err)
			require.Equal(t, of("good.example"), res.Document.ID)
			n.hold(t, hosts, r, hastily, of)

			// Down, then up.
			var up atomic.Bool
			n.host("flaky.example", func(w http.ResponseWriter, r *http.Request) {
				if !up.Load() {
					w.Header().Set("Retry-After", "3")
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				io.WriteString(w, file("flaky.example"))
			}, nil)
			_, err = r.Resolve(t.Context(), of("flaky.example"), did.Version{})
			require.Equal(t, 3*time.Second, retry(t, err).After)
			up.Store(true)
			_, err = r.Resolve(t.Context(), of("flaky.example"), did.Version{})
			require.NoError(t, err)

			// Everybody at once, some of whom give up.
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%3)*50*time.Millisecond+time.Millisecond)
					defer cancel()
					if _, err := r.Resolve(ctx, of(hosts[i%len(hosts)].host), did.Version{}); err == nil {
						t.Error("a bad host gave a document")
					}
				})
			}
			wg.Wait()

			// The servers see every connection closed.
			c.CloseIdle()
			hasty.CloseIdle()
			close(release)
			require.Eventually(t, func() bool { c.CloseIdle(); return n.connected() == 0 }, 5*time.Second, 5*time.Millisecond, "connections are left")
		})
	}
	settles(t, before)
}

// A certificate that is not good is told from a host that is down, as crypto/x509 has it.
func TestCertificatesAreShown(t *testing.T) {
	n := newInternet(t)
	hosts := badHosts(n, nil)
	n.populate(hosts, func(host string) string { return webDocument(n.web(host)) })
	c := n.client()
	t.Cleanup(c.CloseIdle)
	resolve := func(host string) error {
		_, err := resolver.Web{Client: c}.Resolve(t.Context(), n.web(host), did.Version{})
		return err
	}
	_, ok := errors.AsType[x509.HostnameError](resolve("another.example"))
	require.True(t, ok)
	invalid, ok := errors.AsType[x509.CertificateInvalidError](resolve("expired.example"))
	require.True(t, ok)
	require.Equal(t, x509.Expired, invalid.Reason)
	_, ok = errors.AsType[x509.UnknownAuthorityError](resolve("selfmade.example"))
	require.True(t, ok)
}
