package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim"
)

// What the figures are compared with.
const (
	wantRotations = 100.0 // a second
	wantCalls     = 1.2   // times the minimum
	wantStart     = 50 * time.Millisecond
	wantMemory    = 64 << 20
)

// benchApps keep the system busy for long enough that the rate is a steady one:
// a few are done before all of its parts have anything to do.
const benchApps = 300

// leastCalls is the minimum that the APIs allow for one rotation of a secret to
// one vault, from the request to the retirement of the old secret.
var leastCalls = []struct {
	what  string
	count int
}{
	{"Graph: read the application before the new password", 1},
	{"Graph: addPassword", 1},
	{"Key Vault: stage it", 1},
	{"Entra ID: tokens in a row", 3},
	{"Key Vault: read the staged copy to deliver it", 1},
	{"Key Vault: write the target's version", 1},
	{"Graph: read the application before the old password goes", 1},
	{"Graph: removePassword", 1},
	{"Key Vault: delete the old staged copy", 1},
}

// bench measures the packaged handler on an Azure without latency and limits,
// with the shipped host.json, and prints its tables.
func bench(ctx context.Context, o Options) error {
	if err := benchRotations(ctx, o); err != nil {
		return err
	}
	return benchInventory(ctx, o)
}

func benchRotations(ctx context.Context, o Options) error {
	o.Latency, o.Ports, o.HostPort = azuresim.Latency{}, anyPorts, 0
	o.Settings = map[string]string{"REKEY_EVENTGRID_TOPIC_ENDPOINT": "", "REKEY_SWEEP_SCHEDULE": "* * * * * *", "REKEY_INVENTORY_SCHEDULE": onceAYear}
	s, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	start, err := s.startTime(ctx)
	if err != nil {
		return err
	}
	atRest := s.memory()
	if err := s.warmUp(ctx); err != nil {
		return err
	}
	load, err := s.load(ctx)
	if err != nil {
		return err
	}
	least := 0
	for _, c := range leastCalls {
		least += c.count
	}
	fmt.Printf("%d applications, one Key Vault each, every wait for Azure at zero\n\n", len(s.Tenant.Apps))
	report("rotations per second", fmt.Sprintf("%.0f", load.rate), fmt.Sprintf("at least %.0f", wantRotations), load.rate >= wantRotations)
	report("outside calls per rotation", fmt.Sprintf("%.2f", load.calls),
		fmt.Sprintf("at most %.1f (%.1f x %d)", wantCalls*float64(least), wantCalls, least), load.calls <= wantCalls*float64(least))
	report("exec to first answer", start.Round(100*time.Microsecond).String(), "at most "+wantStart.String(), start <= wantStart)
	report("resident memory at rest", mib(atRest), "at most "+mib(wantMemory), atRest <= wantMemory)
	report("resident memory under load", mib(load.memory), "at most "+mib(wantMemory), load.memory <= wantMemory)
	load.printCPU()
	fmt.Printf("\nthe least outside calls of one rotation:\n")
	for _, c := range leastCalls {
		fmt.Printf("  %d  %s\n", c.count, c.what)
	}
	return s.benchDeliveries(ctx)
}

func report(what, got, want string, ok bool) {
	verdict := "reached"
	if !ok {
		verdict = "missed"
	}
	fmt.Printf("%-28s %12s   %-24s %s\n", what, got, want, verdict)
}

func mib(bytes int) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// warmUp configures every application and waits for its first rotation.
func (s *Stack) warmUp(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.await(ctx, "completed", len(s.Tenant.Apps), nil) }()
	err := s.everyApp(ctx, func(ctx context.Context, _ int, path string) error {
		if err := s.call(ctx, http.MethodPut, path, policies(benchPolicy)); err != nil {
			return err
		}
		return s.call(ctx, http.MethodPut, path+"/targets/vault", map[string]any{
			"integration": "keyvault", "kind": "secret", "enabled": true,
			"settings": map[string]any{"vault": rbacVault, "grant": "none"},
		})
	})
	if err != nil {
		return err
	}
	return <-done
}

// benchPolicy keeps to the defaults but for the overlap.
var benchPolicy = map[string]any{"enabled": true, "overlapHours": inHours(time.Second)}

// loadResult is what one rotation of every application took.
type loadResult struct {
	rate   float64 // rotations completed per second
	memory int     // the most that the handler had resident, in bytes

	// Each of these is per rotation, its retirement included.
	calls                    float64
	handlerCPU, simulatorCPU time.Duration
}

