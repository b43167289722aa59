package amqp_test

import (
	"bytes"
	"io"
	"math"
	"testing"
	"time"

	goamqp "github.com/Azure/go-amqp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

func TestValuesGoBothWays(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 300))
	for name, value := range map[string]any{
		"null":            nil,
		"true":            true,
		"false":           false,
		"ubyte":           uint8(255),
		"ushort":          uint16(65535),
		"uint zero":       uint32(0),
		"uint small":      uint32(255),
		"uint":            uint32(math.MaxUint32),
		"ulong zero":      uint64(0),
		"ulong small":     uint64(255),
		"ulong":           uint64(math.MaxUint64),
		"byte":            int8(-1),
		"short":           int16(-1),
		"int":             int32(math.MinInt32),
		"long":            int64(math.MinInt64),
		"float":           float32(1.5),
		"double":          -1.5,
		"timestamp":       time.UnixMilli(1234567890123).UTC(),
		"early timestamp": time.UnixMilli(-1).UTC(),
		"uuid":            amqp.UUID{1, 2, 3},
		"binary":          []byte{1, 2},
		"long binary":     []byte(long),
		"empty string":    "",
		"string":          "é",
		"long string":     long,
		"symbol":          amqp.Symbol("s"),
		"long symbol":     amqp.Symbol(long),
		"empty list":      amqp.List{},
		"list":            amqp.List{int32(1), "a", nil, amqp.List{true}},
		"map":             amqp.Map{{Key: "a", Value: int64(1)}, {Key: amqp.Symbol("b"), Value: amqp.Map{}}},
		"described":       amqp.Described{Descriptor: uint64(0x24), Value: amqp.List{"x"}},
		"char":            amqp.Opaque{0x73, 0, 0, 0, 'a'},
		"decimal128":      append(amqp.Opaque{0x94}, make([]byte, 16)...),
	} {
		t.Run(name, func(t *testing.T) {
			encoded := amqp.Append(nil, value)
			decoded, rest, err := amqp.Decode(append(encoded, 0xff))
			require.NoError(t, err)
			assert.Equal(t, value, decoded)
			assert.Equal(t, []byte{0xff}, rest)
			rest, err = amqp.Skip(append(encoded, 0xff))
			require.NoError(t, err)
			assert.Equal(t, []byte{0xff}, rest)
		})
	}
}

func TestArraysKeepTheirEncoding(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		items []any
	}{
		"symbols":    {[]amqp.Symbol{"a", "b"}, []any{amqp.Symbol("a"), amqp.Symbol("b")}},
		"strings":    {[]string{"a"}, []any{"a"}},
		"longs":      {[]int64{-1, 1}, []any{int64(-1), int64(1)}},
		"timestamps": {[]time.Time{time.UnixMilli(1)}, []any{time.UnixMilli(1).UTC()}},
		"none":       {[]int64{}, []any{}},
	} {
		t.Run(name, func(t *testing.T) {
			encoded := amqp.Append(nil, test.value)
			decoded, rest, err := amqp.Decode(encoded)
			require.NoError(t, err)
			assert.Empty(t, rest)
			assert.Equal(t, test.items, amqp.Items(decoded))
			again, _, err := amqp.Decode(amqp.Append(nil, decoded))
			require.NoError(t, err)
			assert.Equal(t, test.items, amqp.Items(again))
		})
	}
}

