package webvh

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// version is the one version of the method that is spoken here. It allows SHA-256 and eddsa-jcs-2022.
const version = "did:webvh:1.0"

// Parameters are the rules that a log sets itself, as of an entry (did:webvh, "Parameters"). What an entry
// does not mention stays as it was.
type Parameters struct {
	// UpdateKeys may sign the next entry, each a Multikey of an Ed25519 key; unless there are
	// NextKeyHashes, which say what keys the next entry may bring, and these sign it.
	UpdateKeys    []string
	NextKeyHashes []string // hashes of the keys to come: pre-rotation. Nil if it is off
	Witness       Witness
	Watchers      []string // URLs of who keeps copies
	Portable      bool     // whether the DID may move to another host
	Deactivated   bool
	TTL           time.Duration // for how long a document may be remembered

	keys []ed25519.PublicKey // of UpdateKeys
}

// A Witness says who has to approve of entries: Threshold of Witnesses. The zero Witness is nobody.
type Witness struct {
	Threshold int
	Witnesses []did.DID // each a did:key of an Ed25519 key
}

// merge reads the parameters of entry n, an object, which follows one with the parameters old: the rules of which
// value may stand where (did:webvh, "Parameters").
func merge(old *Parameters, v strictjson.Value, n int) (*Parameters, error) {
	if !v.First().Exists() && n > 1 {
		return old, nil
	}
	p := Parameters{TTL: DefaultTTL}
	if n > 1 {
		p = *old
	}
	for m := range v.All() {
		var err error
		name := m.Name()
		// "null" was an early way to say "none". It "SHOULD" be taken where a default exists, and is.
		null := m.Kind() == strictjson.Null
		switch name {
		case "method":
			if m.Text() != version {
				err = fmt.Errorf("is %.40s: %s is the only version known here", m.Raw(), version)
			}
		case "scid":
			if n > 1 {
				err = errors.New("belongs in the first entry only")
			} else if !isMultihash(m.Text()) {
				err = errors.New("is no SHA-256 multihash in base58btc")
			}
		case "updateKeys":
			p.UpdateKeys, err = texts(m)
			if err == nil && !(n > 1 && slices.Equal(p.UpdateKeys, old.UpdateKeys)) {
				p.keys = nil // never into the array that old has
				for _, text := range p.UpdateKeys {
					var key ed25519.PublicKey
					if key, err = ed25519Key(text); err != nil {
						break
					}
					p.keys = append(p.keys, key)
				}
			}
		case "nextKeyHashes":
			// Any text: "random strings" may hide how many keys there are.
			p.NextKeyHashes, err = texts(m)
		case "witness":
			p.Witness = Witness{}
			if !null {
				p.Witness, err = readWitness(m)
			}
		case "watchers":
			p.Watchers, err = texts(m)
			for _, text := range p.Watchers {
				if u, bad := url.Parse(text); bad != nil || u.Scheme == "" || u.User != nil {
					err = fmt.Errorf("%.80q is no URL", text)
				}
			}
		case "portable":
			is := m.Kind() == strictjson.True
			switch {
			case !is && m.Kind() != strictjson.False:
				err = errors.New("is neither true nor false")
			case is && n > 1: // also if it is true already
				err = errors.New("cannot be set to true after the first entry")
			}
			p.Portable = is
		case "deactivated":
			p.Deactivated = m.Kind() == strictjson.True
			if !p.Deactivated && m.Kind() != strictjson.False {
				err = errors.New("is neither true nor false")
			}
		case "ttl":
			p.TTL = DefaultTTL
			if !null {
				seconds, ok := m.Int64()
				if !ok || seconds < 0 || seconds > 1<<31 {
					err = errors.New("is no number of seconds from 0 to 2147483648")
				}
				p.TTL = time.Duration(seconds) * time.Second
			}
		default:
			err = errors.New("is none that did:webvh 1.0 knows")
		}
		if err != nil {
			return nil, fmt.Errorf("%.40q %w", name, err)
		}
	}
	if n == 1 {
		for _, name := range [...]string{"method", "scid", "updateKeys"} {
			if !v.Member(name).Exists() {
				return nil, fmt.Errorf("%q is missing in the first entry", name)
			}
		}
	}
	// Many logs say again what they said before: keep it once.
	if n > 1 && slices.Equal(p.UpdateKeys, old.UpdateKeys) {
		p.UpdateKeys, p.keys = old.UpdateKeys, old.keys
		if slices.Equal(p.NextKeyHashes, old.NextKeyHashes) && slices.Equal(p.Watchers, old.Watchers) && p.Witness.equal(old.Witness) &&
			p.Portable == old.Portable && p.Deactivated == old.Deactivated && p.TTL == old.TTL {
			return old, nil
		}
	}
	return &p, nil
}

