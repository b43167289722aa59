package amqp_test

import (
	"bytes"
	"testing"

	goamqp "github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// FuzzDecode proves that nothing from outside makes the decoder panic, that Skip
// agrees with Decode, and that what was decoded can be encoded again.
func FuzzDecode(f *testing.F) {
	encoded, err := full().MarshalBinary()
	require.NoError(f, err)
	f.Add(encoded)
	f.Add(amqp.Append(nil, []int64{1, 2}))
	f.Add(amqp.Append(nil, amqp.List{amqp.Map{{Key: "k", Value: amqp.UUID{}}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		value, rest, err := amqp.Decode(b)
		if err != nil {
			return
		}
		skipped, err := amqp.Skip(b)
		if err == nil { // Skip knows no descriptors with descriptors
			require.Equal(t, rest, skipped)
		}
		again := amqp.Append(nil, value)
		_, rest, err = amqp.Decode(again)
		require.NoError(t, err)
		require.Empty(t, rest)
	})
}

// FuzzMessage compares with go-amqp: what we take, it takes after us.
func FuzzMessage(f *testing.F) {
	encoded, err := full().MarshalBinary()
	require.NoError(f, err)
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := amqp.ParseMessage(b)
		if err != nil {
			return
		}
		m.Data()
		m.Value()
		theirs, readable := unmarshal(b)
		if !readable {
			return
		}
		again, readable := unmarshal(m.Append(nil, amqp.Delivery{Annotations: m.Annotations}))
		require.True(t, readable)
		require.Equal(t, theirs.Data, again.Data)
	})
}

// FuzzFrame proves that no frame makes the reader panic or read beyond it.
func FuzzFrame(f *testing.F) {
	f.Add(amqp.AppendFrame(nil, amqp.FrameAMQP, 1, &amqp.Flow{}, nil))
	f.Add(amqp.AppendFrame(nil, amqp.FrameSASL, 0, &amqp.SASLInit{Mechanism: "PLAIN"}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := amqp.NewFrameReader(bytes.NewReader(b))
		for {
			frame, err := frames.Read()
			if err != nil {
				return
			}
			if frame.Performative != nil {
				amqp.AppendFrame(nil, frame.Type, frame.Channel, frame.Performative, frame.Payload)
			}
		}
	})
}

// unmarshal guards against go-amqp's own panics, such as at a map with binary
// keys inside a value.
func unmarshal(b []byte) (m goamqp.Message, readable bool) {
	defer func() {
		if recover() != nil {
			readable = false
		}
	}()
	err := m.UnmarshalBinary(b)
	return m, err == nil
}
