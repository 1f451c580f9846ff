// Package invariants holds the tests of docs/ARCHITECTURE.md: what the packages
// may import, what they may export, and where they must build.
package invariants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/hourmeter/hourmeter"

// mayImport says which packages of this module a package may import directly.
// A package that is not listed is internal, a command or an example.
var mayImport = map[string][]string{
	"did":                        {"internal/*"},
	"did/webvh":                  {"did", "internal/*"},
	"did/didx509":                {"did", "internal/*"},
	"did/peer":                   {"did", "internal/*"},
	"did/pkh":                    {"did", "internal/*"},
	"keystore":                   {"internal/filelock", "internal/secp256k1"},
	"resolver":                   {"did", "did/peer", "did/pkh", "did/didx509", "did/webvh", "internal/*"},
	"vc":                         {"did", "internal/*"},
	"vc/record":                  {"did", "internal/*"},
	"vc/mldsa":                   {"vc", "did", "internal/*"},
	"vc/bundle":                  {"vc", "vc/chain/tlog", "did", "did/peer", "did/pkh", "did/webvh", "internal/*"},
	"vc/rdfc":                    {"vc", "internal/*"},
	"vc/chain":                   {"vc", "did", "internal/*"},
	"vc/keyhistory":              {"vc", "vc/chain", "did"},
	"vc/linkage":                 {"vc", "vc/chain", "vc/jose", "vc/rdfc", "did", "internal/*"},
	"vc/cose":                    {"vc", "did", "internal/*"},
	"vc/chain/tlog":              {"vc", "vc/chain", "internal/*"},
	"vc/status":                  {"vc", "did", "internal/*"},
	"vc/schema":                  {"vc", "did", "internal/*"},
	"vc/sdjwt":                   {"vc", "did", "internal/*"},
	"vc/jose":                    {"vc", "did", "internal/*"},
	"vc/jose/jwxbridge":          {"vc", "did", "internal/*"},
	"reputation":                 {"did", "vc", "vc/record", "vc/chain", "internal/*"},
	"reputation/store":           {"reputation", "vc", "vc/chain", "did", "internal/parallel"},
	"reputation/store/storetest": {"reputation/store", "reputation", "vc", "vc/chain", "vc/record", "did"},
	"reputation/policyfile":      {"reputation", "did", "internal/*"},
	"reputation/eval":            {"reputation", "did", "vc", "vc/chain", "internal/*"},
	"internal/strictjson":        {},
	"internal/webname":           {},
	"internal/cbor":              {},
	"internal/cosesign1":         {"internal/cbor", "internal/signature"},
	"internal/jcs":               {"internal/strictjson"},
	"internal/parallel":          {},
	"internal/rdf":               {},
	"internal/multikey":          {"internal/secp256k1", "internal/rsakey"},
	"internal/rsakey":            {},
	"internal/signature":         {"internal/secp256k1", "internal/multikey"},
	"internal/jws":               {"internal/signature", "internal/strictjson"},
	"internal/ldcontext":         {"internal/strictjson", "internal/jcs", "internal/rdf"},
	"internal/integrity":         {"internal/multikey"},
	"internal/ratelimit":         {},
	"internal/fleet":             {"did", "vc", "vc/chain", "internal/*"},
	"internal/importer":          {"did", "vc", "vc/record", "vc/chain", "internal/*"},
}

// core are the packages a device may link.
var core = []string{"did", "did/peer", "did/pkh", "keystore", "vc", "vc/record", "vc/chain", "vc/chain/tlog", "vc/keyhistory", "vc/status", "vc/schema", "vc/sdjwt", "vc/jose", "vc/cose", "reputation"}

// root returns the folder of go.mod.
func root(t testing.TB) string {
	_, file, _, ok := runtime.Caller(0)
	require.True(t, ok)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func list(t testing.TB, patterns ...string) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps=false", "-json=ImportPath,Dir,GoFiles,Imports,Deps"}, patterns...)...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list: %s", exit.Stderr)
	}
	require.NoError(t, err)
	all := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else {
			require.NoError(t, err)
		}
		all[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
}

