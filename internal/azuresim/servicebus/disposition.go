package servicebus

import (
	"maps"
	"slices"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// disposition settles what the client received. Each delivery is confirmed with
// its own outcome, unless the client said that it will not listen.
func (s *session) disposition(d *amqp.Disposition) error {
	settlement, known := settlementOf(d.State)
	if !known {
		return nil // not an outcome: the client only tells how far it got
	}
	faults := &s.conn.namespace.faults
	for _, id := range s.settling(d.First, d.Last) {
		if faults.cut() {
			return errFault
		}
		state := s.settle(id, settlement, d.State)
		if faults.loseAnswer() {
			return errFault
		}
		if !d.Settled {
			s.write(&amqp.Disposition{Role: amqp.RoleSender, First: id, Last: id, Settled: true, State: state}, nil)
		}
	}
	return nil
}

// settling returns the unsettled deliveries of a range, without counting through
// a range that a client may have made huge.
func (s *session) settling(first, last uint32) (ids []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first == last {
		if _, unsettled := s.unsettled[first]; unsettled {
			ids = append(ids, first)
		}
		return ids
	}
	for id := range s.unsettled {
		if id-first <= last-first {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b uint32) int { return int(int32(a - b)) })
	return ids
}

// settle returns the state that confirms an outcome. A confirmed rejection must
// not carry an error: go-amqp would take it for a failure.
func (s *session) settle(id uint32, settlement broker.Settlement, state any) any {
	s.mu.Lock()
	d := s.unsettled[id]
	delete(s.unsettled, id)
	s.mu.Unlock()
	if err := d.link.queue.Settle([]amqp.UUID{d.token}, settlement); err != nil {
		return amqp.Rejected(err)
	}
	if settlement.Outcome == broker.DeadLetter {
		return amqp.Rejected(nil)
	}
	return state
}

// forget drops the deliveries of a link: they can be settled by their lock
// tokens only, through $management.
func (s *session) forget(l *consumerLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.unsettled, func(_ uint32, d delivery) bool { return d.link == l })
}

// Positions in the modified outcome, part 3, section 3.4.5.
const (
	undeliverableHere = 1
	modifiedMessage   = 2
)

// settlementOf translates a delivery state,
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide#sending-messages.
func settlementOf(state any) (settlement broker.Settlement, known bool) {
	code, fields := amqp.Fields(state)
	switch code {
	case amqp.CodeAccepted:
		return broker.Settlement{Outcome: broker.Complete}, true
	case amqp.CodeReleased:
		return broker.Settlement{Outcome: broker.Release}, true
	case amqp.CodeRejected:
		return deadLetter(amqp.RejectedError(fields)), true
	case amqp.CodeModified:
		properties, _ := fields.At(modifiedMessage).(amqp.Map)
		if here, _ := fields.At(undeliverableHere).(bool); here {
			return broker.Settlement{Outcome: broker.Defer, Properties: properties}, true
		}
		return broker.Settlement{Outcome: broker.Abandon, Properties: properties}, true
	}
	return settlement, false
}

const (
	deadLetterReason      = "DeadLetterReason"
	deadLetterDescription = "DeadLetterErrorDescription"
)

// deadLetter reads reason and description out of the error; what else is there
// are properties to set.
func deadLetter(cause *amqp.Error) broker.Settlement {
	s := broker.Settlement{Outcome: broker.DeadLetter}
	if cause == nil {
		return s
	}
	for _, e := range cause.Info {
		switch amqp.Text(e.Key) {
		case deadLetterReason:
			s.Reason = amqp.Text(e.Value)
		case deadLetterDescription:
			s.Description = amqp.Text(e.Value)
		default:
			s.Properties = append(s.Properties, e)
		}
	}
	return s
}
