// Package cli is rekey on the command line: a client of the HTTP API for people and
// their scripts. README.md beside this file is its page.
//
// It promises that
//
//   - what a script reads is on stdout, and everything else on stderr;
//   - -o json is the API's document as it came, and -o yaml the same in YAML; tables
//     are for people, and nothing in them can steer a terminal, whoever chose its name;
//   - the exit code says what became of it; the codes are in exit.go;
//   - a key is never an argument: others can read those while the program runs.
//
// It reads no environment: everything comes in as Surroundings.
package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/secret"
)

// Surroundings are what a command finds where it is started.
type Surroundings struct {
	In       io.Reader
	Out, Err io.Writer
	// OutTerminal and ErrTerminal say that a person looks on.
	OutTerminal, ErrTerminal bool
	Colour                   bool // of tables, on a terminal
	Zone                     *time.Location
	Now                      func() time.Time
	Pause                    func(context.Context, time.Duration) error
	Transport                http.RoundTripper
	Version                  string
	Server                   string       // used without --server
	Scope                    string       // used without --scope
	Key                      secret.Value // used without --api-key-file
}

// Run runs the command that the arguments name, and returns the exit code.
func Run(ctx context.Context, args []string, around Surroundings) int {
	s := &session{Surroundings: around}
	root := s.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && !s.started {
		err = &usage{err}
	}
	s.complain(err)
	return exitCode(err)
}

// complain says on stderr what went wrong.
func (s *session) complain(err error) {
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		s.note("rekey: interrupted")
	default:
		s.note("rekey: %s", strings.TrimPrefix(err.Error(), "client: "))
	}
}

// root is the command line as a whole.
func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rekey",
		Short: "Rotate the credentials of Entra ID applications",
		Long: `rekey asks the HTTP API of a rekey installation.

It is told where that is by --server or REKEY_URL, and who asks by an API key
(REKEY_API_KEY, or a file named with --api-key-file) or by a token of Entra ID for
--scope or REKEY_API_SCOPE. Without arguments it is the handler that the Azure
Functions host starts.`,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return s.start(c) },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.server, "server", s.Server, "the address of the installation (REKEY_URL)")
	flags.StringVar(&s.scope, "scope", s.Scope, "ask Entra ID for a token of this scope, api://<client id>/.default (REKEY_API_SCOPE)")
	flags.StringVar(&s.keyFile, "api-key-file", "", "read the API key from this file (instead of REKEY_API_KEY)")
	flags.StringVarP(&s.format, "output", "o", formatTable, "table, json or yaml")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{formatTable, formatJSON, formatYAML}, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(
		s.apps(), s.targets(), s.choices(),
		s.plan(), s.rotate(), s.resume(), s.cancel(), s.rollback(), s.status(), s.log(),
		s.doctor(), s.inventory(), s.advice(), s.dependencies(),
		s.export(), s.apply(), s.notifications(), s.groups(), s.tasks(), s.keys(), s.deadLetters(),
		s.version(), exitCodes(),
	)
	return root
}
