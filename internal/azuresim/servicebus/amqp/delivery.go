package amqp

// The performatives that move and settle messages, part 2, section 2.7.5.
type (
	// Transfer carries a message or a part of one.
	Transfer struct {
		Handle        uint32
		DeliveryID    *uint32
		DeliveryTag   []byte
		MessageFormat uint32
		Settled       bool
		More          bool
		Aborted       bool
	}
	// Disposition settles the deliveries First to Last.
	Disposition struct {
		Role    bool
		First   uint32
		Last    uint32
		Settled bool
		State   any // a Described delivery state, or nil
	}
)

func (*Transfer) code() uint64    { return codeTransfer }
func (*Disposition) code() uint64 { return codeDisposition }

func (t *Transfer) fields() List {
	var tag any
	if t.DeliveryTag != nil {
		tag = t.DeliveryTag
	}
	return List{t.Handle, pointee(t.DeliveryID), tag, t.MessageFormat, t.Settled, t.More, nil, nil, nil, nil, nil}
}

func parseTransfer(f *fieldReader) *Transfer {
	return &Transfer{
		Handle: f.uint32(0), DeliveryID: f.optional(1), DeliveryTag: f.binary(2), MessageFormat: f.uint32(3),
		Settled: f.bool(4), More: f.bool(5), Aborted: f.bool(9),
	}
}

func (d *Disposition) fields() List {
	return List{d.Role, d.First, d.Last, d.Settled, d.State, nil}
}

func parseDisposition(f *fieldReader) *Disposition {
	d := &Disposition{Role: f.bool(0), First: f.uint32(1), Last: f.uint32(1), Settled: f.bool(3), State: f.at(4)}
	if last := f.optional(2); last != nil {
		d.Last = *last
	}
	return d
}

// Accepted is the outcome of a message taken.
func Accepted() Described { return Described{uint64(CodeAccepted), List{}} }

// Rejected is the outcome of a refused message; cause may be nil.
func Rejected(cause *Error) Described {
	return Described{uint64(CodeRejected), List{cause.value()}}
}
