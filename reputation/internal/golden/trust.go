package golden

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
)

// TrustInput is what a trust table is estimated from, and a graph for EigenTrust.
type TrustInput struct {
	Policy         reputation.Policy `json:"policy"`
	AsOf           reputation.Day    `json:"asOf"`
	Machines       []Machine         `json:"machines"`
	Accreditations []Accreditation   `json:"accreditations"`

	Nodes int         `json:"nodes"`
	Edges [][3]uint32 `json:"edges"` // from, to, weight
	Pre   []uint32    `json:"pre"`
}

// A Machine is the case of a machine.
type Machine struct {
	ID   did.DID         `json:"id"`
	Case reputation.Case `json:"case"`
}

// An Accreditation is a [reputation.Accreditation] as JSON.
type Accreditation struct {
	From  did.DID   `json:"from"`
	To    did.DID   `json:"to"`
	Start time.Time `json:"start"`
	Until time.Time `json:"until"`
	Depth int64     `json:"depth"`
}

// Trust estimates from input, which is the JSON of a [TrustInput], and returns two lines: the
// table in RFC 8785 form, and the SHA-256 of the EigenTrust of the graph, with α = .15 and 32
// rounds, each node as 8 bytes, big-endian.
func Trust(input []byte) ([]byte, error) {
	var in TrustInput
	if err := json.Unmarshal(input, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	estimator, err := reputation.NewEstimator(&in.Policy, in.AsOf)
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	for _, m := range in.Machines {
		if err := estimator.Add(m.ID, m.Case); err != nil {
			return nil, fmt.Errorf("golden: %w", err)
		}
	}
	for _, a := range in.Accreditations {
		if err := estimator.Accredit(reputation.Accreditation(a)); err != nil {
			return nil, fmt.Errorf("golden: %w", err)
		}
	}
	table, err := estimator.Table(nil)
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	out, err := table.JSON()
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}

	edges := make([]reputation.Edge, len(in.Edges))
	for i, e := range in.Edges {
		edges[i] = reputation.Edge{From: e[0], To: e[1], Weight: e[2]}
	}
	graph, err := reputation.NewTrustGraph(in.Nodes, edges)
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	trust, err := graph.EigenTrust(in.Pre, 150_000, 32, 0)
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	var vector []byte
	for _, t := range trust {
		vector = binary.BigEndian.AppendUint64(vector, t)
	}
	sum := sha256.Sum256(vector)
	return fmt.Appendf(append(out, '\n'), "%s\n", hex.EncodeToString(sum[:])), nil
}
