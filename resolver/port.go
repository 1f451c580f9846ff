package resolver

import (
	"net/url"
	"slices"
	"strconv"
)

// otherPorts are those on which other protocols than HTTP are spoken ("bad ports" of the Fetch
// standard, §2.9). A stranger who names one, in a DID or a redirect, wants a server to be talked to
// that takes a TLS handshake for something else, or whoever asks to be taken for an intruder.
var otherPorts = [...]uint64{
	1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111,
	113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548,
	554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
	6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
}

// isOtherPort reports whether u names one of them.
func isOtherPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	_, found := slices.BinarySearch(otherPorts[:], port)
	return err == nil && found
}