// load asks for one rotation of every application and waits until all have
// completed and all old secrets are gone.
func (s *Stack) load(ctx context.Context) (r loadResult, err error) {
	before, err := s.totalCalls(ctx)
	if err != nil {
		return r, err
	}
	handler, simulator := cpuTime(s.Host.Pids()...), cpuTime(os.Getpid())
	apps := len(s.Tenant.Apps)
	retired := make(chan error, 1)
	var finished time.Time
	go func() {
		retired <- s.await(ctx, "retired", apps, func(what string, count int) {
			r.memory = max(r.memory, s.memory())
			if what == "completed" && count == apps {
				finished = time.Now()
			}
		})
	}()
	began := time.Now()
	err = s.everyApp(ctx, func(ctx context.Context, _ int, path string) error {
		return s.call(ctx, http.MethodPost, path+"/rotations", map[string]any{"kind": "secret"})
	})
	if err != nil {
		return r, err
	}
	if err := <-retired; err != nil {
		return r, err
	}
	r.rate = float64(apps) / finished.Sub(began).Seconds()
	r.handlerCPU = (cpuTime(s.Host.Pids()...) - handler) / time.Duration(apps)
	r.simulatorCPU = (cpuTime(os.Getpid()) - simulator) / time.Duration(apps)
	after, err := s.totalCalls(ctx)
	r.calls = float64(after-before) / float64(apps)
	return r, err
}

// printCPU tells what the rate is made of. Other programs on the same cores slow
// the rate down and leave these figures nearly as they are.
func (r loadResult) printCPU() {
	fmt.Printf("\nCPU time per rotation and its retirement, of %d cores:\n", runtime.NumCPU())
	for _, part := range []struct {
		who  string
		time time.Duration
	}{
		{"the handler", r.handlerCPU},
		{"this process: the simulated Azure, the Functions host and the bench", r.simulatorCPU},
	} {
		fmt.Printf("  %5.1f ms  %s\n", part.time.Seconds()*1000, part.who)
	}
	alone := float64(runtime.NumCPU()) / r.handlerCPU.Seconds()
	fmt.Printf("  with all cores to itself, as in Azure, the handler would do %.0f rotations per second\n", alone)
}

// await counts the log's lines until there are so many of one word.
func (s *Stack) await(ctx context.Context, word string, want int, each func(what string, count int)) error {
	counts := map[string]int{}
	patience := time.NewTimer(5 * time.Minute)
	for counts[word] < want {
		select {
		case e := <-s.feed.entries:
			counts[e.What]++
			if each != nil && (counts[e.What] == want || counts[e.What]%50 == 0) {
				each(e.What, counts[e.What])
			}
		case <-patience.C:
			return fmt.Errorf("only %d of %d applications are %s", counts[word], want, word)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *Stack) totalCalls(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoints.Proxy+"/sim/calls", nil)
	if err != nil {
		return 0, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var calls struct{ Total int }
	return calls.Total, json.NewDecoder(response.Body).Decode(&calls)
}

// memory is what the handler's processes have resident, in bytes.
func (s *Stack) memory() (bytes int) {
	for _, pid := range s.Host.Pids() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if fields := strings.Fields(string(status)); err == nil && len(fields) > 1 {
			pages, _ := strconv.Atoi(fields[1])
			bytes += pages * os.Getpagesize()
		}
	}
	return bytes
}

// clockTick is the unit in which Linux counts processes' CPU time for readers.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
const clockTick = 10 * time.Millisecond

// cpuTime is how long the processes have kept a core busy so far.
func cpuTime(pids ...int) (total time.Duration) {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, afterName, ok := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(afterName); err == nil && ok && len(fields) > 12 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			total += time.Duration(user+system) * clockTick
		}
	}
	return total
}

// startTime is the median time from exec to the handler's first answer.
func (s *Stack) startTime(ctx context.Context) (time.Duration, error) {
	var times []time.Duration
	for range 9 {
		took, err := s.startOnce(ctx)
		if err != nil {
			return 0, err
		}
		times = append(times, took)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func (s *Stack) startOnce(ctx context.Context) (time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, s.options.Dist+"/rekey")
	command.Env = append(s.environment(), "FUNCTIONS_CUSTOMHANDLER_PORT="+port)
	for name, value := range s.settings() {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stdout, command.Stderr = io.Discard, os.Stderr
	began := time.Now()
	if err := command.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	for time.Since(began) < 10*time.Second {
		if response, err := s.client.Get("http://127.0.0.1:" + port + "/"); err == nil {
			_ = response.Body.Close()
			return time.Since(began), nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return 0, fmt.Errorf("the handler did not answer within 10 s")
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
