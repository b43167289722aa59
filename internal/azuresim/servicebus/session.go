package servicebus

import (
	"fmt"
	"slices"
	"sync"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

const (
	firstTransfer  = 1
	incomingWindow = 1 << 30 // clients are bounded by link credit
	maxHandle      = 255
)

// link is an end of a link that the client attached.
type link interface {
	flow(*amqp.Flow)
	transfer(t *amqp.Transfer, payload []byte) error
	// close gives back what the link holds. It may be called more than once.
	close()
}

// session is one AMQP session. The reader owns what no lock guards; deliveries
// come from other goroutines.
type session struct {
	conn         *connection
	channel      uint16
	links        map[uint32]link
	nextIncoming uint32

	mu           sync.Mutex
	nextDelivery uint32
	nextOutgoing uint32
	window       uint32 // transfers that the client takes before its next flow
	backlog      []outgoing
	unsettled    map[uint32]delivery
	detached     map[uint32]bool // links that we ended and the client has not yet
}

type outgoing struct {
	transfer *amqp.Transfer
	payload  []byte
}

// delivery is a message at the client, not settled.
type delivery struct {
	link  *consumerLink
	token amqp.UUID
}

func newSession(c *connection, channel uint16, b *amqp.Begin) *session {
	return &session{
		conn: c, channel: channel, links: map[uint32]link{}, nextIncoming: b.NextOutgoingID,
		nextOutgoing: firstTransfer, window: b.IncomingWindow,
		unsettled: map[uint32]delivery{}, detached: map[uint32]bool{},
	}
}

func (s *session) write(p amqp.Performative, payload []byte) {
	s.conn.out.frame(amqp.FrameAMQP, s.channel, p, payload)
}

func (s *session) handle(f amqp.Frame) error {
	switch p := f.Performative.(type) {
	case *amqp.Attach:
		return s.attach(p)
	case *amqp.Flow:
		s.flow(p)
	case *amqp.Transfer:
		s.nextIncoming++
		if l := s.links[p.Handle]; l != nil {
			return l.transfer(p, f.Payload)
		}
	case *amqp.Disposition:
		if p.Role == amqp.RoleReceiver {
			return s.disposition(p)
		}
	case *amqp.Detach:
		s.detach(p)
	case *amqp.End:
		s.close()
		delete(s.conn.sessions, s.channel)
		s.write(&amqp.End{}, nil)
	default:
		return fmt.Errorf("unexpected %T", p)
	}
	return nil
}

func (s *session) close() {
	for _, l := range s.links {
		l.close()
	}
}

// detach answers the client's detach, unless it is itself the answer to ours.
func (s *session) detach(d *amqp.Detach) {
	if l := s.links[d.Handle]; l != nil {
		l.close()
		delete(s.links, d.Handle)
	}
	s.mu.Lock()
	ours := s.detached[d.Handle]
	delete(s.detached, d.Handle)
	s.mu.Unlock()
	if !ours {
		s.write(&amqp.Detach{Handle: d.Handle, Closed: d.Closed}, nil)
	}
}

// end detaches a link from our side. It may be called from any goroutine.
func (s *session) end(handle uint32, cause *amqp.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.detached[handle] {
		return
	}
	s.detached[handle] = true
	s.write(&amqp.Detach{Handle: handle, Closed: true, Error: cause}, nil)
}

func (s *session) flow(f *amqp.Flow) {
	s.openWindow(f)
	if f.Handle != nil {
		if l := s.links[*f.Handle]; l != nil {
			l.flow(f)
		}
	} else if f.Echo {
		s.write(s.windows(), nil)
	}
}

// openWindow computes what the client takes, part 2, section 2.5.6.
func (s *session) openWindow(f *amqp.Flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := uint32(firstTransfer)
	if f.NextIncomingID != nil {
		next = *f.NextIncomingID
	}
	s.window = next + f.IncomingWindow - s.nextOutgoing
	for len(s.backlog) > 0 && s.window > 0 {
		s.put(s.backlog[0])
		s.backlog = s.backlog[1:]
	}
}

// windows returns a flow for the session; a link adds its own fields.
func (s *session) windows() *amqp.Flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.nextIncoming
	return &amqp.Flow{NextIncomingID: &next, IncomingWindow: incomingWindow, NextOutgoingID: s.nextOutgoing, OutgoingWindow: incomingWindow}
}

// performativeRoom is more than a transfer's own fields ever take.
const performativeRoom = 128

// send transfers a message in as many frames as it needs. With a link, the
// delivery stays unsettled until the client settles it.
func (s *session) send(handle uint32, tag amqp.UUID, message []byte, unsettled *consumerLink, token amqp.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.detached[handle] {
		return
	}
	id := s.nextDelivery
	s.nextDelivery++
	if unsettled != nil {
		s.unsettled[id] = delivery{unsettled, token}
	}
	first := &amqp.Transfer{Handle: handle, DeliveryID: &id, DeliveryTag: tag[:], Settled: unsettled == nil}
	chunks := slices.Chunk(message, int(s.conn.maxFrame-performativeRoom))
	sent := 0
	for chunk := range chunks {
		t := first
		if sent > 0 {
			t = &amqp.Transfer{Handle: handle, Settled: unsettled == nil}
		}
		sent += len(chunk)
		t.More = sent < len(message)
		s.transmit(outgoing{t, chunk})
	}
}

func (s *session) transmit(o outgoing) {
	if s.window == 0 || len(s.backlog) > 0 {
		s.backlog = append(s.backlog, o)
		return
	}
	s.put(o)
}

func (s *session) put(o outgoing) {
	s.window--
	s.nextOutgoing++
	s.write(o.transfer, o.payload)
}
