package cose_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// unsecured returns a credential without its proof.
func unsecured(t testing.TB, credential []byte) []byte {
	t.Helper()
	doc, err := strictjson.Parse(credential, strictjson.Limits{})
	require.NoError(t, err)
	return jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})
}
