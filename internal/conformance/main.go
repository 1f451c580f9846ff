// Conformance prints a table: for each standard and each family of published
// vectors, how many do what the standard says, and what became of the rest.
//
//	go run ./internal/conformance          # as text
//	go run ./internal/conformance --markdown
//
// It keeps no figures of its own. It finds the tests that call shared.Tally, runs
// them, and fails if one of them fails or skips: vectors that are not here are
// looked for in the folder that HOURMETER_SHARED names.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	markdown := flag.Bool("markdown", false, "print the table as Markdown")
	flag.Parse()
	rows, err := run(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if *markdown {
		fmt.Println("| standard | published vectors | result | rest |\n|-|-|-|-|")
		for _, r := range rows {
			fmt.Printf("|%s|%s|%s of %s|%s|\n", r.standard, r.source, r.passed, r.total, r.rest)
		}
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s of %s\t%s\n", r.standard, r.source, r.passed, r.total, r.rest)
	}
	w.Flush()
}

type row struct{ standard, source, passed, total, rest string }

// run runs the tests of the module in folder that tally, and returns their rows.
func run(folder string) ([]row, error) {
	tests, err := tallying(folder)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, pkg := range slices.Sorted(maps.Keys(tests)) {
		cmd := exec.Command("go", "test", "-count=1", "-v", "-run", "^("+strings.Join(tests[pkg], "|")+")$", "./"+pkg)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil || bytes.Contains(out, []byte("--- SKIP")) {
			return nil, fmt.Errorf("%s\n%s: a test failed or skipped: %v", out, pkg, err)
		}
		lines := bufio.NewScanner(bytes.NewReader(out))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			_, text, ok := strings.Cut(lines.Text(), "tally\t") // it may stand behind the name of a test
			if f := strings.Split(text, "\t"); ok && len(f) == 5 {
				rows = append(rows, row{f[0], f[1], f[2], f[3], f[4]})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(a.standard, b.standard) })
	return rows, nil
}

// tallying returns, by package folder, the tests in which shared.Tally is called.
func tallying(folder string) (map[string][]string, error) {
	tests := map[string][]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != folder && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "conformance") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok || sel.Sel.Name != "Tally" {
					return true
				}
				rel, _ := filepath.Rel(folder, filepath.Dir(path))
				if rel = filepath.ToSlash(rel); !slices.Contains(tests[rel], f.Name.Name) {
					tests[rel] = append(tests[rel], f.Name.Name)
				}
				return true
			})
		}
		return nil
	})
	return tests, err
}
