package servicebus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

const (
	containerID = "azuresim-servicebus"
	// idleTimeout is announced as the service announces it; a silent client is
	// not cut off here.
	idleTimeout = 4 * time.Minute
	maxChannel  = 4999
)

// connection is one AMQP connection. Its reader's goroutine owns everything that
// no lock guards.
type connection struct {
	namespace *Namespace
	out       *output
	frames    *amqp.FrameReader
	reader    *bufio.Reader
	maxFrame  uint32 // what the client takes
	sessions  map[uint16]*session
	claims    claims
	responses map[string]*responder // by the address and the name of its link
}

func newConnection(n *Namespace, conn net.Conn) *connection {
	reader := bufio.NewReaderSize(conn, amqp.MaxFrameSize)
	return &connection{
		namespace: n, out: newOutput(conn), reader: reader, frames: amqp.NewFrameReader(reader),
		maxFrame: amqp.MinMaxFrameSize, sessions: map[uint16]*session{}, responses: map[string]*responder{},
	}
}

var errClosed = errors.New("closed by the client")

// serve runs the connection until either side ends it.
func (c *connection) serve() {
	go c.out.run()
	err := c.handshake()
	for err == nil {
		err = c.next()
	}
	for _, s := range c.sessions {
		s.close()
	}
	c.end(err)
}

// end says why, unless the client knows or is gone.
func (c *connection) end(err error) {
	switch {
	case errors.Is(err, errFault):
		c.out.abort()
		return
	case errors.Is(err, io.EOF), errors.Is(err, errClosed), errors.Is(err, net.ErrClosed):
	default:
		c.namespace.log.Debug("service bus connection ended", "error", err)
		cause := &amqp.Error{Condition: "amqp:connection:framing-error", Description: err.Error()}
		c.out.frame(amqp.FrameAMQP, 0, &amqp.Close{Error: cause}, nil)
	}
	c.out.finish()
}

// handshake exchanges the protocol headers, with SASL in between if asked for.
func (c *connection) handshake() error {
	for {
		var h amqp.ProtocolHeader
		if _, err := io.ReadFull(c.reader, h[:]); err != nil {
			return err
		}
		switch h {
		case amqp.NewProtocolHeader(amqp.ProtocolAMQP):
			c.out.header(h)
			return nil
		case amqp.NewProtocolHeader(amqp.ProtocolSASL):
			c.out.header(h)
			if err := c.authenticate(); err != nil {
				return err
			}
		default:
			c.out.header(amqp.NewProtocolHeader(amqp.ProtocolSASL))
			return fmt.Errorf("protocol header %x", h)
		}
	}
}

func (c *connection) authenticate() error {
	c.out.frame(amqp.FrameSASL, 0, &amqp.SASLMechanisms{Mechanisms: []amqp.Symbol{"MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL"}}, nil)
	f, err := c.frames.Read()
	if err != nil {
		return err
	}
	init, ok := f.Performative.(*amqp.SASLInit)
	if !ok {
		return fmt.Errorf("%T instead of a SASL mechanism", f.Performative)
	}
	if init.Mechanism == "PLAIN" { // name and key: good for every entity
		c.claims.add("")
	}
	c.out.frame(amqp.FrameSASL, 0, &amqp.SASLOutcome{}, nil)
	return nil
}

func (c *connection) next() error {
	f, err := c.frames.Read()
	if err != nil {
		return err
	}
	switch p := f.Performative.(type) {
	case nil: // the client is alive
		return nil
	case *amqp.Open:
		c.open(p)
		return nil
	case *amqp.Begin:
		return c.begin(f.Channel, p)
	case *amqp.Close:
		c.out.frame(amqp.FrameAMQP, 0, &amqp.Close{}, nil)
		return errClosed
	}
	s := c.sessions[f.Channel]
	if s == nil {
		return fmt.Errorf("%T on channel %d without a session", f.Performative, f.Channel)
	}
	return s.handle(f)
}

func (c *connection) open(o *amqp.Open) {
	c.maxFrame = min(o.MaxFrameSize, amqp.MaxFrameSize)
	c.out.frame(amqp.FrameAMQP, 0, &amqp.Open{
		ContainerID: containerID, MaxFrameSize: amqp.MaxFrameSize, ChannelMax: maxChannel,
		IdleTimeout: uint32(idleTimeout.Milliseconds()),
	}, nil)
	if o.IdleTimeout > 0 {
		c.out.beat(c.namespace.clock, time.Duration(o.IdleTimeout)*time.Millisecond/2)
	}
}

func (c *connection) begin(channel uint16, b *amqp.Begin) error {
	if c.sessions[channel] != nil || channel > maxChannel {
		return fmt.Errorf("session on channel %d cannot begin", channel)
	}
	s := newSession(c, channel, b)
	c.sessions[channel] = s
	s.write(&amqp.Begin{
		RemoteChannel: &channel, NextOutgoingID: firstTransfer, IncomingWindow: incomingWindow,
		OutgoingWindow: incomingWindow, HandleMax: maxHandle,
	}, nil)
	return nil
}