func TestBrokenValuesAreRefused(t *testing.T) {
	deep := bytes.Repeat([]byte{0xc0, 0xff, 1}, 100)
	for name, b := range map[string][]byte{
		"nothing":                          {},
		"an unknown code":                  {0x3f},
		"a string that ends early":         {0xa1, 5, 'a'},
		"a list that ends early":           {0xc0, 9, 1, 0x40},
		"a list of more than its size":     {0xd0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff},
		"a list smaller than its size":     {0xc0, 3, 1, 0x40, 0x40},
		"a map with a key but no value":    {0xc1, 2, 1, 0x40},
		"an array of four billion nulls":   {0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40},
		"an array larger than its size":    {0xf0, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0x50, 1},
		"an array without a constructor":   {0xe0, 1, 1},
		"a descriptor without a value":     {0x00, 0x44},
		"lists in lists without end":       deep,
		"descriptors of descriptors":       bytes.Repeat([]byte{0}, 10_000),
		"a list member beyond the list":    {0xc0, 2, 1, 0xa1, 3, 'a', 'b', 'c'},
		"a compound without room for size": {0xd0, 0, 0, 0, 2, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := amqp.Decode(b)
			assert.Error(t, err)
		})
	}
}

// full is a message with every section that go-amqp's public type has.
func full() *goamqp.Message {
	to, subject, replyTo, kind, encoding, group, replyGroup := "to", "subject", "reply", "text/plain", "utf-8", "group", "reply group"
	sequence := uint32(9)
	at := time.UnixMilli(1700000000000).UTC()
	return &goamqp.Message{
		Header:              &goamqp.MessageHeader{Durable: true, Priority: 5, TTL: time.Minute, DeliveryCount: 2},
		DeliveryAnnotations: goamqp.Annotations{"d": "x"},
		Annotations:         goamqp.Annotations{"x-opt-partition-key": "p", "x-opt-scheduled-enqueue-time": at},
		Properties: &goamqp.MessageProperties{
			MessageID: "id", UserID: []byte("me"), To: &to, Subject: &subject, ReplyTo: &replyTo, CorrelationID: "c", ContentType: &kind,
			ContentEncoding: &encoding, AbsoluteExpiryTime: &at, CreationTime: &at, GroupID: &group, GroupSequence: &sequence, ReplyToGroupID: &replyGroup,
		},
		ApplicationProperties: map[string]any{
			"string": "s", "int": int32(-1), "long": int64(1), "bool": true, "double": 1.5, "time": at, "uuid": goamqp.UUID{7}, "bytes": []byte{1},
		},
		Data:   [][]byte{[]byte("one"), []byte("two")},
		Footer: goamqp.Annotations{"f": int64(1)},
	}
}

func TestMessageOfGoAMQPIsRead(t *testing.T) {
	encoded, err := full().MarshalBinary()
	require.NoError(t, err)
	m, err := amqp.ParseMessage(encoded)
	require.NoError(t, err)
	ttl, set := m.TTL()
	assert.True(t, set)
	assert.Equal(t, time.Minute, ttl)
	assert.Equal(t, "p", m.Annotations.Get("x-opt-partition-key"))
	assert.Equal(t, time.UnixMilli(1700000000000).UTC(), m.Annotations.Get("x-opt-scheduled-enqueue-time"))
	for position, want := range map[int]string{
		amqp.PropertyMessageID: "id", amqp.PropertyTo: "to", amqp.PropertySubject: "subject", amqp.PropertyReplyTo: "reply",
		amqp.PropertyCorrelationID: "c", amqp.PropertyContentType: "text/plain", amqp.PropertyGroupID: "group", amqp.PropertyReplyToGroupID: "reply group",
	} {
		assert.Equal(t, want, m.Property(position))
	}
	assert.Equal(t, amqp.UUID{7}, m.Application().Get("uuid"))
	assert.Equal(t, int32(-1), m.Application().Get("int"))
	assert.Equal(t, [][]byte{[]byte("one"), []byte("two")}, m.Data())
}

