package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The table has a row for each family, and its command finds the tests.
func TestTheTableFindsItsTests(t *testing.T) {
	tests, err := tallying("../..")
	require.NoError(t, err)
	require.Contains(t, tests["vc"], "TestW3CVectors")
	require.Contains(t, tests["internal/jcs"], "TestCyberphoneVectors")
	require.NotContains(t, tests, "internal/shared")
}
