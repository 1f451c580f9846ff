package main

import (
	"errors"

	"github.com/hourmeter/hourmeter/vc"
)

// The exit codes.
const (
	exitOK        = 0
	exitError     = 1 // wrong usage, a file that cannot be read or written, a defect of this program
	exitInvalid   = 2 // something that was to be checked is bad, and will stay bad
	exitUnchecked = 3 // something could not be checked: nothing is known against it
	exitRefused   = 4 // all is genuine, and the policy or the caller's rule says no
)

const exitHelp = `Exit codes:
  0  done; what was to be checked is good
  1  wrong usage, or a file that cannot be read or written
  2  invalid: something that was checked is bad, and will stay bad
  3  could not be checked: an issuer that needs a network, a status list
  4  refused by policy: genuine, but not from whom or not as good as asked for
If several apply, 2 goes before 3, and 3 before 4.`

// A Verdict is what a check came to.
type Verdict string

// The verdicts, worst last. Each has its exit code.
const (
	Valid     Verdict = "valid"     // exit code 0
	Refused   Verdict = "refused"   // exit code 4: genuine, but the policy or --issuer does not take it
	Unchecked Verdict = "unchecked" // exit code 3: could not be checked, nothing is known against it
	Invalid   Verdict = "invalid"   // exit code 2: bad, and will stay bad
)

func (v Verdict) exitCode() int {
	switch v {
	case Valid:
		return exitOK
	case Refused:
		return exitRefused
	case Unchecked:
		return exitUnchecked
	}
	return exitInvalid
}

// worse returns the verdict on two things together.
func (v Verdict) worse(w Verdict) Verdict {
	order := map[Verdict]int{Refused: 1, Unchecked: 2, Invalid: 3}
	if order[w] > order[v] {
		return w
	}
	return v
}

// judge turns the error of a verification into a verdict.
func judge(err error) Verdict {
	if err == nil {
		return Valid
	}
	if rej, ok := errors.AsType[*vc.RejectError](err); ok {
		if errors.Is(rej.Reason, vc.ErrNotAccepted) {
			return Refused
		}
		return Invalid
	}
	if isDefect(err) {
		return Invalid
	}
	return Unchecked
}

// A verdictError ends a command whose check did not come out well.
type verdictError struct {
	verdict Verdict
	message string // for stderr; empty if the command has said all there is to say
}

func (e *verdictError) Error() string { return e.message }

// exitCode returns the exit code for the error of a command.
func exitCode(err error) int {
	if v, ok := errors.AsType[*verdictError](err); ok {
		return v.verdict.exitCode()
	}
	return exitError
}
