package eval

// A World says what is simulated, apart from who attacks.
type World struct {
	Issuers  int `json:"issuers"`
	Roots    int `json:"roots"` // of the issuers: those whom the policy fixes
	Machines int `json:"machines"`
	Windows  int `json:"windows"` // weeks of life
}
