package servicebus

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

const (
	cbsAddress       = "$cbs"
	managementSuffix = "/$management"
	// maxMessageSize is the standard tier's,
	// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas.
	maxMessageSize = 256 * 1024
)

// attach answers a client's link. One that cannot be had is answered too,
// without source or target, and detached with the reason.
func (s *session) attach(a *amqp.Attach) error {
	if a.Handle > maxHandle || s.links[a.Handle] != nil {
		return fmt.Errorf("link handle %d cannot be attached", a.Handle)
	}
	address := addressOf(a)
	if err := s.conn.permit(address); err != nil {
		s.refuse(a, err)
		return nil
	}
	var err *amqp.Error
	switch {
	case address == cbsAddress, strings.HasSuffix(address, managementSuffix):
		err = s.attachRequests(a, address)
	case a.Role == amqp.RoleReceiver:
		err = s.attachConsumer(a, address)
	default:
		err = s.attachProducer(a, address)
	}
	if err != nil {
		s.refuse(a, err)
	}
	return nil
}

// addressOf returns the entity that a link is for. Clients write it as a path or
// as a URI of the namespace.
func addressOf(a *amqp.Attach) string {
	t := a.Target
	if a.Role == amqp.RoleReceiver {
		t = a.Source
	}
	if t == nil {
		return ""
	}
	return entityPath(t.Address)
}

func entityPath(address string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		address = u.Path
	}
	return strings.Trim(address, "/")
}

// permit checks the claims; without any, an entity does not even show whether it
// exists.
func (c *connection) permit(address string) *amqp.Error {
	if address == cbsAddress || c.claims.cover(address) {
		return nil
	}
	return &amqp.Error{
		Condition:   "amqp:unauthorized-access",
		Description: fmt.Sprintf("Unauthorized access. 'Send' or 'Listen' claim(s) are required to perform this operation. Resource: '%s'.", address),
	}
}

func (s *session) accept(a *amqp.Attach, source *amqp.Terminus, properties amqp.Map) {
	s.forgetDetached(a.Handle)
	s.write(&amqp.Attach{
		Name: a.Name, Handle: a.Handle, Role: !a.Role,
		SenderSettleMode: a.SenderSettleMode, ReceiverSettleMode: a.ReceiverSettleMode,
		Source: source, Target: a.Target, MaxMessageSize: maxMessageSize, Properties: properties,
	}, nil)
}

func (s *session) refuse(a *amqp.Attach, cause *amqp.Error) {
	s.forgetDetached(a.Handle)
	answer := &amqp.Attach{Name: a.Name, Handle: a.Handle, Role: !a.Role, SenderSettleMode: a.SenderSettleMode, ReceiverSettleMode: a.ReceiverSettleMode}
	if a.Role == amqp.RoleReceiver {
		answer.Target = a.Target
	} else {
		answer.Source = a.Source
	}
	s.write(answer, nil)
	s.end(a.Handle, cause)
}

func (s *session) forgetDetached(handle uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.detached, handle)
}

func notFound(address string) *amqp.Error {
	return &amqp.Error{Condition: broker.CondNotFound, Description: fmt.Sprintf("The messaging entity '%s' could not be found.", address)}
}