func TestGoAMQPReadsWhatABrokerDelivers(t *testing.T) {
	sent := full()
	encoded, err := sent.MarshalBinary()
	require.NoError(t, err)
	m, err := amqp.ParseMessage(encoded)
	require.NoError(t, err)
	token := amqp.UUID{1, 2}
	changed := m.WithApplication("more", "x").WithProperty(amqp.PropertySubject, "other")
	delivery := amqp.Delivery{Count: 7, TTL: time.Hour, Annotations: amqp.Map{{Key: amqp.Symbol("x-opt-sequence-number"), Value: int64(3)}}, LockToken: &token}

	var got goamqp.Message
	require.NoError(t, got.UnmarshalBinary(m.Append(nil, delivery)))
	want := *sent
	want.Header = &goamqp.MessageHeader{Durable: true, Priority: 5, TTL: time.Hour, DeliveryCount: 7}
	want.DeliveryAnnotations = goamqp.Annotations{"x-opt-lock-token": goamqp.UUID(token)}
	want.Annotations = goamqp.Annotations{"x-opt-sequence-number": int64(3)}
	assert.Equal(t, reread(t, want), got)

	got = goamqp.Message{}
	require.NoError(t, got.UnmarshalBinary(changed.Append(nil, delivery)))
	assert.Equal(t, "x", got.ApplicationProperties["more"])
	assert.Equal(t, "s", got.ApplicationProperties["string"])
	assert.Equal(t, "other", *got.Properties.Subject)
	assert.Equal(t, "subject", m.Property(amqp.PropertySubject), "the original is not touched")
}

// reread gives times the location that decoding gives them.
func reread(t *testing.T, m goamqp.Message) (again goamqp.Message) {
	t.Helper()
	encoded, err := m.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, again.UnmarshalBinary(encoded))
	return again
}

func TestGoAMQPReadsAResponse(t *testing.T) {
	at := time.UnixMilli(1700000000000).UTC()
	encoded := amqp.AppendResponse(nil, "request", amqp.Map{{Key: "status-code", Value: int32(200)}}, amqp.Map{
		{Key: "expirations", Value: []time.Time{at}}, {Key: "sequence-numbers", Value: []int64{1, 2}}, {Key: "sessions-ids", Value: []string{"a"}},
		{Key: "messages", Value: amqp.List{amqp.Map{{Key: "message", Value: []byte{1}}}}},
	})
	var got goamqp.Message
	require.NoError(t, got.UnmarshalBinary(encoded))
	assert.Equal(t, "request", got.Properties.CorrelationID)
	assert.Equal(t, map[string]any{"status-code": int32(200)}, got.ApplicationProperties)
	assert.Equal(t, map[string]any{
		"expirations": []time.Time{at}, "sequence-numbers": []int64{1, 2}, "sessions-ids": []string{"a"},
		"messages": []any{map[string]any{"message": []byte{1}}},
	}, got.Value)
}

func TestValueBodyIsRead(t *testing.T) {
	encoded, err := (&goamqp.Message{Value: map[string]any{"lock-tokens": []goamqp.UUID{{1}, {2}}, "numbers": []int64{5}}}).MarshalBinary()
	require.NoError(t, err)
	m, err := amqp.ParseMessage(encoded)
	require.NoError(t, err)
	body := m.Value().(amqp.Map)
	assert.Equal(t, []any{amqp.UUID{1}, amqp.UUID{2}}, amqp.Items(body.Get("lock-tokens")))
	assert.Equal(t, []any{int64(5)}, amqp.Items(body.Get("numbers")))
	assert.Empty(t, m.Data())
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"no section":                 {0x40},
		"an unknown section":         {0x00, 0x53, 0x79, 0x45},
		"a header that is a map":     {0x00, 0x53, 0x70, 0xc1, 1, 0},
		"annotations as a list":      {0x00, 0x53, 0x72, 0x45},
		"a binary key":               {0x00, 0x53, 0x72, 0xc1, 5, 2, 0xa0, 1, 'k', 0x40},
		"a binary key in the footer": {0x00, 0x53, 0x78, 0xc1, 5, 2, 0xa0, 1, 'k', 0x40},
		"a section cut off":          {0x00, 0x53, 0x75, 0xa0, 9},
		"properties after the body":  {0x00, 0x53, 0x75, 0xa0, 0, 0x00, 0x53, 0x73, 0x45},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := amqp.ParseMessage(b)
			assert.Error(t, err)
		})
	}
}

