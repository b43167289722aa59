package functionshost_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the custom handler of its own tests.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_CUSTOM_HANDLER") != "" {
		serveAsHandler()
		return
	}
	os.Exit(m.Run())
}

// request is what the handler saw; it prints one as a line for every call.
type request struct {
	PID    int
	Method string
	URI    string
	Host   string
	Header http.Header
	Body   string
}

// serveAsHandler answers as the body asks it to: "do:" and a word.
func serveAsHandler() {
	fmt.Fprintln(os.Stderr, "handler started", os.Getenv("FUNCTIONS_CUSTOMHANDLER_WORKER_ID"), os.Getenv("FUNCTIONS_APP_ROOT_PATH"), os.Getenv("Schedule"))
	if code, err := strconv.Atoi(os.Getenv("TEST_EXIT")); err == nil {
		os.Exit(code)
	}
	address := "127.0.0.1:" + os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT")
	err := http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Azure-Functions-InvocationId") == "" {
			return // the probe
		}
		body, _ := io.ReadAll(r.Body)
		line, _ := json.Marshal(request{os.Getpid(), r.Method, r.RequestURI, r.Host, r.Header, string(body)})
		fmt.Println(string(line))
		obey(w, r, string(body))
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func obey(w http.ResponseWriter, r *http.Request, body string) {
	query, _ := url.QueryUnescape(r.URL.RawQuery)
	answer := `{"Outputs":{},"Logs":["done"],"ReturnValue":null}`
	for word, act := range map[string]func(){
		"fail":   func() { w.WriteHeader(http.StatusInternalServerError) },
		"html":   func() { w.Header().Set("Content-Type", "text/html"); io.WriteString(w, answer) },
		"empty":  func() { w.WriteHeader(http.StatusOK) },
		"null":   func() { w.Header().Set("Content-Type", "application/json"); io.WriteString(w, "null") },
		"hang":   func() { time.Sleep(time.Hour) },
		"slow":   func() { time.Sleep(50 * time.Millisecond); io.WriteString(w, "slow") },
		"exit0":  func() { os.Exit(0) },
		"exit7":  func() { os.Exit(7) },
		"again":  func() { os.Exit(200) },
		"answer": func() { w.Header().Set("Content-Type", "application/json"); io.WriteString(w, httpAnswer) },
	} {
		if strings.Contains(body+query, "do:"+word) {
			act()
			return
		}
	}
	if r.Method != http.MethodPost || strings.HasPrefix(r.URL.Path, "/api/") {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusSeeOther)
		io.WriteString(w, "page")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	io.WriteString(w, answer)
}

const httpAnswer = `{"Outputs":{"res":{"statusCode":"201","headers":{"X-Kind":"envelope"},"body":"created"}},"Logs":[],"ReturnValue":null}`
