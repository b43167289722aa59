package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// journal stands between the handler and its tables. Once armed it counts what
// is written, lets the chosen write take effect, and kills the handler before the
// answer gets there.
type journal struct {
	left  atomic.Int64 // writes until the kill; not armed below 1
	where atomic.Value // the write that was the last
	kill  func()
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Method == http.MethodGet || j.left.Add(-1) != 0 {
		next.ServeHTTP(w, r)
		return
	}
	j.where.Store(r.Method + " " + r.URL.Path)
	next.ServeHTTP(discard{http.Header{}}, r)
	j.kill()
	panic(http.ErrAbortHandler)
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// between serves the journal on a port and returns the connection string that
// leads through it. A shared key signs the path and not the address.
func (j *journal) between(t *testing.T, connection string) string {
	t.Helper()
	address := regexp.MustCompile(`http://[0-9.:]+`).FindString(connection)
	target, err := url.Parse(address)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { j.ServeHTTP(w, r, proxy) })}
	listener := listen(t)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return strings.ReplaceAll(connection, address, "http://"+listener.Addr().String())
}

// TestTheHandlerIsKilledAfterEachJournalStep rotates an application by hand once
// for each write that a rotation makes, with SIGKILL after that write, and wants
// each rotation to complete with no orphan.
func TestTheHandlerIsKilledAfterEachJournalStep(t *testing.T) {
	t.Parallel() // it waits most of the time
	j := &journal{}
	s := startStack(t, func(o *Options) {
		o.Apps = 1
		o.Settings["REKEY_CALL_TIMEOUT"] = "1s"
		o.Tables = func(connection string) string { return j.between(t, connection) }
	})
	j.kill = s.Host.Kill
	app := s.manage(t, 0, fast(nil), rbacVault)
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	foreign := s.Tenant.Apps[0].Passwords[0].KeyID

	steps := 0
	for n := int64(1); ; n++ {
		before := s.latest(t, app).ID
		j.where.Store("")
		j.left.Store(n)
		s.askUntilAccepted(t, app, fmt.Sprintf("kill-%d", n))
		eventually(t, "a new rotation", func() bool { return s.latest(t, app).ID != before })
		r := s.done(t, s.latest(t, app).ID)
		killed := j.where.Load().(string)
		j.left.Store(0)
		if killed == "" {
			break
		}
		steps++
		t.Logf("killed after write %d, %s", n, killed)
		now, _ := s.Azure.Directory.ApplicationByAppID(app, 0)
		var keys []string
		for _, p := range now.Passwords {
			keys = append(keys, p.KeyID)
		}
		assert.ElementsMatch(t, []string{foreign, r.KeyID}, keys, "after a kill at write %d, %s", n, killed)
	}
	assert.Greater(t, steps, 10, "a rotation writes more often than that")
}