// violations returns what in the import graph breaks a rule.
func violations(all map[string]pkg) (out []string) {
	for name, p := range all {
		tool := strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "examples")
		for _, path := range p.Imports {
			own, ok := strings.CutPrefix(path, module+"/")
			if ok && (own == "resolver" || own == "keystore") && !tool {
				out = append(out, fmt.Sprintf("%s imports %s: they meet in the caller only", name, own))
			}
			rule, listed := mayImport[name]
			if ok && listed && !slices.Contains(rule, own) && !(slices.Contains(rule, "internal/*") && strings.HasPrefix(own, "internal/")) {
				out = append(out, fmt.Sprintf("%s imports %s", name, own))
			}
		}
		if !slices.Contains(core, name) && name != "resolver" {
			continue
		}
		if _, listed := mayImport[name]; !listed {
			out = append(out, name+" has no rule")
		}
		for _, path := range p.Deps {
			if name != "resolver" && (path == "net/http" || path == "net") {
				out = append(out, fmt.Sprintf("%s links %s", name, path))
			}
			for _, heavy := range []string{"github.com/lestrrat-go/", "github.com/go-playground/", "github.com/hyperledger/", "github.com/spf13/"} {
				if strings.HasPrefix(path, heavy) {
					out = append(out, fmt.Sprintf("%s links %s", name, path))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// Invariants 1 and 2, and the import table of docs/ARCHITECTURE.md.
func TestImportGraph(t *testing.T) {
	all := list(t, "./...")
	for name := range mayImport {
		_, ok := all[name]
		require.True(t, ok, "the table names a package that is not there: %s", name)
	}
	require.Empty(t, violations(all))

	// The test is able to fail.
	broken := map[string]pkg{
		"did":              {Imports: []string{module + "/vc"}, Deps: []string{"net/http"}},
		"vc":               {Imports: []string{module + "/keystore"}, Deps: []string{"github.com/lestrrat-go/jwx/v2"}},
		"cmd/hourmeter":    {Imports: []string{module + "/keystore", module + "/resolver"}, Deps: []string{"net/http"}},
		"internal/jcs":     {Imports: []string{module + "/did"}},
		"vc/record":        {Imports: []string{module + "/did"}},
		"internal/unknown": {Imports: []string{module + "/resolver"}},
	}
	require.Equal(t, []string{
		"did imports vc",
		"did links net/http",
		"internal/jcs imports did",
		"internal/unknown imports resolver: they meet in the caller only",
		"vc imports keystore",
		"vc imports keystore: they meet in the caller only",
		"vc links github.com/lestrrat-go/jwx/v2",
	}, violations(broken))
}

// The top level is what a newcomer sees first.
func TestTopLevel(t *testing.T) {
	want := []string{
		".ci", ".git", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md",
		"cmd", "did", "docs", "examples", "go.mod", "go.sum", "internal", "keystore", "reputation", "resolver", "vc",
	}
	entries, err := os.ReadDir(root(t))
	require.NoError(t, err)
	for _, e := range entries {
		require.Contains(t, want, e.Name())
	}
}

// goFiles calls f with every Go file of the module that is not a test.
func goFiles(t *testing.T, f func(path string, fset *token.FileSet, file *ast.File)) {
	top := root(t)
	require.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, path)
		f(filepath.ToSlash(rel), fset, file)
		return err
	}))
}

// Invariant 3: plug-ins are values.
func TestNoInitAndNoBlankImports(t *testing.T) {
	goFiles(t, func(path string, fset *token.FileSet, file *ast.File) {
		for _, i := range file.Imports {
			if i.Name != nil && i.Name.Name == "_" && i.Path.Value != `"embed"` {
				t.Errorf("%s: blank import of %s", path, i.Path.Value)
			}
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init", fset.Position(f.Pos()))
			}
		}
	})
}

func library(path string) bool {
	return !strings.HasPrefix(path, "internal/") && !strings.HasPrefix(path, "cmd/") && !strings.HasPrefix(path, "examples/")
}

// bridge reports whether a file is there for a third party's types: it is of a module of
// its own, or of a package that says so.
func bridge(t *testing.T, path string) bool {
	if filepath.ToSlash(filepath.Dir(path)) == "vc/jose/jwxbridge" {
		return true
	}
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root(t), dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

// Invariant 4, and: every exported identifier says what it is for.
func TestExportedAPI(t *testing.T) {
	goFiles(t, func(path string, fset *token.FileSet, file *ast.File) {
		if !library(path) {
			return
		}
		foreign := map[string]string{} // local name of an import that is neither ours nor the standard library's
		for _, i := range file.Imports {
			if bridge(t, path) {
				break
			}
			p, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			name := p[strings.LastIndex(p, "/")+1:]
			if i.Name != nil {
				name = i.Name.Name
			}
			if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") && (!strings.HasPrefix(p, module+"/") || strings.Contains(p, "/internal/")) {
				foreign[name] = p
			}
		}
		signature := func(n ast.Node) {
			if n == nil {
				return
			}
			ast.Inspect(n, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && foreign[x.Name] != "" {
						t.Errorf("%s: %s of %s in an exported signature", fset.Position(sel.Pos()), sel.Sel.Name, foreign[x.Name])
					}
				}
				return true
			})
		}
		undocumented := func(pos token.Pos, name string) {
			t.Errorf("%s: %s has no comment", fset.Position(pos), name)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if !d.Name.IsExported() || d.Recv != nil && !exportedReceiver(d.Recv) {
					continue
				}
				if d.Doc == nil {
					undocumented(d.Pos(), d.Name.Name)
				}
				signature(d.Type)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						if !s.Name.IsExported() {
							continue
						}
						if d.Doc == nil && s.Doc == nil {
							undocumented(s.Pos(), s.Name.Name)
						}
						if st, ok := s.Type.(*ast.StructType); ok {
							for _, f := range st.Fields.List {
								if len(f.Names) == 0 || slices.ContainsFunc(f.Names, (*ast.Ident).IsExported) {
									signature(f.Type)
								}
							}
						} else {
							signature(s.Type)
						}
					case *ast.ValueSpec:
						for _, n := range s.Names {
							if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
								undocumented(n.Pos(), n.Name)
							}
						}
						if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
							signature(s.Type)
						}
					}
				}
			}
		}
	})
}

