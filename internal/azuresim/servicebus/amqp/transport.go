package amqp

// The performatives of part 2, section 2.7. A field that a Service Bus neither
// reads nor sends is left out of the struct and written as null.
type (
	// Open starts a connection.
	Open struct {
		ContainerID  string
		Hostname     string
		MaxFrameSize uint32
		ChannelMax   uint16
		IdleTimeout  uint32 // milliseconds, 0 = none
		Properties   Map
	}
	// Begin starts a session. RemoteChannel is set in the answer only.
	Begin struct {
		RemoteChannel  *uint16
		NextOutgoingID uint32
		IncomingWindow uint32
		OutgoingWindow uint32
		HandleMax      uint32
	}
	// Attach starts a link, or answers one.
	Attach struct {
		Name               string
		Handle             uint32
		Role               bool
		SenderSettleMode   *uint8
		ReceiverSettleMode *uint8
		Source             *Terminus
		Target             *Terminus
		MaxMessageSize     uint64
		Properties         Map
	}
	// Terminus is the source or the target of a link. Value is the whole of it.
	Terminus struct {
		Address string
		Filter  Map
		Value   Described
	}
	// Flow updates the windows of a session and, with a handle, a link's credit.
	Flow struct {
		NextIncomingID *uint32
		IncomingWindow uint32
		NextOutgoingID uint32
		OutgoingWindow uint32
		Handle         *uint32
		DeliveryCount  *uint32
		LinkCredit     *uint32
		Drain          bool
		Echo           bool
	}
	// Detach ends a link.
	Detach struct {
		Handle uint32
		Closed bool
		Error  *Error
	}
	// End ends a session.
	End struct{ Error *Error }
	// Close ends a connection.
	Close struct{ Error *Error }
)

func (*Open) code() uint64   { return codeOpen }
func (*Begin) code() uint64  { return codeBegin }
func (*Attach) code() uint64 { return codeAttach }
func (*Flow) code() uint64   { return codeFlow }
func (*Detach) code() uint64 { return codeDetach }
func (*End) code() uint64    { return codeEnd }
func (*Close) code() uint64  { return codeClose }

func (o *Open) fields() List {
	return List{o.ContainerID, orNull(o.Hostname), o.MaxFrameSize, o.ChannelMax, orNull(o.IdleTimeout), nil, nil, nil, nil, mapOrNull(o.Properties)}
}

func parseOpen(f *fieldReader) *Open {
	o := &Open{ContainerID: Text(f.at(0)), Hostname: Text(f.at(1)), MaxFrameSize: MaxFrameSize, IdleTimeout: f.uint32(4)}
	if size := f.optional(2); size != nil {
		o.MaxFrameSize = max(*size, MinMaxFrameSize)
	}
	return o
}

func (b *Begin) fields() List {
	var remote any
	if b.RemoteChannel != nil {
		remote = *b.RemoteChannel
	}
	return List{remote, b.NextOutgoingID, b.IncomingWindow, b.OutgoingWindow, b.HandleMax, nil, nil, nil}
}

func parseBegin(f *fieldReader) *Begin {
	return &Begin{NextOutgoingID: f.uint32(1), IncomingWindow: f.uint32(2), OutgoingWindow: f.uint32(3)}
}

func (a *Attach) fields() List {
	var initial any // a sender has to say where it counts from
	if a.Role == RoleSender {
		initial = uint32(0)
	}
	return List{
		a.Name, a.Handle, a.Role, pointee(a.SenderSettleMode), pointee(a.ReceiverSettleMode),
		a.Source.value(), a.Target.value(), nil, nil, initial,
		orNull(a.MaxMessageSize), nil, nil, mapOrNull(a.Properties),
	}
}

func parseAttach(f *fieldReader) *Attach {
	a := &Attach{
		Name: field[string](f, 0), Handle: f.uint32(1), Role: f.bool(2),
		Source: parseTerminus(f.at(5)), Target: parseTerminus(f.at(6)),
		Properties: field[Map](f, 13),
	}
	if f.at(3) != nil {
		mode := field[uint8](f, 3)
		a.SenderSettleMode = &mode
	}
	if f.at(4) != nil {
		mode := field[uint8](f, 4)
		a.ReceiverSettleMode = &mode
	}
	return a
}

// filterField is where a source has its filter set, part 3, section 3.5.3.
const filterField = 7

func parseTerminus(value any) *Terminus {
	d, ok := value.(Described)
	if !ok {
		return nil
	}
	code, fields := Fields(value)
	t := &Terminus{Address: Text(fields.At(0)), Value: d}
	if code == codeSource {
		t.Filter, _ = fields.At(filterField).(Map)
	}
	return t
}

// WithFilter returns a copy of a source whose filter set is filter.
func (t *Terminus) WithFilter(filter Map) *Terminus {
	_, fields := Fields(t.Value)
	changed := make(List, max(len(fields), 11))
	copy(changed, fields)
	changed[filterField] = filter
	return &Terminus{Address: t.Address, Filter: filter, Value: Described{t.Value.Descriptor, changed}}
}

func (t *Terminus) value() any {
	if t == nil {
		return nil
	}
	return t.Value
}

func (fl *Flow) fields() List {
	return List{
		pointee(fl.NextIncomingID), fl.IncomingWindow, fl.NextOutgoingID, fl.OutgoingWindow,
		pointee(fl.Handle), pointee(fl.DeliveryCount), pointee(fl.LinkCredit), nil, fl.Drain, fl.Echo, nil,
	}
}

func parseFlow(f *fieldReader) *Flow {
	return &Flow{
		NextIncomingID: f.optional(0), IncomingWindow: f.uint32(1), NextOutgoingID: f.uint32(2), OutgoingWindow: f.uint32(3),
		Handle: f.optional(4), DeliveryCount: f.optional(5), LinkCredit: f.optional(6), Drain: f.bool(8), Echo: f.bool(9),
	}
}

func (d *Detach) fields() List { return List{d.Handle, d.Closed, d.Error.value()} }
func (e *End) fields() List    { return List{e.Error.value()} }
func (c *Close) fields() List  { return List{c.Error.value()} }

func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func mapOrNull(m Map) any {
	if len(m) == 0 {
		return nil
	}
	return m
}

func pointee[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
