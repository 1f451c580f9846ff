package vcapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// Bounds of [Challenges].
const (
	// DefaultLifetime is how long a challenge can be answered: time for a person to find the wallet.
	DefaultLifetime = 10 * time.Minute
	// MaxAnswered is how many answered challenges are remembered until they expire: at DefaultLifetime,
	// 160 answers a second. It bounds their memory, at some 8 MB.
	MaxAnswered = 100_000
	// maxDomain is how long a domain may be: that of a DNS name.
	maxDomain = 255
)

// Why a challenge is not to be answered, or not any more.
var (
	ErrUnknown  = errors.New("vcapi: the challenge was not given out here, or for another domain")
	ErrExpired  = errors.New("vcapi: the challenge has expired")
	ErrAnswered = errors.New("vcapi: the challenge was answered already")
	ErrFull     = errors.New("vcapi: too many challenges were answered of late")
)

// Challenges gives out challenges and takes each back once. A challenge carries its own expiry and a
// MAC over it and its domain, so nothing is kept of it before it is answered. The key is made at first
// use: a service that starts again does not know the challenges from before. It is used by pointer
// and safe for concurrent use.
type Challenges struct {
	Domain   string           // of challenges that are asked for without one; "" means "hourmeter"
	Lifetime time.Duration    // see DefaultLifetime, which zero means
	Now      func() time.Time // nil means time.Now

	once     sync.Once
	key      [sha256.Size]byte
	mu       sync.Mutex
	answered map[[sha256.Size]byte]int64 // when they expire, in Unix seconds
	swept    int64
}

const challengeBytes = 16 + 8 + 16 // random ‖ Unix seconds of expiry, big-endian ‖ MAC

func (c *Challenges) now() time.Time {
	c.once.Do(func() {
		rand.Read(c.key[:])
		c.answered = map[[sha256.Size]byte]int64{}
	})
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// New returns a challenge, and when it expires. An empty domain is that of c.
func (c *Challenges) New(domain string) (vc.Challenge, time.Time) {
	now, lifetime := c.now(), c.Lifetime
	if lifetime <= 0 {
		lifetime = DefaultLifetime
	}
	domain = c.domain(domain)
	expires := now.Add(lifetime).Truncate(time.Second)
	b := make([]byte, 16, challengeBytes)
	rand.Read(b)
	b = binary.BigEndian.AppendUint64(b, uint64(expires.Unix()))
	b = append(b, c.mac(b, domain)...)
	return vc.Challenge{Nonce: base64.RawURLEncoding.EncodeToString(b), Domain: domain}, expires
}

func (c *Challenges) domain(domain string) string {
	switch {
	case domain != "":
		return domain
	case c.Domain != "":
		return c.Domain
	}
	return "hourmeter"
}

func (c *Challenges) mac(head []byte, domain string) []byte {
	m := hmac.New(sha256.New, c.key[:])
	m.Write(head)
	m.Write([]byte(domain))
	return m.Sum(nil)[:16]
}

// Take marks a challenge as answered. Its error is one of those above.
func (c *Challenges) Take(ch vc.Challenge) error {
	now := c.now().Unix()
	b, err := base64.RawURLEncoding.Strict().DecodeString(ch.Nonce)
	if err != nil || len(b) != challengeBytes || !hmac.Equal(b[24:], c.mac(b[:24], ch.Domain)) {
		return ErrUnknown
	}
	expires := int64(binary.BigEndian.Uint64(b[16:24]))
	if now >= expires {
		return ErrExpired
	}
	name := sha256.Sum256(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.answered[name]; ok {
		return ErrAnswered
	}
	if len(c.answered) >= MaxAnswered && now > c.swept {
		c.swept = now // once a second at most
		for name, expires := range c.answered {
			if now >= expires {
				delete(c.answered, name)
			}
		}
	}
	if len(c.answered) >= MaxAnswered {
		return ErrFull
	}
	c.answered[name] = expires
	return nil
}

// Return undoes Take, for an answer that could not be checked: it may come again.
func (c *Challenges) Return(ch vc.Challenge) {
	if b, err := base64.RawURLEncoding.DecodeString(ch.Nonce); err == nil {
		c.mu.Lock()
		delete(c.answered, sha256.Sum256(b))
		c.mu.Unlock()
	}
}

// A ChallengeAnswer is what POST /challenges answers.
type ChallengeAnswer struct {
	Challenge string    `json:"challenge"`
	Domain    string    `json:"domain"`
	Expires   time.Time `json:"expires"`
}

func (h *Handler) challenge(_ context.Context, in *request) reply {
	domain := in.root.Member("domain")
	if kind := domain.Kind(); domain.Exists() && (kind != strictjson.String || domain.Text() == "" || len(domain.Text()) > maxDomain) {
		return *problem(http.StatusBadRequest, "domain: want the name of who asks for the presentation")
	}
	ch, expires := h.Challenges.New(domain.Text())
	return reply{status: http.StatusOK, outcome: "challenged", body: ChallengeAnswer{ch.Nonce, ch.Domain, expires.UTC()}}
}
