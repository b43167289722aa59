package functionshost

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"
)

const (
	// errorThreshold errors stop the host, unless so much time lies between two that
	// the earlier ones are forgotten: HttpFunctionInvocationDispatcher of the real host.
	errorThreshold = 3
	errorMemory    = 30 * time.Minute
	// restartExitCode is how a handler asks to be started again.
	restartExitCode = 200
)

// errHandlerGone is the answer once the process has ended and stays down.
var errHandlerGone = errors.New("the handler has exited and is not started again")

// worker keeps one handler process alive, after the host's rules.
type worker struct {
	log     *slog.Logger
	command func(port string) *exec.Cmd

	mu       sync.Mutex
	current  *process      // never nil
	replaced chan struct{} // closed when current is replaced
	closed   bool
	errors   []time.Time
	reason   error         // why no process will be started any more; set before done is closed
	done     chan struct{} // closed once that is so
}

// startWorker starts the first process; it does not wait until that is ready.
func startWorker(log *slog.Logger, command func(port string) *exec.Cmd) (*worker, error) {
	w := &worker{log: log, command: command, replaced: make(chan struct{}), done: make(chan struct{})}
	first, err := startProcess(w.command)
	if err != nil {
		return nil, err
	}
	w.current = first
	return w, nil
}

// supervise waits for processes to end and starts the next ones. It returns why the
// host has to stop, or nil if the handler is to stay down.
func (w *worker) supervise() (err error) {
	defer func() {
		w.reason = cmp.Or(err, errHandlerGone)
		close(w.done)
	}()
	for p := w.current; ; {
		_ = p.cmd.Wait()
		close(p.exited)
		p.client.CloseIdleConnections()
		again, err := w.ended(p)
		if !again {
			return err
		}
		next, err := w.restart()
		if err != nil || next == nil {
			return err
		}
		p = next
	}
}

// ended judges a process's end: https://github.com/Azure/azure-functions-host,
// HttpWorkerProcess.HandleWorkerProcessExitError and HttpFunctionInvocationDispatcher.
func (w *worker) ended(p *process) (again bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	code := p.cmd.ProcessState.ExitCode()
	w.log.Info("handler ended", "pid", p.cmd.Process.Pid, "state", p.cmd.ProcessState.String())
	switch {
	case w.closed:
		return false, nil
	case p.expected || code == restartExitCode:
		return true, nil
	case code == 0:
		return false, nil
	}
	now := time.Now()
	if n := len(w.errors); n > 0 && now.Sub(w.errors[n-1]) > errorMemory {
		w.errors = nil
	}
	w.errors = append(w.errors, now)
	if len(w.errors) >= errorThreshold {
		return false, fmt.Errorf("functionshost: handler failed %d times, last with %s", len(w.errors), p.cmd.ProcessState)
	}
	return true, nil
}

// restart starts the next process, unless the worker was closed meanwhile.
func (w *worker) restart() (*process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, nil
	}
	next, err := startProcess(w.command)
	if err != nil {
		return nil, err
	}
	close(w.replaced)
	w.current, w.replaced = next, make(chan struct{})
	return next, nil
}

// await returns the process that takes calls, waiting for one that is starting.
func (w *worker) await() (*process, error) {
	for {
		w.mu.Lock()
		p, replaced := w.current, w.replaced
		w.mu.Unlock()
		select {
		case <-p.exited:
		case <-p.ready:
			if !isClosed(p.exited) {
				return p, nil
			}
		}
		select {
		case <-replaced:
		case <-w.done:
			return nil, w.reason
		}
	}
}

// kill ends the current process; it is started again and that counts as no error.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.killProcess(w.current)
}

// killIf ends this process, if it has not been replaced already.
func (w *worker) killIf(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == p {
		w.killProcess(p)
	}
}

func (w *worker) killProcess(p *process) {
	p.expected = true
	_ = p.cmd.Process.Kill() // fails only if it is gone already
}

// close ends the process for good and waits until it is gone.
func (w *worker) close() {
	w.mu.Lock()
	w.closed = true
	w.killProcess(w.current)
	w.mu.Unlock()
	<-w.done
}

func (w *worker) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current.cmd.Process.Pid
}