func (w Witness) equal(x Witness) bool {
	return w.Threshold == x.Threshold && slices.Equal(w.Witnesses, x.Witnesses)
}

// texts reads a list of strings; null is the empty list.
func texts(v strictjson.Value) (list []string, err error) {
	if v.Kind() == strictjson.Null {
		return nil, nil
	}
	if v.Kind() != strictjson.Array || v.Len() > MaxListed {
		return nil, fmt.Errorf("is no list of at most %d strings", MaxListed)
	}
	for e := range v.All() {
		if e.Kind() != strictjson.String || e.Text() == "" {
			return nil, errors.New("has something other than strings in it")
		}
		list = append(list, strings.Clone(e.Text()))
	}
	return list, nil
}

// readWitness reads a declaration of witnesses; {} is none (did:webvh, "DID Witnesses").
func readWitness(v strictjson.Value) (w Witness, err error) {
	if v.Kind() != strictjson.Object {
		return w, errors.New("is no object")
	}
	if !v.First().Exists() {
		return w, nil
	}
	list := v.Member("witnesses")
	threshold, ok := v.Member("threshold").Int64()
	if v.Len() != 2 || !ok || list.Kind() != strictjson.Array || list.Len() > MaxListed {
		return w, fmt.Errorf("does not consist of a threshold and at most %d witnesses", MaxListed)
	}
	for e := range list.All() {
		id, err := did.Parse(strings.Clone(e.Member("id").Text()))
		if err != nil || e.Len() != 1 {
			return w, errors.New("has a witness that does not consist of an id")
		}
		if _, err := witnessKey(id); err != nil {
			return w, err
		}
		if slices.Contains(w.Witnesses, id) { // one would count for two
			return w, fmt.Errorf("has %.80q twice", id)
		}
		w.Witnesses = append(w.Witnesses, id)
	}
	if threshold < 1 || threshold > int64(len(w.Witnesses)) {
		return w, fmt.Errorf("has a threshold of %d for %d witnesses", threshold, len(w.Witnesses))
	}
	w.Threshold = int(threshold)
	return w, nil
}

func witnessKey(id did.DID) (ed25519.PublicKey, error) {
	if id.Method() != "key" {
		return nil, fmt.Errorf("%.80q is no did:key", id)
	}
	return ed25519Key(id.Identifier())
}

// ed25519Key reads a Multikey of the one kind that eddsa-jcs-2022 signs with.
func ed25519Key(text string) (ed25519.PublicKey, error) {
	key, err := multikey.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%.80q is no key: %w", text, err)
	}
	if key, ok := key.(ed25519.PublicKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("%.80q is no Ed25519 key, as did:webvh 1.0 wants", text)
}

// multihash returns the hash of text as did:webvh writes it: SHA-256 as a multihash in base58btc, with
// no multibase letter before it.
func multihash(text []byte) string {
	var b [34]byte
	b[0], b[1] = 0x12, sha256.Size
	digest := sha256.Sum256(text)
	copy(b[2:], digest[:])
	return multikey.EncodeBase58(b[:])[1:]
}

// appendWitness writes a declaration of witnesses, with the threshold between quote: the metadata of
// DID Resolution knows no numbers, so did:webvh, "Read", writes them as strings there.
func appendWitness(b []byte, w Witness, quote string) []byte {
	if len(w.Witnesses) == 0 {
		return append(b, "{}"...)
	}
	b = append(b, `{"threshold":`+quote+strconv.Itoa(w.Threshold)+quote+`,"witnesses":[`...)
	for i, id := range w.Witnesses {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":"`+id.String()+`"}`...) // a DID has nothing to escape
	}
	return append(b, "]}"...)
}
