// Package policyfile loads a score policy that an operator wrote.
//
// [Load] reads a file and [Parse] its text. Both give a *reputation.Policy that is ready to
// score by, or an error that names every member at fault and what it has to be: an operator
// wants to mend a file once.
//
// The danger: a policy says whose word counts. Load it from where only you can write.
//
// This package is apart from package reputation because the validator it uses is large. A
// program that reads published policies, written by programs, uses reputation.ParsePolicy.
package policyfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-playground/validator/v10"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/reputation"
)

// maxProblems is how many problems an error lists. Nobody mends more at a time.
const maxProblems = 20

// embedded stands in paths for a struct whose members JSON shows one level up.
const embedded = "~"

// An InvalidError says what is wrong with a policy.
type InvalidError struct {
	Name     string   // of the file, empty if it has none
	Problems []string // each with the member at fault, in the order of the file; at most 20
}

// Error implements error. Each problem has a line.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("policyfile: ")
	if e.Name != "" {
		b.WriteString(e.Name + ": ")
	}
	b.WriteString("this policy cannot be used:")
	for _, p := range e.Problems {
		b.WriteString("\n\t" + p)
	}
	return b.String()
}

// Load reads a policy from a file. The error is an [*InvalidError] if the file was read but
// is no good policy.
func Load(name string) (*reputation.Policy, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("policyfile: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, reputation.MaxPolicyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("policyfile: %w", err)
	}
	p, err := Parse(text)
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		invalid.Name = name
	}
	return p, err
}

// Parse reads a policy from its text. The error is an [*InvalidError].
func Parse(text []byte) (*reputation.Policy, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: reputation.MaxPolicyBytes})
	if err != nil {
		return nil, &InvalidError{Problems: []string{err.Error()}}
	}
	p := new(reputation.Policy)
	if err := json.Unmarshal([]byte(doc.Root().Raw()), p, json.RejectUnknownMembers(true)); err != nil {
		return nil, &InvalidError{Problems: []string{err.Error()}}
	}
	if problems := check(p); len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	if err := p.Validate(); err != nil { // what no single member shows, such as a sum
		return nil, &InvalidError{Problems: []string{strings.TrimPrefix(err.Error(), "reputation: policy: ")}}
	}
	return p, nil
}

// check holds p against the rules in the tags of reputation.Policy.
func check(p *reputation.Policy) (problems []string) {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		if f.Anonymous {
			return embedded
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	v.RegisterCustomTypeFunc(func(v reflect.Value) any { return v.Interface().(did.DID).String() }, did.DID{})
	var failures validator.ValidationErrors
	if err := v.Struct(p); err == nil {
		return nil
	} else if !errors.As(err, &failures) {
		return []string{err.Error()}
	}
	for i, f := range failures {
		if i == maxProblems {
			return append(problems, fmt.Sprintf("and %d more", len(failures)-maxProblems))
		}
		_, path, _ := strings.Cut(f.Namespace(), ".")
		problems = append(problems, fmt.Sprintf("%s is %s: %s", strings.ReplaceAll(path, embedded+".", ""), value(f), rule(f)))
	}
	return problems
}

// value shows what stands there, within a line.
func value(f validator.FieldError) string {
	switch v := reflect.ValueOf(f.Value()); v.Kind() {
	case reflect.Slice:
		return fmt.Sprintf("a list of %d", v.Len())
	case reflect.String:
		if v.Len() == 0 {
			return "missing"
		}
		return fmt.Sprintf("%.60q", v.String())
	default:
		return fmt.Sprint(f.Value())
	}
}

// rule says what has to stand there.
func rule(f validator.FieldError) string {
	unit := ""
	switch f.Kind() {
	case reflect.Slice:
		unit = " elements"
	case reflect.String:
		unit = " characters"
	}
	switch f.Tag() {
	case "required":
		return "it is required"
	case "eq":
		return "want " + f.Param()
	case "min":
		return "want at least " + f.Param() + unit
	case "max":
		return "want at most " + f.Param() + unit
	case "unique":
		return "no two elements may have the same " + strings.ToLower(f.Param())
	}
	return "must satisfy " + f.Tag() + " " + f.Param()
}
