package fleet

import (
	"context"

	"github.com/hourmeter/hourmeter/vc"
)

// Check verifies the record in text, a chain file that belongs to no folder, as
// [Folder.Verify] does one that does. Of m it needs ID; Name and File are for
// the report.
func Check(ctx context.Context, verifier *vc.Verifier, m Machine, text []byte) *Report {
	return check(ctx, verifier, m, text)
}
