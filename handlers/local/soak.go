package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// The soak is the real thing, killed: the packaged handler under the simulated
// Functions host rotates the credentials of many applications while persons ask for
// things, the handler is killed with SIGKILL every second or so, and every service
// cuts connections, loses answers after their effect, throttles and is slow. Then
// nothing goes wrong any more, everything comes to rest, and what is left is held
// against the promises of a rotation.
//
// The seed decides what is asked, when the handler is killed and what goes wrong. How
// real processes interleave it cannot decide, so a run is never repeated exactly.

const (
	soakApps = 1000
	// mostSweeps is how many sweeps everything may take to come to rest. A wake-up
	// that was sent and lost is sent again after five minutes, and an ended
	// message's lock is kept for one.
	mostSweeps = 240
	sweepEvery = 2 * time.Second
)

// soak is one run.
type soak struct {
	*Stack
	evidence *evidence
	out      io.Writer
	apps     []*managed
	shared   shared

	mu       sync.Mutex
	kills    int
	accepted []request
	refused  int
	gaveUp   int // no answer within a person's patience
	givenUp  int // messages, each killed ten times
	broken   []broken
	sweeps   int    // until everything was at rest
	last     string // what was waited for last
}

// broken is one promise that was not kept.
type broken struct {
	promise         int
	app             string
	found, expected string
}

func (s *soak) breaks(promise int, app, expected, found string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, broken{promise, app, fmt.Sprintf(found, args...), expected})
}

// errBroken says that the report lists what is wrong.
var errBroken = errors.New("a promise is broken")

// soakFor is the command: it prints the report and fails if a promise is broken.
func soakFor(ctx context.Context, o Options) error {
	o.Ports, o.HostPort = anyPorts, 0
	s, err := startSoak(ctx, o, os.Stdout)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.run(ctx); err != nil {
		return err
	}
	s.report()
	if len(s.broken) > 0 {
		return errBroken
	}
	return nil
}

// startSoak starts a stack with everything that the soak needs.
func startSoak(ctx context.Context, o Options, out io.Writer) (*soak, error) {
	o.Latency = soakLatency()
	o.Settings = map[string]string{
		"REKEY_CALL_TIMEOUT": "3s", "REKEY_INVENTORY_SCHEDULE": onceAYear, "REKEY_SWEEP_SCHEDULE": fmt.Sprintf("*/%d * * * * *", int(sweepEvery.Seconds())),
	}
	evidence, err := gather(&o)
	if err != nil {
		return nil, err
	}
	stack, err := Start(ctx, o)
	if err != nil {
		return nil, errors.Join(err, evidence.Close())
	}
	evidence.of(stack)
	s := &soak{Stack: stack, evidence: evidence, out: out, shared: shared{ran: map[string]int{}}}
	stack.Tenant.places.onRun = s.shared.onRun
	if err := s.populate(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the stack and the evidence.
func (s *soak) Close() error { return errors.Join(s.Stack.Close(), s.evidence.Close()) }

// run is the whole: peace, storm, quiet, judgement.
func (s *soak) run(ctx context.Context) error {
	fmt.Fprintf(s.out, "soak: seed %d, %d applications, %s of storm, evidence in %s\n",
		s.options.Seed, len(s.apps), s.options.Soak, s.options.Dir)
	began := time.Now()
	if err := s.configureAll(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "soak: configured in %s\n", time.Since(began).Round(time.Second))
	if err := s.storm(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "soak: %d kills, %d requests accepted; quiet now\n", s.kills, len(s.accepted))
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := s.awaitRest(ctx); err != nil {
		return err
	}
	return s.judge(ctx)
}

// storm lets everything happen at once for a while.
func (s *soak) storm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Soak)
	defer cancel()
	var all errgroup.Group
	all.Go(func() error { return s.kill(ctx, s.chance(1)) })
	all.Go(func() error { return s.weather(ctx, s.chance(2)) })
	all.Go(func() error { return s.inspect(ctx) })
	for n := range persons {
		all.Go(func() error { return s.person(ctx, s.chance(10+uint64(n))) })
	}
	err := all.Wait()
	return errors.Join(err, s.clearSky(context.WithoutCancel(ctx)))
}

// pause waits; false says that ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
