package servicebus

import (
	"net"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// output collects frames and writes what has gathered in one go. Adding a frame
// never waits; how much gathers is bounded by the windows and credits that the
// client gave.
type output struct {
	conn net.Conn
	wake chan struct{}

	mu       sync.Mutex
	pending  []byte
	closed   bool
	stopBeat func() bool
}

func newOutput(conn net.Conn) *output {
	return &output{conn: conn, wake: make(chan struct{}, 1), stopBeat: func() bool { return true }}
}

func (o *output) frame(frameType byte, channel uint16, p amqp.Performative, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.pending = amqp.AppendFrame(o.pending, frameType, channel, p, payload)
	o.signal()
}

func (o *output) header(h amqp.ProtocolHeader) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = append(o.pending, h[:]...)
	o.signal()
}

func (o *output) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes until finish is called or the connection fails, then closes it.
func (o *output) run() {
	defer o.conn.Close()
	var spare []byte
	for range o.wake {
		data, last := o.take(spare)
		if _, err := o.conn.Write(data); err != nil || last {
			o.abort()
			return
		}
		spare = data[:0]
	}
}

func (o *output) take(spare []byte) (data []byte, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data, o.pending = o.pending, spare
	return data, o.closed
}

// finish lets what is pending be written, then closes the connection.
func (o *output) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.stopBeat()
	o.signal()
}

// abort throws what is pending away and closes the connection.
func (o *output) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.pending = true, nil
	o.stopBeat()
	o.conn.Close()
	o.signal()
}

// beat adds an empty frame ever so often, so that the client does not take the
// connection for dead.
func (o *output) beat(c *clock.Clock, every time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.stopBeat = c.AfterFunc(every, func() {
		o.frame(amqp.FrameAMQP, 0, nil, nil)
		o.beat(c, every)
	})
}
