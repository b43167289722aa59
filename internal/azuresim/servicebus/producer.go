package servicebus

import (
	"fmt"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// producerCredit is how many messages a client may have under way.
const producerCredit = 1000

// producerLink takes in what a client sends, whole messages at a time.
type producerLink struct {
	session   *session
	handle    uint32
	take      func(message []byte, format uint32) (answer *amqp.Error)
	received  uint32
	credit    uint32
	partial   []byte
	first     *amqp.Transfer // of the message that is coming in, nil between two
	afterward func()         // called once the transfer is settled
}

// entity is what can be sent to.
type entity interface {
	Send([]*amqp.Message) *amqp.Error
	Schedule([]*amqp.Message) ([]int64, *amqp.Error)
	CancelScheduled([]int64) *amqp.Error
}

func (s *session) attachProducer(a *amqp.Attach, address string) *amqp.Error {
	to := s.conn.namespace.entity(address)
	if to == nil {
		return notFound(address)
	}
	s.produce(a, func(message []byte, format uint32) *amqp.Error {
		if s.conn.namespace.faults.busy() {
			return &amqp.Error{Condition: "com.microsoft:server-busy", Description: "The request was terminated because the entity is being throttled. Please wait 2 seconds and try again."}
		}
		contents, err := split(message, format)
		if err != nil {
			return &amqp.Error{Condition: "amqp:decode-error", Description: err.Error()}
		}
		return to.Send(contents)
	})
	return nil
}

// entity returns the queue or topic at an address, nil if there is none.
func (n *Namespace) entity(address string) entity {
	if t := n.broker.Topic(address); t != nil {
		return t
	}
	if q := n.broker.Queue(address); q != nil {
		return q
	}
	return nil
}

// split returns the messages of a transfer: one, or those of a batch.
func split(encoded []byte, format uint32) ([]*amqp.Message, error) {
	m, err := amqp.ParseMessage(encoded)
	if err != nil || format != amqp.FormatBatch {
		return []*amqp.Message{m}, err
	}
	var contents []*amqp.Message
	for _, data := range m.Data() {
		content, err := amqp.ParseMessage(data)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (s *session) produce(a *amqp.Attach, take func([]byte, uint32) *amqp.Error) *producerLink {
	l := &producerLink{session: s, handle: a.Handle, take: take, credit: producerCredit, afterward: func() {}}
	s.links[a.Handle] = l
	s.accept(a, a.Source, nil)
	l.grant()
	return l
}

func (l *producerLink) grant() {
	f := l.session.windows()
	f.Handle, f.DeliveryCount, f.LinkCredit = &l.handle, &l.received, &l.credit
	l.session.write(f, nil)
}

func (l *producerLink) flow(f *amqp.Flow) {
	if f.Echo {
		l.grant()
	}
}

func (l *producerLink) close() {}

func (l *producerLink) transfer(t *amqp.Transfer, payload []byte) error {
	if l.first == nil {
		if t.DeliveryID == nil {
			return fmt.Errorf("transfer on handle %d without a delivery id", l.handle)
		}
		l.first, l.partial = t, nil
	}
	l.first.Settled = l.first.Settled || t.Settled
	if t.Aborted {
		l.first = nil
		return nil
	}
	if size := len(l.partial) + len(payload); size > maxMessageSize {
		l.tooLarge(size)
		return nil
	}
	l.partial = append(l.partial, payload...)
	if t.More {
		return nil
	}
	first, message := l.first, l.partial
	l.first, l.partial = nil, nil
	l.count()
	return l.finish(first, message)
}

// tooLarge refuses the message and ends the link. The JavaScript client would
// wait for its message's fate if there were the detach alone.
func (l *producerLink) tooLarge(size int) {
	id := *l.first.DeliveryID
	cause := &amqp.Error{
		Condition:   "amqp:link:message-size-exceeded",
		Description: fmt.Sprintf("The received message (delivery-id:%d, size:%d bytes) exceeds the limit (%d bytes) currently allowed on the link.", id, size, maxMessageSize),
	}
	delete(l.session.links, l.handle)
	if !l.first.Settled {
		l.session.write(&amqp.Disposition{Role: amqp.RoleReceiver, First: id, Last: id, Settled: true, State: amqp.Rejected(cause)}, nil)
	}
	l.session.end(l.handle, cause)
}

func (l *producerLink) count() {
	l.received++
	l.credit--
	if l.credit < producerCredit/2 {
		l.credit = producerCredit
		l.grant()
	}
}

func (l *producerLink) finish(first *amqp.Transfer, message []byte) error {
	faults := &l.session.conn.namespace.faults
	if faults.cut() {
		return errFault
	}
	state := amqp.Accepted()
	if err := l.take(message, first.MessageFormat); err != nil {
		state = amqp.Rejected(err)
	}
	if faults.loseAnswer() {
		return errFault
	}
	if !first.Settled {
		id := *first.DeliveryID
		l.session.write(&amqp.Disposition{Role: amqp.RoleReceiver, First: id, Last: id, Settled: true, State: state}, nil)
	}
	l.afterward()
	return nil
}

var _ entity = (*broker.Queue)(nil)
var _ entity = (*broker.Topic)(nil)
