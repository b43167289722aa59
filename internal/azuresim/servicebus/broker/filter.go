package broker

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// Filter decides which messages of a topic a rule lets into its subscription.
// https://learn.microsoft.com/azure/service-bus-messaging/topic-filters
type Filter interface {
	matches(*amqp.Message) bool
}

// TrueFilter lets every message in.
type TrueFilter struct{}

// FalseFilter lets none in.
type FalseFilter struct{}

// CorrelationFilter lets in what is equal in everything that is set. Comparison
// is exact in case and type.
type CorrelationFilter struct {
	ContentType      *string
	CorrelationID    *string
	Label            *string
	MessageID        *string
	ReplyTo          *string
	ReplyToSessionID *string
	SessionID        *string
	To               *string
	// Properties are compared with the application properties. Values are
	// string, bool, int64, float64 or time.Time.
	Properties map[string]any
}

func (TrueFilter) matches(*amqp.Message) bool  { return true }
func (FalseFilter) matches(*amqp.Message) bool { return false }

func (f *CorrelationFilter) matches(m *amqp.Message) bool {
	for _, system := range f.system() {
		if system.want == nil {
			continue
		}
		if !isText(m.Properties.At(system.position)) || m.Property(system.position) != *system.want {
			return false
		}
	}
	for key, want := range f.Properties {
		got, exists := m.Application().Lookup(key)
		if !exists || !equal(got, want) {
			return false
		}
	}
	return true
}

type systemProperty struct {
	position int
	want     *string
}

func (f *CorrelationFilter) system() []systemProperty {
	return []systemProperty{
		{amqp.PropertyContentType, f.ContentType},
		{amqp.PropertyCorrelationID, f.CorrelationID},
		{amqp.PropertySubject, f.Label},
		{amqp.PropertyMessageID, f.MessageID},
		{amqp.PropertyReplyTo, f.ReplyTo},
		{amqp.PropertyReplyToGroupID, f.ReplyToSessionID},
		{amqp.PropertyGroupID, f.SessionID},
		{amqp.PropertyTo, f.To},
	}
}

// isText tells an empty string from a value that is missing or no text, such as
// a numeric message id.
func isText(value any) bool {
	switch value.(type) {
	case string, amqp.Symbol: // the content type is a symbol
		return true
	}
	return false
}

func equal(got, want any) bool {
	if n, ok := want.(int64); ok {
		m, isInteger := amqp.Integer(got)
		return isInteger && m == n
	}
	if t, ok := want.(time.Time); ok {
		u, isTime := got.(time.Time)
		return isTime && u.UnixMilli() == t.UnixMilli()
	}
	if f, ok := got.(float32); ok {
		got = float64(f)
	}
	switch got.(type) {
	case string, bool, float64:
		return got == want
	}
	return false
}

// Empty reports whether the filter sets no condition, which the service refuses.
func (f *CorrelationFilter) Empty() bool {
	for _, system := range f.system() {
		if system.want != nil {
			return false
		}
	}
	return len(f.Properties) == 0
}

// SQLFilter returns the filter for an SQL expression. Only the two that every
// client writes for "all" and "none" are understood; anything else is refused.
func SQLFilter(expression string) (Filter, error) {
	switch strings.ReplaceAll(expression, " ", "") {
	case "1=1":
		return TrueFilter{}, nil
	case "1=0":
		return FalseFilter{}, nil
	}
	return nil, fmt.Errorf("SQL filter %q: the simulated Service Bus evaluates correlation filters only", expression)
}
