package amqp

// ProtocolHeader is what both peers send before a protocol starts, part 2,
// section 2.2: "AMQP", the protocol id and version 1.0.0.
type ProtocolHeader [8]byte

// ProtocolAMQP and ProtocolSASL are the ids of the protocols spoken.
const (
	ProtocolAMQP = 0
	ProtocolSASL = 3
)

// NewProtocolHeader returns the header for a protocol id.
func NewProtocolHeader(id byte) ProtocolHeader {
	return ProtocolHeader{'A', 'M', 'Q', 'P', id, 1, 0, 0}
}

// The SASL frames of part 5, section 5.3.3.
type (
	// SASLMechanisms offers mechanisms.
	SASLMechanisms struct{ Mechanisms []Symbol }
	// SASLInit chooses one.
	SASLInit struct {
		Mechanism string
		Response  []byte
	}
	// SASLOutcome ends the exchange; code 0 is success, 1 failed authentication.
	SASLOutcome struct{ Code uint8 }
)

func (*SASLMechanisms) code() uint64 { return codeMechanisms }
func (*SASLInit) code() uint64       { return codeInit }
func (*SASLOutcome) code() uint64    { return codeOutcome }

func (m *SASLMechanisms) fields() List { return List{m.Mechanisms} }
func (i *SASLInit) fields() List       { return List{Symbol(i.Mechanism), i.Response, nil} }
func (o *SASLOutcome) fields() List    { return List{o.Code, nil} }
