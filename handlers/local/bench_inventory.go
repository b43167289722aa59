package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// benchRegistrations is how many app registrations a large tenant has, each with two
// secrets and an owner.
const (
	benchRegistrations = 100_000
	benchOwners        = 5_000
	benchChanges       = 10
)

// leastInventory is what the APIs allow at the least: an empty page first, then pages
// of a hundred, and owners in batches of twenty.
const leastInventory = 1 + benchRegistrations/100 + benchRegistrations/20

// benchInventory measures the first synchronization of a large tenant, and one with a
// few changes, on a stack of its own.
func benchInventory(ctx context.Context, o Options) error {
	o.Apps, o.Latency, o.Ports, o.HostPort = 1, azuresim.Latency{}, anyPorts, 0
	o.Settings = map[string]string{"REKEY_EVENTGRID_TOPIC_ENDPOINT": "", "REKEY_SWEEP_SCHEDULE": onceAYear, "REKEY_INVENTORY_SCHEDULE": onceAYear}
	s, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	apps := s.manyRegistrations()
	fmt.Printf("\nthe inventory of %d app registrations with two secrets each:\n", benchRegistrations)
	first, err := s.measureInventory(ctx)
	if err != nil {
		return err
	}
	first.print("first synchronization", leastInventory)
	for n := range benchChanges {
		app := apps[n*len(apps)/benchChanges]
		app.Passwords = app.Passwords[:1]
		s.Azure.Directory.PutApplication(app)
	}
	delta, err := s.measureInventory(ctx)
	if err != nil {
		return err
	}
	delta.print(fmt.Sprintf("%d changes", benchChanges), 2)
	took, err := s.dueTime(ctx)
	fmt.Printf("%-28s %12s\n", "a page of what ends soon", took.Round(time.Millisecond))
	return err
}

// manyRegistrations fills the tenant. Nobody signs in with what is registered: the
// secrets are dates and no values.
func (s *Stack) manyRegistrations() (apps []entra.Application) {
	directory, now := s.Azure.Directory, s.Azure.Clock.Now()
	owners := make([]string, benchOwners)
	for n := range owners {
		owners[n] = directory.AddUser(entra.User{DisplayName: fmt.Sprintf("Person %d", n)}).ObjectID
	}
	for n := range benchRegistrations {
		end := now.Add(time.Duration(n%700) * 24 * time.Hour)
		apps = append(apps, directory.AddApplication(entra.Application{
			DisplayName: fmt.Sprintf("Registration %d", n), Owners: owners[n%benchOwners : n%benchOwners+1],
			Passwords: []entra.Password{
				{KeyID: benchKeyID(2 * n), DisplayName: "by hand", Start: end.AddDate(-1, 0, 0), End: end},
				{KeyID: benchKeyID(2*n + 1), DisplayName: "by hand", Start: end.AddDate(-1, 0, 0), End: end.AddDate(0, 6, 0)},
			},
		}))
	}
	return apps
}

func benchKeyID(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", n) }

// inventoryResult is what one synchronization took.
type inventoryResult struct {
	took, handlerCPU time.Duration
	calls            int
	memory           int
}

func (r inventoryResult) print(what string, least int) {
	fmt.Printf("%-28s %12s\n", what, r.took.Round(time.Millisecond))
	report("  calls of Graph", fmt.Sprint(r.calls), fmt.Sprintf("at most %.0f (%.1f x %d)", wantCalls*float64(least), wantCalls, least), float64(r.calls) <= wantCalls*float64(least))
	fmt.Printf("%-28s %12s\n", "  the handler's CPU time", r.handlerCPU.Round(clockTick))
	report("  the handler's most memory", mib(r.memory), "at most "+mib(wantMemory), r.memory <= wantMemory)
}

// measureInventory fires the timer, as often as it takes, until the inventory is as
// of now. To fire it while it works does nothing.
func (s *Stack) measureInventory(ctx context.Context) (r inventoryResult, err error) {
	calls, err := s.totalCalls(ctx)
	if err != nil {
		return r, err
	}
	cpu, began := cpuTime(s.Host.Pids()...), time.Now()
	var fired time.Time
	for ended := fired; !ended.After(began); time.Sleep(20 * time.Millisecond) {
		if time.Since(fired) > time.Second {
			if err := s.fireTimer(ctx, "inventory"); err != nil {
				return r, err
			}
			fired = time.Now()
		}
		r.memory = max(r.memory, s.memory())
		if ended, err = s.inventoryEnded(ctx); err != nil {
			return r, err
		}
	}
	after, err := s.totalCalls(ctx)
	r.took, r.calls, r.handlerCPU = time.Since(began), after-calls, cpuTime(s.Host.Pids()...)-cpu
	return r, err
}

// inventoryEnded is when the last synchronization ended.
func (s *Stack) inventoryEnded(ctx context.Context) (time.Time, error) {
	var page struct{ Freshness struct{ Ended time.Time } }
	err := s.get(ctx, "/api/inventory?limit=1", &page)
	return page.Freshness.Ended, err
}

// dueTime is how long a page of a hundred takes of what ends soon.
func (s *Stack) dueTime(ctx context.Context) (time.Duration, error) {
	var page struct{ Items []struct{ AppID string } }
	began := time.Now()
	err := s.get(ctx, "/api/inventory?expiresWithin=30d&managed=false", &page)
	if err == nil && len(page.Items) != 100 {
		err = fmt.Errorf("a page of what ends soon has %d items, not 100", len(page.Items))
	}
	return time.Since(began), err
}

// fireTimer calls a timer's function as an administrator of the host does.
func (s *Stack) fireTimer(ctx context.Context, function string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoints.Host+"/admin/functions/"+function, strings.NewReader(`{"input":""}`))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("fire %s: %s", function, answer.Status)
	}
	return nil
}
