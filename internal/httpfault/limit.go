package httpfault

import (
	"errors"
	"io"
	"net/http"
)

// largest is how much of an answer is read: more than a page of any list takes.
const largest = 8 << 20

// ErrTooLarge says that an answer goes on beyond what is read of any.
var ErrTooLarge = errors.New("the answer is larger than 8 MiB")

// ReadAll reads an answer's body to its end.
func ReadAll(body io.Reader) ([]byte, error) {
	return io.ReadAll(&limited{Reader: body, left: largest})
}

// Bounded is a transport for clients that would read an answer of any length. Beyond
// what is read of any answer they meet ErrTooLarge.
func Bounded(next http.RoundTripper) http.RoundTripper { return bounded{next} }

type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = Limit(response.Body)
	}
	return response, err
}

// Limit ends an answer's body with ErrTooLarge beyond what is read of any.
func Limit(body io.ReadCloser) io.ReadCloser {
	return &limited{Reader: body, Closer: body, left: largest}
}

type limited struct {
	io.Reader
	io.Closer
	left int
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p[:min(len(p), l.left+1)])
	if n > l.left {
		return l.left, ErrTooLarge
	}
	l.left -= n
	return n, err
}
