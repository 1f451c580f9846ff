package reputation

import (
	"crypto/sha256"
	"github.com/hourmeter/hourmeter/vc/chain"
	"math/bits"
	"slices"

	"github.com/hourmeter/hourmeter/vc"
)

// A Case is all that a score is made of, apart from the policy and the day.
type Case struct {
	Model        string             `json:"model,omitzero"` // of the machine: chooses the priors
	Completeness chain.Completeness `json:"completeness"`
	Evidence     []Evidence         `json:"evidence"` // in any order; a statement given twice counts once
}

// Weigh scores a case as of a day: it folds the evidence into a [State] and reads it.
// Evidence of later days is left out. The score has no Head.
//
// It is for evidence whose origin the caller answers for. Nothing here has been
// verified: see [Scorer.Score] for that.
func (s *Scorer) Weigh(c Case, asOf Day) (*Score, error) {
	st := s.State(c.Model)
	st.Completeness = c.Completeness
	counted := make([]Evidence, 0, len(c.Evidence))
	for _, e := range normalize(c.Evidence) {
		if e.Day > asOf && e.Kind != Due && e.Kind != Discharge {
			continue
		}
		event, err := s.Event(&e)
		if err != nil {
			return nil, err
		}
		if err := st.Fold(event); err != nil {
			return nil, err
		}
		counted = append(counted, e)
	}
	score, err := st.Score(asOf)
	if err != nil {
		return nil, err
	}
	score.EvidenceRoot = EvidenceRoot(counted)
	return score, nil
}

// EvidenceRoot is the Merkle tree hash (RFC 6962 §2.1) over the digests of the
// credentials that the evidence comes from, each once, sorted as bytes. Without evidence
// it is the hash of the empty tree, the SHA-256 of nothing.
func EvidenceRoot(evidence []Evidence) vc.Digest {
	leaves := make([]vc.Digest, len(evidence))
	for i := range evidence {
		leaves[i] = evidence[i].Digest
	}
	slices.SortFunc(leaves, func(a, b vc.Digest) int { return slices.Compare(a[:], b[:]) })
	return merkleRoot(slices.Compact(leaves))
}

func merkleRoot(leaves []vc.Digest) vc.Digest {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0][:]...))
	default:
		// k is the largest power of two below n.
		k := 1 << (bits.Len(uint(n-1)) - 1)
		left, right := merkleRoot(leaves[:k]), merkleRoot(leaves[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
}