func exportedReceiver(r *ast.FieldList) bool {
	typ := r.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// Invariant 7: the core builds without cgo wherever machines run.
func TestCoreBuildsEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: cross-compiling takes a minute")
	}
	for _, target := range []string{"linux/amd64", "linux/arm64", "linux/arm/6", "linux/riscv64", "linux/mipsle", "js/wasm"} {
		t.Run(target, func(t *testing.T) {
			part := append(strings.Split(target, "/"), "")
			args := []string{"build"}
			for _, p := range core {
				args = append(args, "./"+p)
			}
			cmd := exec.Command("go", args...)
			cmd.Dir = root(t)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+part[0], "GOARCH="+part[1], "GOARM="+part[2])
			if part[2] == "" {
				cmd.Env = slices.DeleteFunc(cmd.Env, func(s string) bool { return s == "GOARM=" })
			}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

// Invariant 8: what the README shows is what the examples do.
func TestReadmeShowsTheExamples(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	require.NoError(t, err)
	require.Empty(t, drift(t, string(readme)))
	// The test is able to fail.
	require.NotEmpty(t, drift(t, strings.Replace(string(readme), "Ensure(", "ensure(", 1)))
}

// snippet is Go code in the README: "<!-- examples/onboard.go: Onboard -->" and a code block.
var snippet = regexp.MustCompile("(?s)<!-- (examples/[a-z_/]+\\.go): ([A-Za-z.]+) -->\n```go\n(.*?)```")

// drift returns the snippets of readme that are not the source they name.
func drift(t *testing.T, readme string) (out []string) {
	found := snippet.FindAllStringSubmatch(readme, -1)
	require.Equal(t, strings.Count(readme, "```go"), len(found), "a Go snippet names no source")
	require.GreaterOrEqual(t, len(found), 2)
	for _, m := range found {
		src, err := os.ReadFile(filepath.Join(root(t), m[1]))
		require.NoError(t, err)
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, m[1], src, parser.ParseComments)
		require.NoError(t, err)
		text := ""
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				typ := f.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				name = typ.(*ast.Ident).Name + "." + name
			}
			if name == m[2] {
				start := f.Pos()
				if f.Doc != nil {
					start = f.Doc.Pos()
				}
				text = string(src[fset.Position(start).Offset:fset.Position(f.End()).Offset]) + "\n"
			}
		}
		if text != m[3] {
			out = append(out, m[1]+": "+m[2])
		}
	}
	return out
}

// Each rule of docs/ARCHITECTURE.md names a test that exists.
func TestArchitectureNamesItsTests(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "ARCHITECTURE.md"))
	require.NoError(t, err)
	named := regexp.MustCompile("`([a-z]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	require.GreaterOrEqual(t, len(named), 8)
	elsewhere := map[string]string{
		"invariants": "internal/invariants", "attacks": "internal/attacks", "chain": "vc/chain", "bundle": "vc/bundle", "cmd": "cmd/hourmeter",
	}
	for _, n := range named {
		folder := n[1]
		if place, ok := elsewhere[folder]; ok {
			folder = place
		}
		found := false
		files, err := filepath.Glob(filepath.Join(root(t), folder, "*_test.go"))
		require.NoError(t, err)
		for _, f := range files {
			src, err := os.ReadFile(f)
			require.NoError(t, err)
			found = found || bytes.Contains(src, []byte("\nfunc "+n[2]+"(t *testing.T)"))
		}
		require.True(t, found, "%s.%s", n[1], n[2])
	}
}

// Nothing tracked names a machine's folders or a package registry's host.
func TestNothingLocalIsTracked(t *testing.T) {
	local := regexp.MustCompile(`(^|[^A-Za-z0-9_.])/(work|root|home)/|https?://(registry|proxy|deb|sum)\.`)
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	require.NoError(t, err)
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(root(t), name))
		if errors.Is(err, fs.ErrNotExist) || name == "internal/invariants/invariants_test.go" {
			continue
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(b), 1<<20, "%s is large", name)
		require.False(t, local.Match(b), "%s: %q", name, local.Find(b))
	}
}
