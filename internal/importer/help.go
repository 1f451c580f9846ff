package importer

import (
	_ "embed" // for mappingSource
	"strings"
)

//go:embed mapping.go
var mappingSource string

// MappingHelp returns the documentation of [Mapping], for the command line.
func MappingHelp() string {
	_, text, _ := strings.Cut(mappingSource, "\n// A Mapping says")
	text, _, _ = strings.Cut("// A Mapping says"+text, "\ntype Mapping")
	text = strings.ReplaceAll(text, "\n//", "\n")
	return strings.ReplaceAll(strings.TrimPrefix(text, "// "), "\n ", "\n")
}
