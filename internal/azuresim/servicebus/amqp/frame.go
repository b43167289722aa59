package amqp

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Frame types, part 2, section 2.3.1 and part 5, section 5.3.1.
const (
	FrameAMQP = 0
	FrameSASL = 1
)

const (
	// MaxFrameSize is the largest frame that is read, and announced to peers.
	MaxFrameSize = 65536
	// MinMaxFrameSize is what every peer accepts before it said more.
	MinMaxFrameSize = 512

	frameHeader = 8
)

// Frame is one frame as read. Performative is nil in an empty frame, which a
// peer sends to show that it is alive. Payload is only valid until the next
// frame is read.
type Frame struct {
	Type         byte
	Channel      uint16
	Performative Performative
	Payload      []byte
}

// FrameReader reads frames one after the other into one buffer.
type FrameReader struct {
	r   io.Reader
	buf []byte
}

// NewFrameReader returns a reader of frames; r should be buffered.
func NewFrameReader(r io.Reader) *FrameReader { return &FrameReader{r: r} }

// Read returns the next frame. The error is io.EOF only between two frames.
func (fr *FrameReader) Read() (Frame, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(fr.r, header[:]); err != nil {
		return Frame{}, err
	}
	size, offset := binary.BigEndian.Uint32(header[:]), 4*uint32(header[4])
	if size > MaxFrameSize || offset < frameHeader || offset > size {
		return Frame{}, fmt.Errorf("amqp: frame of %d bytes with data at %d", size, offset)
	}
	if uint32(cap(fr.buf)) < size {
		fr.buf = make([]byte, MaxFrameSize)
	}
	body := fr.buf[:size-frameHeader]
	if _, err := io.ReadFull(fr.r, body); err != nil {
		return Frame{}, io.ErrUnexpectedEOF
	}
	f := Frame{Type: header[5], Channel: binary.BigEndian.Uint16(header[6:])}
	return f, f.decode(body[offset-frameHeader:])
}

func (f *Frame) decode(body []byte) (err error) {
	if len(body) == 0 {
		return nil
	}
	value, payload, err := Decode(body)
	if err != nil {
		return err
	}
	f.Performative, err = parsePerformative(value)
	f.Payload = payload
	return err
}

// AppendFrame encodes a frame at the end of b. A nil performative makes the
// empty frame.
func AppendFrame(b []byte, frameType byte, channel uint16, p Performative, payload []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, frameHeader/4, frameType, byte(channel>>8), byte(channel))
	if p != nil {
		b = Append(b, Described{p.code(), p.fields()})
	}
	b = append(b, payload...)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}