func TestFramesGoBothWays(t *testing.T) {
	handle, id, mode, channel := uint32(3), uint32(4), uint8(1), uint16(2)
	source := &amqp.Terminus{Address: "q", Value: amqp.Described{Descriptor: uint64(0x28), Value: amqp.List{"q", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}}}
	for name, p := range map[string]amqp.Performative{
		"open":        &amqp.Open{ContainerID: "c", Hostname: "h", MaxFrameSize: 1024, IdleTimeout: 5},
		"begin":       &amqp.Begin{NextOutgoingID: 1, IncomingWindow: 2, OutgoingWindow: 3},
		"attach":      &amqp.Attach{Name: "l", Handle: handle, Role: true, SenderSettleMode: &mode, ReceiverSettleMode: &mode, Source: source, Properties: amqp.Map{{Key: amqp.Symbol("p"), Value: uint32(1)}}},
		"flow":        &amqp.Flow{NextIncomingID: &id, IncomingWindow: 1, NextOutgoingID: 2, OutgoingWindow: 3, Handle: &handle, DeliveryCount: &id, LinkCredit: &id, Drain: true, Echo: true},
		"transfer":    &amqp.Transfer{Handle: handle, DeliveryID: &id, DeliveryTag: []byte{1}, MessageFormat: 5, Settled: true, More: true},
		"disposition": &amqp.Disposition{Role: true, First: 1, Last: 2, Settled: true, State: amqp.Accepted()},
		"detach":      &amqp.Detach{Handle: handle, Closed: true, Error: &amqp.Error{Condition: "c", Description: "d", Info: amqp.Map{{Key: "k", Value: "v"}}}},
		"end":         &amqp.End{},
		"close":       &amqp.Close{Error: &amqp.Error{Condition: "c"}},
		"SASL init":   &amqp.SASLInit{Mechanism: "PLAIN", Response: []byte("r")},
	} {
		t.Run(name, func(t *testing.T) {
			b := amqp.AppendFrame(nil, amqp.FrameAMQP, channel, p, []byte("payload"))
			frames := amqp.NewFrameReader(bytes.NewReader(b))
			f, err := frames.Read()
			require.NoError(t, err)
			assert.Equal(t, amqp.Frame{Channel: channel, Performative: p, Payload: []byte("payload")}, f)
			_, err = frames.Read()
			assert.Equal(t, io.EOF, err)
		})
	}
}

func TestBrokenFramesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"one too large":               {0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0},
		"one shorter than its header": {0, 0, 0, 7, 2, 0, 0, 0},
		"data before the header ends": {0, 0, 0, 8, 1, 0, 0, 0},
		"data after the end":          {0, 0, 0, 8, 3, 0, 0, 0},
		"one cut off":                 {0, 0, 0, 9, 2, 0, 0, 0},
		"no performative":             {0, 0, 0, 9, 2, 0, 0, 0, 0x40},
		"an unknown performative":     {0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 0x19, 0x45},
		"a field of the wrong type":   amqp.AppendFrame(nil, 0, 0, nil, []byte{0, 0x53, 0x15, 0xc0, 3, 2, 0x41, 0x41}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := amqp.NewFrameReader(bytes.NewReader(b)).Read()
			assert.Error(t, err)
			assert.NotEqual(t, io.EOF, err)
		})
	}
}

func TestGUIDSwapsBytesAsDotNETDoes(t *testing.T) {
	id := amqp.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	assert.Equal(t, amqp.UUID{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}, id.GUID())
	assert.Equal(t, id, id.GUID().GUID())
	assert.Equal(t, "00010203-0405-0607-0809-0a0b0c0d0e0f", id.String())
}
