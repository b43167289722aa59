// Command rekey is the custom handler that the Azure Functions host starts: one
// process that answers every function. Given arguments, it is a client of the API
// instead: internal/cli says what it can do.
//
// The handler's settings come from the environment; readConfig names them. It talks to
// nobody before the host calls it, keeps nothing that a SIGKILL could cost, and
// logs structured JSON to stdout, which the host takes as Information.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	_ "time/tzdata" // maintenance windows name time zones, which small images lack

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/internal/customhandler"
)

// version is set by the linker.
var version = "dev"

func main() {
	if len(os.Args) > 1 {
		os.Exit(command(context.Background(), os.Args[1:], os.Getenv))
	}
	if err := run(context.Background(), os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "rekey:", err)
		os.Exit(1)
	}
}

// The garbage collector trades memory for time: the heap is a few megabytes, so the
// default would collect it many times a second under load. Near the limit, which
// leaves room for the binary itself, it works as hard as it has to.
const (
	gcPercent   = 200
	memoryLimit = 44 << 20
)

// run serves the host until the process is killed.
func run(ctx context.Context, lookup func(string) string) error {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	config, err := readConfig(lookup)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: config.logLevel})).With("version", version)
	parts, err := connect(config, log)
	if err != nil {
		return err
	}
	server, err := customhandler.NewServer(functions.Table(parts), customhandler.Options{
		Logger: log, Timeout: config.functionTimeout,
	})
	if err != nil {
		return err
	}
	return server.ListenAndServe(ctx, config.port)
}
