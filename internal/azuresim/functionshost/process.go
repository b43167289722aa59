package functionshost

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"time"
)

const (
	// probeInterval and startupTimeout: WorkerConstants of the real host.
	probeInterval  = 25 * time.Millisecond
	startupTimeout = 30 * time.Second
	// exitGrace is how long the end of a process may lag behind its connections' end.
	exitGrace = time.Second
)

// process is one life of the handler.
type process struct {
	cmd      *exec.Cmd
	address  string
	client   *http.Client
	ready    chan struct{} // closed when it has answered
	exited   chan struct{} // closed when it is gone
	expected bool          // we killed it; guarded by the worker's mutex
}

// startProcess starts the command on a port of its own and watches for the first
// answer.
func startProcess(command func(port string) *exec.Cmd) (*process, error) {
	port, err := unusedPort()
	if err != nil {
		return nil, fmt.Errorf("functionshost: find a port for the handler: %w", err)
	}
	p := &process{
		cmd:     command(port),
		address: net.JoinHostPort("127.0.0.1", port),
		client:  newClient(),
		ready:   make(chan struct{}),
		exited:  make(chan struct{}),
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("functionshost: start handler %q: %w", p.cmd.Path, err)
	}
	go p.probe()
	return p, nil
}

// newClient keeps connections open and follows and unpacks nothing.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func unusedPort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// probe asks for / until any answer comes; a process that gives none is killed.
func (p *process) probe() {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for deadline := time.Now().Add(startupTimeout); time.Now().Before(deadline); {
		resp, err := p.client.Get("http://" + p.address + "/")
		if err == nil {
			resp.Body.Close()
			close(p.ready)
			return
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return
		}
	}
	_ = p.cmd.Process.Kill()
}

func (p *process) send(ctx context.Context, x exchange) (reply, error) {
	req, err := x.request(ctx, p.address)
	if err != nil {
		return reply{}, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, content}, err
}

func (p *process) hang(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.exited:
		return errHandlerGone
	}
}

func (p *process) awaitExit() {
	select {
	case <-p.exited:
	case <-time.After(exitGrace):
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
