package functionshost

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// version is what the host calls itself in X-Azure-Functions-HostVersion.
const version = "4.1037.0.0"

// Options say which app to run, and where.
type Options struct {
	// Dir is the app's folder: host.json, */function.json and the executable.
	Dir string
	// Settings are the app settings. They resolve %SETTING% and connections, and
	// are part of the handler's environment.
	Settings map[string]string
	// Env is the rest of the handler's environment, as key=value. Nothing is
	// inherited from this process.
	Env []string
	// Address is where the host listens; empty means any port of 127.0.0.1.
	Address string
	// PerFunction starts one process for each function that is not HTTP, and one for
	// all that are, as Flex Consumption scales them.
	PerFunction bool
	// Stdout receives the handler's lines, those of its stderr too. Nil logs them.
	Stdout io.Writer
	Logger *slog.Logger // nil drops what it is told
	Clock  *clock.Clock // nil is the wall clock
}

// Host is a running Functions host. Its methods may be called from any goroutine.
type Host struct {
	app      app
	settings settings
	routes   []route
	log      *slog.Logger
	clock    *clock.Clock
	server   *http.Server
	listener net.Listener
	workers  []*worker
	serving  map[string]*worker // by function

	authentication authentication

	cancel  context.CancelFunc
	running sync.WaitGroup // starting, serving and the triggers
	ended   sync.WaitGroup // the supervision of workers
	once    sync.Once
	done    chan struct{}
	err     error // set before done is closed
}

// Start reads the app, starts its handler and returns once that answers. It fails if
// the app cannot be loaded or the handler does not come up. The host then runs until
// ctx ends, Stop is called, or the handler failed three times.
func Start(ctx context.Context, o Options) (*Host, error) {
	a, err := loadApp(o.Dir, o.Settings)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.New()
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	h := &Host{app: a, log: o.Logger, clock: o.Clock, settings: o.Settings, routes: a.httpRoutes(), serving: map[string]*worker{}, done: make(chan struct{})}
	h.server = &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug)}
	ctx, h.cancel = context.WithCancel(ctx)
	h.running.Add(1) // shutting down waits until starting has ended
	err = h.start(ctx, o)
	h.running.Done()
	if err != nil {
		h.shutDown(err)
		return nil, err
	}
	return h, nil
}

// start listens, brings the handler up and begins to serve; shutDown undoes it.
func (h *Host) start(ctx context.Context, o Options) (err error) {
	var config net.ListenConfig
	if h.listener, err = config.Listen(ctx, "tcp", o.Address); err != nil {
		return fmt.Errorf("functionshost: listen: %w", err)
	}
	err = h.startWorkers(o)
	context.AfterFunc(ctx, func() { h.shutDown(nil) })
	if err != nil {
		return err
	}
	for _, w := range h.workers {
		if _, err := w.await(); err != nil {
			return fmt.Errorf("functionshost: start handler %q: %w", h.app.executable, err)
		}
	}
	h.run(ctx)
	return nil
}

// startWorkers starts the processes, without waiting for their answers.
func (h *Host) startWorkers(o Options) error {
	environment := handlerEnvironment(h.app.dir, o)
	var stdout sync.Mutex
	for _, group := range groupFunctions(h.app.functions, o.PerFunction) {
		w, err := startWorker(h.log, h.app.command(environment, o, h.log, &stdout))
		if err != nil {
			return err
		}
		h.workers = append(h.workers, w)
		for _, f := range group {
			h.serving[f.name] = w
		}
		h.ended.Go(func() {
			if err := w.supervise(); err != nil {
				h.log.Error("host stops", "error", err)
				go h.shutDown(err) // which waits for this goroutine
			}
		})
	}
	return nil
}

// groupFunctions says which functions share a process.
func groupFunctions(all []function, perFunction bool) [][]function {
	if !perFunction {
		return [][]function{all}
	}
	var groups [][]function
	http := -1
	for _, f := range all {
		if f.http == nil {
			groups = append(groups, []function{f})
			continue
		}
		if http < 0 {
			http = len(groups)
			groups = append(groups, nil)
		}
		groups[http] = append(groups[http], f)
	}
	return groups
}

// run serves HTTP and fires the triggers until ctx ends.
func (h *Host) run(ctx context.Context) {
	h.running.Go(func() { _ = h.server.Serve(h.listener) })
	for _, f := range h.app.functions {
		if f.timer != nil {
			due := f.timer.schedule.next(h.clock.Now()) // as of the start, not of whenever the goroutine runs
			h.running.Go(func() { h.runTimer(ctx, f, due) })
		}
		if f.serviceBus != nil {
			h.running.Go(func() { h.runServiceBus(ctx, f) })
		}
	}
	h.log.Info("host started", "address", h.Addr(), "functions", len(h.app.functions))
}

// shutDown ends everything, once; the first reason counts.
func (h *Host) shutDown(reason error) {
	h.once.Do(func() {
		h.cancel()
		h.server.Close()
		if h.listener != nil {
			h.listener.Close() // the server does not know it before it serves
		}
		var closing sync.WaitGroup
		for _, w := range h.workers {
			closing.Go(w.close)
		}
		closing.Wait()
		h.ended.Wait()
		h.running.Wait()
		h.err = reason
		close(h.done)
	})
}

// Addr is the address that the host listens on.
func (h *Host) Addr() string { return h.listener.Addr().String() }

// Pids are the process ids of the handler's current processes.
func (h *Host) Pids() []int {
	var pids []int
	for _, w := range h.workers {
		pids = append(pids, w.pid())
	}
	slices.Sort(pids)
	return pids
}

// Kill ends the handler's processes with SIGKILL, with all that is in flight. They
// are started again, and that counts as no error.
func (h *Host) Kill() {
	for _, w := range h.workers {
		w.kill()
	}
}

// Stop ends the handler and the host, and waits until both are gone.
func (h *Host) Stop() {
	h.shutDown(nil)
	<-h.done
}

// Done is closed when the host has ended.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err says why the host ended: nil if it was told to, or if it still runs.
func (h *Host) Err() error {
	if !isClosed(h.done) {
		return nil
	}
	return h.err
}
