package functionshost_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
)

func (r *running) notify(t *testing.T, id string) int {
	t.Helper()
	resp, _ := r.send(t, "POST", webhook, `[{"id":"`+id+`"}]`, "aeg-event-type", "Notification")
	return resp.StatusCode
}

func TestHandlerEnvironmentAndLines(t *testing.T) {
	var dir string
	host := start(t, standard(), func(o *functionshost.Options) { dir = o.Dir })
	assert.Len(t, host.Pids(), 1)
	require.Eventually(t, func() bool { return strings.Contains(host.text(), "\n") }, 5*time.Second, time.Millisecond)
	assert.Regexp(t, "^handler started [0-9a-f-]{36} "+dir+" 0 0 3 \\* \\* \\*\n$", host.text())
}

func TestKillIsNoError(t *testing.T) {
	host := start(t, standard(), nil)
	before := host.Pids()
	for range 5 {
		host.Kill()
		require.Eventually(t, func() bool { return host.notify(t, "1") == http.StatusAccepted }, 10*time.Second, time.Millisecond)
	}
	assert.NotEqual(t, before, host.Pids())
}

func TestExitCodes(t *testing.T) {
	t.Run("200 is a restart", func(t *testing.T) {
		host := start(t, standard(), nil)
		for range 4 {
			assert.Equal(t, http.StatusInternalServerError, host.notify(t, "do:again"))
			assert.Equal(t, http.StatusAccepted, host.notify(t, "1"))
		}
	})
	t.Run("0 is the end of the handler", func(t *testing.T) {
		host := start(t, standard(), nil)
		assert.Equal(t, http.StatusInternalServerError, host.notify(t, "do:exit0"))
		assert.Equal(t, http.StatusInternalServerError, host.notify(t, "1"))
		assert.NoError(t, host.Err())
	})
	t.Run("three errors are the end of the host", func(t *testing.T) {
		host := start(t, standard(), nil)
		host.notify(t, "do:exit7")
		host.notify(t, "do:exit7")
		assert.Equal(t, http.StatusAccepted, host.notify(t, "1"))
		http.Post("http://"+host.Addr()+"/admin/functions/nearexpiry", "", strings.NewReader(`{"input":"{\"id\":\"do:exit7\"}"}`))
		<-host.Done()
		assert.EqualError(t, host.Err(), "functionshost: handler failed 3 times, last with exit status 7")
	})
}

func TestAHandlerThatNeverStarts(t *testing.T) {
	_, err := functionshost.Start(t.Context(), functionshost.Options{
		Dir: dist(t, standard()), Settings: map[string]string{"Schedule": "0 0 3 * * *"},
		Env: []string{"TEST_CUSTOM_HANDLER=1", "TEST_EXIT=3"},
	})
	assert.ErrorContains(t, err, "handler failed 3 times, last with exit status 3")
}

func TestFunctionTimeoutKillsTheProcess(t *testing.T) {
	for _, word := range []string{"hang", "empty", "null"} {
		t.Run(word, func(t *testing.T) {
			files := standard()
			files["host.json"] = strings.Replace(hostJSON, "00:00:20", "00:00:00.2", 1)
			host := start(t, files, nil)
			pid := host.Pids()
			assert.Equal(t, http.StatusInternalServerError, host.notify(t, "do:"+word))
			assert.Equal(t, http.StatusAccepted, host.notify(t, "1"))
			assert.NotEqual(t, pid, host.Pids())
		})
	}
}

func TestPerFunctionProcesses(t *testing.T) {
	host := start(t, standard(), func(o *functionshost.Options) { o.PerFunction = true })
	assert.Len(t, host.Pids(), 3, "one for HTTP, one for each trigger")
	host.notify(t, "1")
	event := host.next(t).PID
	host.send(t, "GET", "/", "")
	page := host.next(t).PID
	host.send(t, "GET", "/api/x", "")
	assert.Equal(t, page, host.next(t).PID)
	assert.NotEqual(t, page, event)
	assert.Contains(t, host.Pids(), event)
}

func TestTheHostEndsWithItsContext(t *testing.T) {
	host := start(t, standard(), nil)
	pid := host.Pids()[0]
	host.Stop()
	<-host.Done()
	assert.NoError(t, host.Err())
	assert.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	_, err := http.Get("http://" + host.Addr())
	assert.Error(t, err)
}
