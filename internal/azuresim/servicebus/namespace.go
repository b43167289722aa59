package servicebus

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/atom"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// Options are what a namespace needs besides its entities. The zero value works.
type Options struct {
	Clock  *clock.Clock // nil = a clock of its own
	Logger *slog.Logger // nil = no log
	TLS    *tls.Config  // nil = TLS is not answered
}

// Namespace is a simulated Service Bus namespace. Its methods may be called from
// any goroutine.
type Namespace struct {
	broker *broker.Namespace
	clock  *clock.Clock
	log    *slog.Logger
	tls    *tls.Config
	faults faultSource
	web    *handover
	http   *http.Server

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
	serving   sync.WaitGroup
}

// New makes a namespace with the entities of a configuration.
func New(cfg Config, opts Options) (*Namespace, error) {
	if opts.Clock == nil {
		opts.Clock = clock.New()
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Namespace{
		broker: broker.NewNamespace(opts.Clock), clock: opts.Clock, log: opts.Logger, tls: opts.TLS,
		web: newHandover(), listeners: map[net.Listener]struct{}{}, conns: map[net.Conn]struct{}{},
	}
	if err := cfg.create(n.broker); err != nil {
		n.broker.Close()
		return nil, err
	}
	n.http = newHTTPServer(atom.NewHandler(cfg.name(), n.broker))
	n.serving.Go(func() { _ = n.http.Serve(n.web) }) // ends with Close
	return n, nil
}

// Serve answers AMQP, TLS and HTTP on a listener until Close, which closes it,
// and then returns nil. It may be called for several listeners.
func (n *Namespace) Serve(l net.Listener) error {
	if !n.track(l) {
		return errors.Join(errors.New("servicebus: serve: namespace is closed"), l.Close())
	}
	for {
		conn, err := l.Accept()
		if n.isClosed() {
			return nil
		}
		if err != nil {
			return err
		}
		n.start(conn)
	}
}

func (n *Namespace) track(l net.Listener) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.listeners[l] = struct{}{}
	return true
}

func (n *Namespace) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

func (n *Namespace) start(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		conn.Close()
		return
	}
	n.conns[conn] = struct{}{}
	n.serving.Go(func() {
		n.route(conn, n.tls)
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.conns, conn)
	})
}

// Close ends all connections and timers and waits for them. The messages are
// lost.
func (n *Namespace) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	var errs []error
	for l := range n.listeners {
		errs = append(errs, l.Close())
	}
	for conn := range n.conns {
		errs = append(errs, ignoreClosed(conn.Close()))
	}
	n.mu.Unlock()
	close(n.web.done)
	errs = append(errs, n.http.Close())
	n.serving.Wait()
	n.broker.Close()
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// CutConnections breaks every connection at once, as a failover does.
func (n *Namespace) CutConnections() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for conn := range n.conns {
		conn.Close()
	}
}

// EntityCounts are the messages of an entity by state. A deferred message that
// somebody locked counts as locked.
type EntityCounts struct {
	Active    int // waiting for a receiver
	Scheduled int
	Deferred  int
	Locked    int
}

// Counts returns the messages of every queue, topic, subscription and
// dead-letter queue, by path: "q", "t", "t/Subscriptions/s", and each but the
// topic with "/$DeadLetterQueue" behind it.
func (n *Namespace) Counts() map[string]EntityCounts {
	counts := map[string]EntityCounts{}
	add := func(q *broker.Queue) {
		counts[q.Path()] = EntityCounts(q.Describe().Counts)
		counts[q.DeadLetters().Path()] = EntityCounts(q.DeadLetters().Describe().Counts)
	}
	for _, q := range n.broker.Queues() {
		add(q)
	}
	for _, t := range n.broker.Topics() {
		counts[t.Path()] = EntityCounts(t.Describe().Counts)
		for _, s := range t.Subscriptions() {
			add(s.Queue())
		}
	}
	return counts
}
