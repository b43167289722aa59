package cloudtest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Tape records what services answer, and gives the same answers again. So a client can
// be fuzzed with one answer that is another, deep inside of what it does, without the
// time that a simulated service takes.
type Tape struct {
	next http.RoundTripper
	mu   sync.Mutex
	kept []kept
}

type kept struct {
	call   string
	answer Answer
}

// Answer is one answer of a service.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Endless sends blanks after the body, far more than anybody should read.
	Endless bool
}

// Record returns a tape of what is answered to whoever goes through it.
func Record(next http.RoundTripper) *Tape { return &Tape{next: next} }

// Says returns a transport that answers every call with the same.
func Says(a Answer) *Player { return (&Tape{}).Play(0, a) }

func callOf(r *http.Request) string { return r.Method + " " + r.URL.Host + r.URL.Path }

// RoundTrip implements http.RoundTripper.
func (t *Tape) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	a := Answer{Status: response.StatusCode, Header: response.Header, Body: body}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, kept{callOf(r), a})
	return a.response(r, nil), nil
}

// Len is how many answers there are.
func (t *Tape) Len() int { return len(t.kept) }

// Answer returns the nth answer.
func (t *Tape) Answer(n int) Answer { return t.kept[n].answer }

// Play gives the answers again, and another one in place of the nth and to every call
// that was not made before.
func (t *Tape) Play(n int, odd Answer) *Player {
	return &Player{tape: t, n: n, odd: odd, used: map[int]bool{}}
}

// Player is a transport to nowhere.
type Player struct {
	tape *Tape
	n    int
	odd  Answer

	mu    sync.Mutex
	used  map[int]bool
	odds  int  // how often the odd answer was given
	ended bool // with it
	wrote bool // it was given to a call that writes something
	hosts []string
	read  atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (p *Player) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts = append(p.hosts, r.URL.Host)
	at := p.find(callOf(r))
	p.used[at] = true
	if p.ended = at == p.n || at < 0; !p.ended {
		return p.tape.kept[at].answer.response(r, nil), nil
	}
	p.odds++
	p.wrote = p.wrote || r.Method != http.MethodGet && r.Method != http.MethodDelete
	return p.odd.response(r, &p.read), nil
}

// find returns the first answer to a call that was not given yet, or else the last.
func (p *Player) find(call string) (at int) {
	at = -1
	for i, k := range p.tape.kept {
		if k.call != call {
			continue
		}
		if at = i; !p.used[i] {
			break
		}
	}
	return at
}

// MetOdd reports whether the odd answer was given.
func (p *Player) MetOdd() bool { return p.odds > 0 }

// EndedOdd reports whether it was the last that was given.
func (p *Player) EndedOdd() bool { return p.ended }

// OddWrite reports whether it was given to a call that writes something.
func (p *Player) OddWrite() bool { return p.wrote }

// Hosts are those that were asked.
func (p *Player) Hosts() []string { return p.hosts }

// Read is how much of an odd answer was read, on average.
func (p *Player) Read() int64 { return p.read.Load() / int64(max(p.odds, 1)) }

func (a Answer) response(r *http.Request, read *atomic.Int64) *http.Response {
	body := io.Reader(bytes.NewReader(a.Body))
	length := int64(len(a.Body))
	if a.Endless {
		body, length = io.MultiReader(body, io.LimitReader(blanks{}, mostBlanks)), -1
	}
	header := a.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		Status: http.StatusText(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(counting{body, read}), ContentLength: length, Request: r,
	}
}

const mostBlanks = 64 << 20

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

type counting struct {
	io.Reader
	read *atomic.Int64
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.read != nil {
		c.read.Add(int64(n))
	}
	return n, err
}

// Through is a transport of the kind that many clients want, over any other.
func Through(next http.RoundTripper) *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go serveOne(far, next)
		return near, nil
	}}
}

// serveOne answers one request and hangs up.
func serveOne(conn net.Conn, next http.RoundTripper) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	r.URL.Scheme, r.URL.Host = "https", r.Host
	response, err := next.RoundTrip(r)
	if err != nil {
		return
	}
	response.Close = true
	_ = response.Write(conn) // whoever asked may have heard enough
}
