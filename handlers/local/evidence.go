package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/secretscan"
)

// evidence is everything that a run leaves behind where no secret may be, and the
// secrets that were made meanwhile. It is searched at the end, when all are known:
// a certificate's key is older than the first call that shows it.
type evidence struct {
	messages, calls, answers, processes *trail

	mu      sync.Mutex
	secrets secretscan.Scanner
	pems    map[string]string // the thumbprints of certificates, by the SHA-256 of their PEM
	err     error             // what kept a secret from being known
	tap     *tap
}

// gather has a stack that is about to start leave evidence in its folder.
func gather(o *Options) (*evidence, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	e := &evidence{pems: map[string]string{}}
	for name, into := range map[string]**trail{
		"messages.tap": &e.messages, "calls.txt": &e.calls, "answers.txt": &e.answers, "processes.txt": &e.processes,
	} {
		file, err := os.Create(filepath.Join(o.Dir, name))
		if err != nil {
			return nil, err
		}
		*into = &trail{file: file}
	}
	before := o.Azure
	o.Azure = func(a *azuresim.Azure) {
		if before != nil {
			before(a)
		}
		a.Cloud.Record(e.see)
	}
	o.Bus = func(connection string) string {
		tap, through, err := tapped(connection, e.messages)
		e.tap, e.err = tap, err
		return through
	}
	return e, nil
}

// of also keeps what the stack's API answers from now on.
func (e *evidence) of(s *Stack) {
	s.client.Transport = asProgram{s, &keeping{http.DefaultTransport, e.answers}}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = errors.Join(e.err, e.secrets.Add("the access token of Vercel", s.Tenant.places.token))
}

// see is told of every outside call.
func (e *evidence) see(x cloud.Exchange) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s https://%s%s\n", x.Request.Method, x.Request.Host, x.Request.URL.RequestURI())
	for name, values := range x.Request.Header {
		if name != "Authorization" {
			fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(values, ", "))
		}
	}
	if !carriesSecret(x.Request) {
		text.Write(append(x.Body, '\n'))
	}
	_, _ = e.calls.Write(text.Bytes())
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = errors.Join(e.err, e.learn(x))
}

// watch keeps the arguments and the environment of the handler's processes.
func (e *evidence) watch(pids []int) {
	for _, pid := range pids {
		for _, name := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err == nil { // else it has just been killed
				_, _ = e.processes.Write(append(text, '\n'))
			}
		}
	}
}

// leaks searches everything. The first result says where a secret was found.
func (e *evidence) leaks(s *Stack) (leaks []string, err error) {
	e.watch(s.Host.Pids())
	e.mu.Lock()
	defer e.mu.Unlock()
	err = errors.Join(e.err, e.knowsAll(s))
	for _, file := range []string{"handler.log", "messages.tap", "calls.txt", "answers.txt", "processes.txt"} {
		found, searchErr := e.searchFile(s.path(file))
		leaks, err = append(leaks, in(file, found)...), errors.Join(err, searchErr)
	}
	rows, rowsErr := json.Marshal(s.Azure.Tables.Dump())
	state, stateErr := s.simulated()
	leaks = append(append(leaks, in("a row", e.secrets.Find(rows))...), in("/sim/state", e.secrets.Find(state))...)
	err = errors.Join(err, rowsErr, stateErr)
	slices.Sort(leaks)
	return leaks, err
}

// simulated is what the simulator shows of itself: lifecycle events, the messages of
// scripts, the names and tags of everything.
func (s *Stack) simulated() ([]byte, error) {
	response, err := http.Get(s.Endpoints.Proxy + "/sim/state")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func (e *evidence) searchFile(name string) ([]secretscan.Finding, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: there is nothing in it to be searched", name))
	}
	return e.secrets.FindIn(file)
}

func in(where string, found []secretscan.Finding) (all []string) {
	for _, f := range found {
		all = append(all, where+": "+f.String())
	}
	return all
}

// Close ends the tap and the files.
func (e *evidence) Close() error {
	var errs []error
	if e.tap != nil {
		errs = append(errs, e.tap.Close())
	}
	for _, t := range []*trail{e.messages, e.calls, e.answers, e.processes} {
		errs = append(errs, t.file.Close())
	}
	return errors.Join(errs...)
}
