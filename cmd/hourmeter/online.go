package main

import (
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc/bundle"
)

// online returns where --online finds status lists and schemas.
func (n networkFlags) online(a *app) (bundle.Source, error) {
	client, err := n.client(a)
	if err != nil {
		return nil, err
	}
	return &resolver.Documents{Client: client}, nil
}
