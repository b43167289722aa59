package cli

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// The exit codes.
const (
	exitOK           = 0
	exitFailure      = 1
	exitUsage        = 2
	exitRefused      = 3
	exitNotFound     = 4
	exitNotCompleted = 5
	exitTimedOut     = 6
	exitUnreachable  = 7
	exitUnauthorized = 8
	exitInterrupted  = 130 // what shells give a program that SIGINT ended
)

// exitCodes is a topic of help.
func exitCodes() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: `rekey ends with
  0    it is done
  1    it could not be done: the installation has trouble of its own, or the doctor
       found something that is wrong
  2    the command line is not right
  3    refused: the request is not right, or what is there speaks against it; or a plan
       says that it would be refused or would fail
  4    there is no such thing
  5    the rotation that was waited for failed, was cancelled or superseded, or did not
       reach every target
  6    the time was up before the rotation had ended; it goes on
  7    the installation is out of reach, or is none
  8    no credential, or one that may not do this
  130  interrupted`}
}

// usage is a command line that is not right.
type usage struct{ err error }

func (u *usage) Error() string { return u.err.Error() + "\nSee 'rekey --help'." }

func (u *usage) Unwrap() error { return u.err }

// ended is a rotation that was waited for and is not completed.
type ended struct{ words string }

func (e *ended) Error() string { return e.words }

var (
	errTimedOut = errors.New("the time is up; the rotation goes on")
	errRefusals = errors.New("it would be refused, or would fail")
)

func exitCode(err error) int {
	if problem, ok := errors.AsType[*client.Problem](err); ok {
		return exitCodeOf(problem.Status)
	}
	switch {
	case err == nil:
		return exitOK
	case is[*usage](err):
		return exitUsage
	case is[*ended](err):
		return exitNotCompleted
	case errors.Is(err, errTimedOut):
		return exitTimedOut
	case errors.Is(err, errRefusals):
		return exitRefused
	case errors.Is(err, errUnknown):
		return exitNotFound
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case is[*client.NoCredential](err):
		return exitUnauthorized
	case is[*client.Unreachable](err):
		return exitUnreachable
	}
	return exitFailure
}

func exitCodeOf(status int) int {
	switch {
	case status == http.StatusNotFound:
		return exitNotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return exitUnauthorized
	case status/100 == 4:
		return exitRefused
	case status/100 == 3:
		return exitUnreachable
	}
	return exitFailure
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
