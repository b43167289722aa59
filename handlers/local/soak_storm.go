package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/azuresim/tables"
)

// chance is a source of chance of its own for each who needs one.
func (s *soak) chance(who uint64) *rand.Rand { return rand.New(rand.NewPCG(s.options.Seed, who)) }

// between draws a time.
func between(chance *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(chance.Int64N(int64(high-low)))
}

// kill kills the handler every second or so. The host starts it again.
func (s *soak) kill(ctx context.Context, chance *rand.Rand) error {
	for pause(ctx, between(chance, 300*time.Millisecond, 2*time.Second)) {
		if err := s.alive(); err != nil {
			return err
		}
		s.evidence.watch(s.Host.Pids())
		s.Host.Kill()
		s.mu.Lock()
		s.kills++
		s.mu.Unlock()
	}
	return nil
}

// alive fails once the host has given the handler up.
func (s *soak) alive() error {
	select {
	case <-s.Host.Done():
		return fmt.Errorf("the Functions host has ended: %w", s.Host.Err())
	default:
		return nil
	}
}

// The hosts whose calls misbehave.
var hosts = []string{
	"login.microsoftonline.com", "graph.microsoft.com", "management.azure.com", "*.vault.azure.net", stagingVault + ".vault.azure.net",
	"*.eventgrid.azure.net", "dev.azure.com", "api.vercel.com", "localhost",
}

// weather changes what goes wrong every few seconds: at each host something of its
// own, with breaks in which all is well.
func (s *soak) weather(ctx context.Context, chance *rand.Rand) error {
	for ctx.Err() == nil {
		rules := []cloud.Fault{}
		for _, host := range hosts {
			if chance.IntN(3) > 0 {
				rules = append(rules, fault(chance, host))
			}
		}
		if err := s.setFaults(ctx, rules); err != nil && ctx.Err() == nil {
			return err
		}
		s.Azure.Tables.SetFaults(tables.Faults{
			Cut: share(chance), Busy: share(chance), TimedOut: share(chance), BusyAfter: share(chance),
			TimedOutAfter: share(chance), LoseAnswer: share(chance), RetryAfter: 50 * time.Millisecond,
		})
		s.Azure.Bus.SetFaults(servicebus.Faults{Cut: share(chance) / 4, Busy: share(chance), LoseAnswer: share(chance) / 4})
		if chance.IntN(10) == 0 {
			s.Azure.Bus.CutConnections()
		}
		pause(ctx, between(chance, time.Second, 4*time.Second))
	}
	return nil
}

// share is that of a store's requests which go wrong: often none, at most two in a hundred.
func share(chance *rand.Rand) float64 { return max(0, chance.Float64()*0.03-0.01) }

// fault is how one host misbehaves for a while. Once in a while it is out of reach.
func fault(chance *rand.Rand, host string) cloud.Fault {
	rate := 0.02 + 0.2*chance.Float64()
	if chance.IntN(15) == 0 {
		rate = 1
	}
	f := cloud.Fault{Host: host, Rate: &rate}
	switch chance.IntN(6) {
	case 0:
		f.Cut = true
	case 1, 2:
		f.Lose = true
	case 3:
		f.Status, f.RetryAfter = http.StatusTooManyRequests, new(json.Number(fmt.Sprint(1+chance.IntN(3))))
	case 4:
		f.Status = http.StatusServiceUnavailable
	default:
		f.Latency = between(chance, 50*time.Millisecond, time.Second).Round(time.Millisecond).String()
	}
	return f
}

// setFaults puts rules through the simulator's face, as anybody would.
func (s *soak) setFaults(ctx context.Context, rules []cloud.Fault) error {
	text, err := json.Marshal(rules)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, s.Endpoints.Proxy+"/sim/faults", bytes.NewReader(text))
	if err != nil {
		return err
	}
	return fetch(http.DefaultClient, request, nil)
}

// clearSky ends everything that goes wrong.
func (s *soak) clearSky(ctx context.Context) error {
	s.Azure.Tables.SetFaults(tables.Faults{})
	s.Azure.Bus.SetFaults(servicebus.Faults{})
	return s.setFaults(ctx, []cloud.Fault{})
}
