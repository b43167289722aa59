package amqp

import (
	"errors"
	"fmt"
	"time"
)

// Descriptor codes of the sections of a message, part 3, section 3.2.
const (
	codeHeader        = 0x70
	codeDeliveryAnn   = 0x71
	codeMessageAnn    = 0x72
	codeProperties    = 0x73
	codeApplication   = 0x74
	codeData          = 0x75
	codeSequence      = 0x76
	codeValue         = 0x77
	codeFooter        = 0x78
	propertyCount     = 13
	headerFields      = 5
	headerTTL         = 2
	headerDeliveries  = 4
	maxSectionsInBody = 1 << 16
)

// Positions in the properties section.
const (
	PropertyMessageID      = 0
	PropertyTo             = 2
	PropertySubject        = 3
	PropertyReplyTo        = 4
	PropertyCorrelationID  = 5
	PropertyContentType    = 6
	PropertyGroupID        = 10
	PropertyReplyToGroupID = 12
)

// FormatBatch marks a message whose data sections are encoded messages.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
const FormatBatch uint32 = 0x80013700

// Message is a message in sections. Header, annotations and properties are
// decoded; the rest is kept as it came, because a broker only passes it on.
// A Message shared between queues must not be changed; With… make copies.
type Message struct {
	Header      List
	Annotations Map
	Properties  List

	application Map
	rawProps    []byte // nil after a change
	rawApp      []byte // nil after a change, or once decoded if there are none
	body        []byte // data, sequence or value sections and the footer
}

var errNoSection = errors.New("amqp: message section expected")

// ParseMessage splits an encoded message. The result keeps parts of b.
func ParseMessage(b []byte) (*Message, error) {
	m := &Message{}
	for len(b) > 0 {
		code, err := sectionCode(b)
		if err != nil {
			return nil, err
		}
		rest, err := Skip(b)
		if err != nil {
			return nil, err
		}
		section := b[:len(b)-len(rest)]
		if code >= codeData {
			m.body = b
			return m, checkBody(b)
		}
		if err := m.parseSection(code, section); err != nil {
			return nil, err
		}
		b = rest
	}
	return m, nil
}

// sectionCode reads the descriptor, which all known clients write in one byte.
func sectionCode(b []byte) (uint64, error) {
	if len(b) == 0 || b[0] != codeDescribed {
		return 0, errNoSection
	}
	descriptor, _, err := Decode(b[1:])
	if err != nil {
		return 0, err
	}
	code, ok := descriptor.(uint64)
	if !ok || code < codeHeader || code > codeFooter {
		return 0, errNoSection
	}
	return code, nil
}

func checkBody(b []byte) error {
	for n := 0; len(b) > 0; n++ {
		code, err := sectionCode(b)
		if err != nil {
			return err
		}
		if code < codeData || n > maxSectionsInBody {
			return fmt.Errorf("amqp: section %#x inside the body", code)
		}
		value, rest, err := Decode(b)
		if err != nil {
			return err
		}
		if code == codeFooter {
			if err := checkKeys(code, value.(Described).Value); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

func (m *Message) parseSection(code uint64, section []byte) error {
	value, _, err := Decode(section)
	if err != nil {
		return err
	}
	content := value.(Described).Value
	ok := true
	switch code {
	case codeHeader:
		m.Header, ok = content.(List)
	case codeMessageAnn:
		m.Annotations, ok = content.(Map)
	case codeProperties:
		m.rawProps = section
		m.Properties, ok = content.(List)
	case codeApplication:
		m.rawApp = section
		m.application, ok = content.(Map)
	}
	if !ok {
		return fmt.Errorf("amqp: section %#x holds a %T", code, content)
	}
	return checkKeys(code, content)
}

// checkKeys refuses a section whose keys are no names or numbers: the standard
// forbids them, and go-amqp panics at a binary one.
func checkKeys(code uint64, content any) error {
	entries, _ := content.(Map)
	for _, e := range entries {
		switch e.Key.(type) {
		case string, Symbol, uint64, int64:
		default:
			return fmt.Errorf("amqp: section %#x has a %T as a key", code, e.Key)
		}
	}
	return nil
}

// Property returns the text of a property, "" if it is missing or no string.
func (m *Message) Property(position int) string { return Text(m.Properties.At(position)) }

// Application returns the application properties; they must not be changed.
func (m *Message) Application() Map { return m.application }

// TTL returns the time to live that the sender set.
func (m *Message) TTL() (ttl time.Duration, set bool) {
	ms, ok := m.Header.At(headerTTL).(uint32)
	return time.Duration(ms) * time.Millisecond, ok && ms > 0
}

// WithProperty returns a copy in which one property has another value.
func (m *Message) WithProperty(position int, value any) *Message {
	changed := *m
	changed.Properties = make(List, max(propertyCount, len(m.Properties)))
	copy(changed.Properties, m.Properties)
	changed.Properties[position] = value
	changed.rawProps = nil
	return &changed
}

// WithApplication returns a copy with one more application property.
func (m *Message) WithApplication(key string, value any) *Message {
	changed := *m
	changed.application = m.application.With(key, value)
	changed.rawApp = nil
	return &changed
}

// Delivery is what a broker writes over the sender's own sections.
type Delivery struct {
	Count       uint32
	TTL         time.Duration // 0 = none
	Annotations Map           // in place of the sender's
	LockToken   *UUID         // sent as a delivery annotation
}

// Append encodes the message at the end of b as a broker delivers it.
func (m *Message) Append(b []byte, d Delivery) []byte {
	header := make(List, headerFields)
	copy(header, m.Header)
	header[headerTTL], header[headerDeliveries] = nil, d.Count
	if d.TTL > 0 {
		header[headerTTL] = uint32(min(d.TTL.Milliseconds(), 1<<32-1))
	}
	b = appendSection(b, codeHeader, header)
	if d.LockToken != nil {
		b = appendSection(b, codeDeliveryAnn, Map{{Symbol("x-opt-lock-token"), *d.LockToken}})
	}
	b = appendSection(b, codeMessageAnn, d.Annotations)
	b = appendEither(b, m.rawProps, codeProperties, m.Properties, len(m.Properties))
	b = appendEither(b, m.rawApp, codeApplication, m.application, len(m.application))
	return append(b, m.body...)
}

func appendSection(b []byte, code uint64, value any) []byte {
	return Append(b, Described{code, value})
}

func appendEither(b, raw []byte, code uint64, value any, size int) []byte {
	if raw != nil || size == 0 {
		return append(b, raw...)
	}
	return appendSection(b, code, value)
}

// Data returns the contents of the data sections.
func (m *Message) Data() (data [][]byte) {
	for b := m.body; len(b) > 0; {
		value, rest, err := Decode(b)
		if err != nil {
			return data
		}
		d := value.(Described)
		if bytes, ok := d.Value.([]byte); ok && d.Descriptor == uint64(codeData) {
			data = append(data, bytes)
		}
		b = rest
	}
	return data
}

// Value returns the content of an amqp-value body, nil for another body.
func (m *Message) Value() any {
	value, _, err := Decode(m.body)
	if d, ok := value.(Described); err == nil && ok && d.Descriptor == uint64(codeValue) {
		return d.Value
	}
	return nil
}

// AppendResponse encodes the answer to a request: correlation id, application
// properties and an amqp-value body.
func AppendResponse(b []byte, correlationID any, application Map, value any) []byte {
	properties := make(List, propertyCount)
	properties[PropertyCorrelationID] = correlationID
	b = appendSection(b, codeProperties, properties)
	b = appendSection(b, codeApplication, application)
	return appendSection(b, codeValue, value)
}
