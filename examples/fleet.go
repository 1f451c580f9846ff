package examples

import (
	"cmp"
	"context"
	"crypto"
	"embed"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Place is a machine's place in a ranking.
type Place struct {
	Machine did.DID
	Score   *reputation.Score
	Err     error // why it has no score
}

// Rank verifies the records of a fleet, scores each as of a day, and puts the
// best first. One bad record does not keep the others from being ranked.
func Rank(ctx context.Context, v *vc.Verifier, policy *reputation.Policy, at time.Time, records map[did.DID][][]byte) ([]Place, error) {
	scorer, err := reputation.NewScorer(policy, nil)
	if err != nil {
		return nil, err
	}
	var places []Place
	for machine, record := range records {
		var good []*vc.Verified
		for _, r := range v.VerifyAll(ctx, record, vc.AnyIssuer) { // on all cores
			switch _, bad := errors.AsType[*vc.RejectError](r.Err); {
			case r.Err == nil:
				good = append(good, r.Verified)
			case !bad:
				return nil, r.Err // it could not be checked: try again later
			} // a bad one is left out: that is a gap in the record, and costs points
		}
		place := Place{Machine: machine}
		if history, err := chain.NewDisclosed(machine, good...); err != nil {
			place.Err = err
		} else {
			place.Score, place.Err = scorer.Score(history, at)
		}
		places = append(places, place)
	}
	slices.SortFunc(places, func(a, b Place) int {
		return cmp.Or(cmp.Compare(b.points(), a.points()), cmp.Compare(a.Machine.String(), b.Machine.String()))
	})
	return places, nil
}

func (p Place) points() int64 {
	if p.Score == nil {
		return 0
	}
	return p.Score.Points
}

// The exports of an invented operator's systems, and the mapping that says what
// they mean: see fleet/README.md.
//
//go:embed fleet
var exports embed.FS

// ImportYear turns the exports in the folder fleet into a fleet of records: a key
// and a DID for each of ten machines and seven parties, and a signed credential for
// each row. It does what "hourmeter import examples/fleet/mapping.json" does.
func ImportYear(ctx context.Context, folder string, keys keystore.Store, now func() time.Time) (*importer.Summary, error) {
	data, err := fs.Sub(exports, "fleet")
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(data, "mapping.json")
	if err != nil {
		return nil, err
	}
	mapping, err := importer.ParseMapping("mapping.json", text)
	if err != nil {
		return nil, err
	}
	editor, err := fleet.Edit(folder)
	if err != nil {
		return nil, err
	}
	defer editor.Close()
	im := importer.Import{
		Mapping: mapping, Data: data, Now: now,
		Keys: func(ctx context.Context, name string) (crypto.Signer, error) {
			return keystore.Ensure(ctx, keys, name, keystore.Ed25519)
		},
	}
	return im.Run(ctx, editor)
}
