package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rekey-dev/rekey/internal/cli"
	"github.com/rekey-dev/rekey/internal/secret"
)

// command runs what the arguments ask of an installation, and returns the exit code.
func command(ctx context.Context, args []string, lookup func(string) string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	transport, err := newTransport(lookup("REKEY_EXTRA_CA_FILE"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "rekey:", err)
		return 1
	}
	return cli.Run(ctx, args, cli.Surroundings{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, OutTerminal: terminal(os.Stdout), ErrTerminal: terminal(os.Stderr),
		Colour: lookup("NO_COLOR") == "" && lookup("TERM") != "dumb", // https://no-color.org
		Zone:   time.Local, Now: time.Now, Pause: pause, Transport: transport, Version: version,
		Server: lookup("REKEY_URL"), Scope: lookup("REKEY_API_SCOPE"), Key: secret.New(lookup("REKEY_API_KEY")),
	})
}

func terminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
