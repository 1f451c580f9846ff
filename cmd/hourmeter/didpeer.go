package main

import (
	"crypto"
	"fmt"
	"io"
	"strings"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
)

// createPeer prints the did:peer of a key, of numalgo 0, or of that key and what d adds, of numalgo 2 or 4.
func (a *app) createPeer(numalgo int, public crypto.PublicKey, d documentFlags) error {
	var keys []peer.Key
	for _, use := range signing {
		keys = append(keys, peer.Key{Use: did.Relationship(use), Public: public})
	}
	for _, name := range d.addKeys {
		public, err := a.publicKeyOr(name)
		if err != nil {
			return fmt.Errorf("--add-key: %w", err)
		}
		for _, use := range d.uses {
			keys = append(keys, peer.Key{Use: did.Relationship(use), Public: public})
		}
	}
	var services []did.Service
	for _, text := range d.addServices {
		s, err := parseService(text)
		if err != nil {
			return err
		}
		s.ID = did.URL{Fragment: strings.TrimPrefix(strings.SplitN(text, ",", 2)[0], "#")}
		services = append(services, s)
	}
	var made Identifier
	var err error
	switch numalgo {
	case 0:
		if len(d.addKeys)+len(d.addServices) > 0 {
			return fmt.Errorf("--numalgo 0 is one key, and nothing else: --add-key and --add-service go with 2 and 4")
		}
		made.DID, err = peer.New0(public)
	case 2:
		made.DID, err = peer.New2(keys, services...)
	case 4:
		if made.DID, err = peer.New4(keys, services...); err == nil {
			made.Short, err = peer.Short(made.DID)
		}
	default:
		return fmt.Errorf("--numalgo: %d is none of 0, 2 and 4", numalgo)
	}
	if err != nil {
		return err
	}
	return a.print(made, func(w io.Writer) { fmt.Fprintln(w, made.DID) })
}

// parseService reads ID,TYPE,URL. The ID is for the caller to read.
func parseService(text string) (s did.Service, err error) {
	parts := strings.SplitN(text, ",", 3)
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return s, fmt.Errorf("--add-service: %q is not ID,TYPE,URL, such as #records,LinkedDomains,https://fleet.example", text)
	}
	return did.Service{Type: []string{parts[1]}, Endpoint: []string{parts[2]}}, nil
}
