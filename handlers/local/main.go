// Command local runs rekey on one machine: the packaged handler under a simulated
// Functions host, beside a simulated Azure with a tenant to rotate in.
//
//	local [-apps 12|300] [-ports default|any] [-per-function] [-access] [-bench] [-soak 5m [-seed N]] [-dist dist] [-dir .local]
//
// It prints what happens, writes where everything is to .local/endpoints.json
// once all of it is ready, and stops on Ctrl-C. Nothing leaves the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// gcPercent leaves the machine's time to what is simulated, at the cost of memory
// that a developer's machine has.
const gcPercent = 400

func main() {
	debug.SetGCPercent(gcPercent)
	options, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := run
	switch {
	case options.Bench:
		do = bench
	case options.Soak > 0:
		do = soakFor
	}
	if err := do(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		if errors.Is(err, syscall.EADDRINUSE) {
			fmt.Fprintln(os.Stderr, `another program has a port of the stack; take free ones with -ports any (make run ARGS="-ports any")`)
		}
		os.Exit(1)
	}
}

// run starts the stack, seeds it, and shows what goes on until ctx ends.
func run(ctx context.Context, options Options) (err error) {
	stack, err := Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Close()) }()
	if err := stack.Configure(ctx); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- stack.nearExpiry(ctx) }()
	if err := watch(ctx, os.Stdout, stack); err != nil {
		return err
	}
	return <-failed
}

func parseFlags(args []string) (Options, error) {
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	options := DefaultOptions()
	ports := flags.String("ports", "default", "`default` ports, or any free ones")
	apps := flags.Int("apps", 0, fmt.Sprintf("how many applications the tenant has (0 is %d, %d with -bench, %d with -soak)", options.Apps, benchApps, soakApps))
	flags.BoolVar(&options.PerFunction, "per-function", false, "run one process for each function, as Flex Consumption does")
	flags.BoolVar(&options.Access, "access", false, "ask everybody who they are; access.json in the folder has what each of some people would present")
	flags.BoolVar(&options.Bench, "bench", false, "measure, print a table and end")
	flags.DurationVar(&options.Soak, "soak", 0, "for so long kill the handler, let everything go wrong, and see that nothing is lost")
	flags.Uint64Var(&options.Seed, "seed", uint64(time.Now().UnixNano()), "what decides, with -soak, what is asked and what goes wrong")
	flags.StringVar(&options.Dist, "dist", options.Dist, "the `folder` that make package filled")
	flags.StringVar(&options.Dir, "dir", options.Dir, "the `folder` for endpoints.json, ca.pem and the handler's log")
	flags.StringVar(&options.EntitiesFile, "servicebus-config", "", "a `file` with more Service Bus entities, in the official emulator's format")
	if err := flags.Parse(args); err != nil {
		return options, err
	}
	switch {
	case *apps != 0:
		options.Apps = *apps
	case options.Bench:
		options.Apps = benchApps
	case options.Soak > 0:
		options.Apps = soakApps
	}
	switch {
	case flags.NArg() > 0:
		return options, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *ports == "any":
		options.Ports, options.HostPort = anyPorts, 0
	case *ports != "default":
		return options, fmt.Errorf("-ports %q: must be default or any", *ports)
	case options.Apps < 1 || options.Apps > 10_000:
		return options, fmt.Errorf("-apps %d: must be from 1 to 10000", options.Apps)
	}
	return options, nil
}
