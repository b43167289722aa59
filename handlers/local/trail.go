package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// trail is one file of evidence.
type trail struct {
	mu   sync.Mutex
	file *os.File
}

// Write implements io.Writer.
func (t *trail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.file.Write(p)
}

// keeping keeps what is answered.
type keeping struct {
	next http.RoundTripper
	kept io.Writer
}

func (k *keeping) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := k.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s: %s\n%v\n%s\n", r.Method, r.URL, response.Status, response.Header, body)
	_, _ = k.kept.Write(text.Bytes())
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}
