package amqp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	maxDepth = 32
	// maxEmptyItems bounds arrays whose members take no bytes at all.
	maxEmptyItems = 1024
)

var (
	errShort = errors.New("amqp: value ends early")
	errDepth = errors.New("amqp: values nested too deep")
)

// Decode reads one value from the front of b and returns what follows it.
// Binary values share b's memory.
func Decode(b []byte) (value any, rest []byte, err error) {
	d := decoder{b: b}
	value, err = d.value(0)
	return value, d.b, err
}

// decoder consumes b from the front.
type decoder struct{ b []byte }

func (d *decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.b)) {
		return nil, errShort
	}
	taken := d.b[:n:n]
	d.b = d.b[n:]
	return taken, nil
}

func (d *decoder) code() (byte, error) {
	c, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return c[0], nil
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	code, err := d.code()
	if err != nil {
		return nil, err
	}
	if code != codeDescribed {
		return d.plain(code, depth)
	}
	descriptor, err := d.value(depth + 1)
	if err != nil {
		return nil, err
	}
	described, err := d.value(depth + 1)
	return Described{descriptor, described}, err
}

// plain reads the value that a type code announces. The high half of the code
// gives the width of the data or of its length.
func (d *decoder) plain(code byte, depth int) (any, error) {
	switch code >> 4 {
	case 0x4:
		return empty(code)
	case 0x5, 0x6, 0x7, 0x8, 0x9:
		width := [...]uint64{1, 2, 4, 8, 16}[code>>4-5]
		data, err := d.take(width)
		if err != nil {
			return nil, err
		}
		return fixed(code, data)
	case 0xa, 0xb:
		data, err := d.sized(code>>4 == 0xa)
		if err != nil {
			return nil, err
		}
		return variable(code, data)
	case 0xc, 0xd, 0xe, 0xf:
		return d.compound(code, depth)
	}
	return nil, unknownCode(code)
}

func unknownCode(code byte) error { return fmt.Errorf("amqp: unknown type code %#x", code) }

func empty(code byte) (any, error) {
	switch code {
	case codeNull:
		return nil, nil
	case codeTrue:
		return true, nil
	case codeFalse:
		return false, nil
	case codeUint0:
		return uint32(0), nil
	case codeUlong0:
		return uint64(0), nil
	case codeList0:
		return List{}, nil
	}
	return nil, unknownCode(code)
}

func fixed(code byte, data []byte) (any, error) {
	switch len(data) {
	case 1:
		return fixed1(code, data[0])
	case 2:
		return fixed2(code, binary.BigEndian.Uint16(data))
	case 4:
		return fixed4(code, data)
	case 8:
		return fixed8(code, data)
	}
	switch code {
	case codeUUID:
		return UUID(data), nil
	case codeDecimal:
		return opaque(code, data), nil
	}
	return nil, unknownCode(code)
}

func fixed1(code, v byte) (any, error) {
	switch code {
	case codeUbyte:
		return v, nil
	case codeByte:
		return int8(v), nil
	case codeUintSm:
		return uint32(v), nil
	case codeUlongSm:
		return uint64(v), nil
	case codeIntSm:
		return int32(int8(v)), nil
	case codeLongSm:
		return int64(int8(v)), nil
	case codeBool:
		return v != 0, nil
	}
	return nil, unknownCode(code)
}

func fixed2(code byte, v uint16) (any, error) {
	switch code {
	case codeUshort:
		return v, nil
	case codeShort:
		return int16(v), nil
	}
	return nil, unknownCode(code)
}

func fixed4(code byte, data []byte) (any, error) {
	v := binary.BigEndian.Uint32(data)
	switch code {
	case codeUint:
		return v, nil
	case codeInt:
		return int32(v), nil
	case codeFloat:
		return math.Float32frombits(v), nil
	case codeChar, codeDecimal32:
		return opaque(code, data), nil
	}
	return nil, unknownCode(code)
}

func fixed8(code byte, data []byte) (any, error) {
	v := binary.BigEndian.Uint64(data)
	switch code {
	case codeUlong:
		return v, nil
	case codeLong:
		return int64(v), nil
	case codeDouble:
		return math.Float64frombits(v), nil
	case codeTimestamp:
		return time.UnixMilli(int64(v)).UTC(), nil
	case codeDecimal64:
		return opaque(code, data), nil
	}
	return nil, unknownCode(code)
}

func opaque(code byte, data []byte) Opaque { return append(Opaque{code}, data...) }

// sized reads a length of one or four bytes and the data it announces.
func (d *decoder) sized(short bool) ([]byte, error) {
	width := uint64(4)
	if short {
		width = 1
	}
	length, err := d.take(width)
	if err != nil {
		return nil, err
	}
	return d.take(number(length))
}

func number(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

func variable(code byte, data []byte) (any, error) {
	switch code {
	case codeBinarySm, codeBinary:
		return data, nil
	case codeStringSm, codeString:
		return string(data), nil
	case codeSymbolSm, codeSymbol:
		return Symbol(data), nil
	}
	return nil, unknownCode(code)
}
