package reputation

import "github.com/hourmeter/hourmeter/vc/chain"

// Completeness is the class of a history as package chain defines it, with the text form
// "C0" to "C4". It caps the score.
type Completeness chain.Completeness

// The classes, in rising order; see package chain.
const (
	C0 = Completeness(chain.C0) // isolated credentials
	C1 = Completeness(chain.C1) // gaps, disclosed
	C2 = Completeness(chain.C2) // complete, unwitnessed
	C3 = Completeness(chain.C3) // complete and witnessed, not lately
	C4 = Completeness(chain.C4) // complete, witnessed, fresh
)

var completenessNames = []string{"C0", "C1", "C2", "C3", "C4"}

// String returns the name used in JSON.
func (c Completeness) String() string { return nameOf(completenessNames, int(c)) }

// MarshalText implements [encoding.TextMarshaler].
func (c Completeness) MarshalText() ([]byte, error) {
	return textOf(completenessNames, int(c), "completeness class")
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Completeness) UnmarshalText(text []byte) error {
	i, err := indexOf(completenessNames, text, "completeness class")
	*c = Completeness(i)
	return err
}
