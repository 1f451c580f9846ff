package reputation

import (
	"bytes"
	"crypto/sha256"
	"math/bits"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
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
	counted := normalize(c.Evidence, asOf)
	for i := range counted {
		event, err := s.Event(&counted[i])
		if err != nil {
			return nil, err
		}
		if err := st.Fold(event); err != nil {
			return nil, err
		}
	}
	score, err := st.Score(asOf)
	if err != nil {
		return nil, err
	}
	score.EvidenceRoot = rootOf(c.Model, counted)
	return score, nil
}

// EvidenceRoot is the Merkle tree hash (RFC 6962 §2.1) of the case as of a day. Its leaves
// are the RFC 8785 forms of the evidence that [Scorer.Weigh] counts, each without the
// members that have their default, and of {"model": …} if the model is known; sorted as
// bytes. Without any it is the hash of the empty tree, the SHA-256 of nothing.
//
// A leaf holds what the evidence says and also whose word it is, which the digest of a
// credential does not tell: so whoever has the same policy, root, day and completeness has
// the same score. No two leaves are the same, because the normal form of docs/SCORE.md §5
// holds each statement once.
func EvidenceRoot(c Case, asOf Day) vc.Digest { return rootOf(c.Model, normalize(c.Evidence, asOf)) }

// rootOf makes the root of evidence in its normal form.
func rootOf(model string, evidence []Evidence) vc.Digest {
	const usual = 320 // bytes of a leaf
	text := make([]byte, 0, usual*(len(evidence)+1))
	leaves := make([][]byte, 0, len(evidence)+1)
	if model != "" {
		text, _ = jsontext.AppendQuote(append(text, `{"model":`...), model) // no fleet has a model that is not UTF-8
		text = append(text, '}')
		leaves = append(leaves, text)
	}
	for i := range evidence {
		start := len(text)
		text = evidence[i].appendCanonical(text)
		leaves = append(leaves, text[start:])
	}
	slices.SortFunc(leaves, bytes.Compare)
	return merkleRoot(leaves)
}

func merkleRoot(leaves [][]byte) vc.Digest {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		// k is the largest power of two below n.
		k := 1 << (bits.Len(uint(n-1)) - 1)
		left, right := merkleRoot(leaves[:k]), merkleRoot(leaves[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
}
