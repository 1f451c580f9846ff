package resolver_test

import (
	"io"
	"log"
)

// quiet is where test servers complain of what tests do to them.
var quiet = log.New(io.Discard, "", 0)
