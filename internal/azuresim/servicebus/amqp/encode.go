package amqp

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Type codes, part 1, section 1.6.
const (
	codeDescribed = 0x00
	codeNull      = 0x40
	codeTrue      = 0x41
	codeFalse     = 0x42
	codeUint0     = 0x43
	codeUlong0    = 0x44
	codeList0     = 0x45
	codeUbyte     = 0x50
	codeByte      = 0x51
	codeUintSm    = 0x52
	codeUlongSm   = 0x53
	codeIntSm     = 0x54
	codeLongSm    = 0x55
	codeBool      = 0x56
	codeUshort    = 0x60
	codeShort     = 0x61
	codeUint      = 0x70
	codeInt       = 0x71
	codeFloat     = 0x72
	codeChar      = 0x73
	codeDecimal32 = 0x74
	codeUlong     = 0x80
	codeLong      = 0x81
	codeDouble    = 0x82
	codeTimestamp = 0x83
	codeDecimal64 = 0x84
	codeDecimal   = 0x94
	codeUUID      = 0x98
	codeBinarySm  = 0xa0
	codeStringSm  = 0xa1
	codeSymbolSm  = 0xa3
	codeBinary    = 0xb0
	codeString    = 0xb1
	codeSymbol    = 0xb3
	codeListSm    = 0xc0
	codeMapSm     = 0xc1
	codeList      = 0xd0
	codeMap       = 0xd1
	codeArraySm   = 0xe0
	codeArray     = 0xf0
)

// Append encodes a value at the end of b. Slices of Symbol, int64, string and
// time.Time become arrays. Values of types other than those listed at the top
// of this package are a mistake of the caller and panic.
func Append(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, codeNull)
	case bool:
		return appendBool(b, v)
	case string:
		return appendVariable(b, codeStringSm, v)
	case Symbol:
		return appendVariable(b, codeSymbolSm, v)
	case []byte:
		return appendVariable(b, codeBinarySm, v)
	case time.Time:
		return binary.BigEndian.AppendUint64(append(b, codeTimestamp), uint64(v.UnixMilli()))
	case UUID:
		return append(append(b, codeUUID), v[:]...)
	case Opaque:
		return append(b, v...)
	case Array:
		return append(b, v.raw...)
	case Described:
		return Append(Append(append(b, codeDescribed), v.Descriptor), v.Value)
	case List:
		return appendList(b, v)
	case Map:
		return appendMap(b, v)
	}
	if isNumber(value) {
		return appendNumber(b, value)
	}
	return appendArray(b, value)
}

func isNumber(value any) bool {
	switch value.(type) {
	case uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64:
		return true
	}
	return false
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

func appendNumber(b []byte, value any) []byte {
	be := binary.BigEndian
	switch v := value.(type) {
	case uint8:
		return append(b, codeUbyte, v)
	case uint16:
		return be.AppendUint16(append(b, codeUshort), v)
	case uint32:
		return appendUint(b, v)
	case uint64:
		return appendUlong(b, v)
	case int8:
		return append(b, codeByte, byte(v))
	case int16:
		return be.AppendUint16(append(b, codeShort), uint16(v))
	case int32:
		return be.AppendUint32(append(b, codeInt), uint32(v))
	case int64:
		return be.AppendUint64(append(b, codeLong), uint64(v))
	case float32:
		return be.AppendUint32(append(b, codeFloat), math.Float32bits(v))
	default:
		return be.AppendUint64(append(b, codeDouble), math.Float64bits(v.(float64)))
	}
}

func appendUint(b []byte, v uint32) []byte {
	switch {
	case v == 0:
		return append(b, codeUint0)
	case v <= math.MaxUint8:
		return append(b, codeUintSm, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(b, codeUint), v)
}

func appendUlong(b []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(b, codeUlong0)
	case v <= math.MaxUint8:
		return append(b, codeUlongSm, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(b, codeUlong), v)
}

// appendVariable relies on every long form's code lying 0x10 above the short one.
func appendVariable[T ~string | ~[]byte](b []byte, short byte, v T) []byte {
	if len(v) <= math.MaxUint8 {
		return append(append(b, short, byte(len(v))), v...)
	}
	b = binary.BigEndian.AppendUint32(append(b, short+0x10), uint32(len(v)))
	return append(b, v...)
}

func appendList(b []byte, v List) []byte {
	if len(v) == 0 {
		return append(b, codeList0)
	}
	b, start := beginCompound(b, codeList, len(v))
	for _, item := range v {
		b = Append(b, item)
	}
	return endCompound(b, start)
}

func appendMap(b []byte, v Map) []byte {
	b, start := beginCompound(b, codeMap, 2*len(v))
	for _, e := range v {
		b = Append(Append(b, e.Key), e.Value)
	}
	return endCompound(b, start)
}

func appendArray(b []byte, value any) []byte {
	switch v := value.(type) {
	case []Symbol:
		return appendItems(b, codeSymbol, v, func(b []byte, s Symbol) []byte {
			return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
		})
	case []string:
		return appendItems(b, codeString, v, func(b []byte, s string) []byte {
			return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
		})
	case []int64:
		return appendItems(b, codeLong, v, func(b []byte, n int64) []byte {
			return binary.BigEndian.AppendUint64(b, uint64(n))
		})
	case []time.Time:
		return appendItems(b, codeTimestamp, v, func(b []byte, t time.Time) []byte {
			return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
		})
	}
	panic(fmt.Sprintf("amqp: cannot encode %T", value))
}

func appendItems[T any](b []byte, code byte, items []T, appendItem func([]byte, T) []byte) []byte {
	b, start := beginCompound(b, codeArray, len(items))
	b = append(b, code)
	for _, item := range items {
		b = appendItem(b, item)
	}
	return endCompound(b, start)
}

// beginCompound leaves room for the size, which endCompound fills in.
func beginCompound(b []byte, code byte, count int) (out []byte, start int) {
	b = append(b, code, 0, 0, 0, 0)
	start = len(b)
	return binary.BigEndian.AppendUint32(b, uint32(count)), start
}

func endCompound(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start-4:], uint32(len(b)-start))
	return b
}
