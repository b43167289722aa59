package amqp

import "fmt"

// Descriptor codes of what the transport and the messaging layer exchange.
const (
	codeOpen        = 0x10
	codeBegin       = 0x11
	codeAttach      = 0x12
	codeFlow        = 0x13
	codeTransfer    = 0x14
	codeDisposition = 0x15
	codeDetach      = 0x16
	codeEnd         = 0x17
	codeClose       = 0x18
	codeError       = 0x1d

	codeMechanisms = 0x40
	codeInit       = 0x41
	codeOutcome    = 0x44

	// CodeAccepted and the ones after it are outcomes of a delivery.
	CodeAccepted = 0x24
	CodeRejected = 0x25
	CodeReleased = 0x26
	CodeModified = 0x27

	codeSource = 0x28
	codeTarget = 0x29
)

// Roles and settle modes of a link, part 2, section 2.8.
const (
	RoleSender   = false
	RoleReceiver = true

	SenderSettled       = 1
	ReceiverSettlesLate = 1 // "second": after the sender has settled
)

// Performative is the body of a frame: one of the structs of this package.
type Performative interface {
	code() uint64
	fields() List
}

func parsePerformative(value any) (Performative, error) {
	code, fields := Fields(value)
	f := &fieldReader{fields: fields}
	var p Performative
	switch code {
	case codeOpen:
		p = parseOpen(f)
	case codeBegin:
		p = parseBegin(f)
	case codeAttach:
		p = parseAttach(f)
	case codeFlow:
		p = parseFlow(f)
	case codeTransfer:
		p = parseTransfer(f)
	case codeDisposition:
		p = parseDisposition(f)
	case codeDetach:
		p = &Detach{f.uint32(0), f.bool(1), parseError(f.at(2))}
	case codeEnd:
		p = &End{parseError(f.at(0))}
	case codeClose:
		p = &Close{parseError(f.at(0))}
	case codeInit:
		p = &SASLInit{Mechanism: Text(f.at(0)), Response: f.binary(1)}
	default:
		return nil, fmt.Errorf("amqp: unknown performative %#x", code)
	}
	if f.err != nil {
		return nil, fmt.Errorf("amqp: performative %#x: %w", code, f.err)
	}
	return p, nil
}

// fieldReader reads fields by position. A null or missing field gives the zero
// value; one of the wrong type is remembered as err.
type fieldReader struct {
	fields List
	err    error
}

func (f *fieldReader) at(i int) any { return f.fields.At(i) }

func (f *fieldReader) uint32(i int) uint32 { return field[uint32](f, i) }
func (f *fieldReader) bool(i int) bool     { return field[bool](f, i) }
func (f *fieldReader) binary(i int) []byte { return field[[]byte](f, i) }

func (f *fieldReader) optional(i int) *uint32 {
	if f.at(i) == nil {
		return nil
	}
	v := f.uint32(i)
	return &v
}

func field[T any](f *fieldReader, i int) (v T) {
	value := f.at(i)
	if value == nil {
		return v
	}
	v, ok := value.(T)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("field %d is a %T", i, value)
	}
	return v
}
