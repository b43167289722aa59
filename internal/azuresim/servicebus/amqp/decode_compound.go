package amqp

import (
	"encoding/binary"
	"errors"
)

var (
	errOddMap = errors.New("amqp: map with a key but no value")
	errLong   = errors.New("amqp: compound value is larger than its members")
)

// compound reads a list, a map or an array out of the bytes that its size
// announces, so that no member can reach beyond it.
func (d *decoder) compound(code byte, depth int) (any, error) {
	short := code>>4 == 0xc || code>>4 == 0xe
	data, err := d.sized(short)
	if err != nil {
		return nil, err
	}
	body := decoder{b: data}
	width := uint64(4)
	if short {
		width = 1
	}
	counted, err := body.take(width)
	if err != nil {
		return nil, err
	}
	value, err := body.members(code, data, number(counted), depth)
	if err == nil && len(body.b) > 0 {
		err = errLong
	}
	return value, err
}

func (d *decoder) members(code byte, data []byte, count uint64, depth int) (any, error) {
	switch code {
	case codeListSm, codeList:
		return d.list(count, depth)
	case codeMapSm, codeMap:
		return d.pairs(count, depth)
	case codeArraySm, codeArray:
		return d.array(code, data, count, depth)
	}
	return nil, unknownCode(code)
}

func (d *decoder) list(count uint64, depth int) (any, error) {
	if count > uint64(len(d.b)) { // every member takes a byte at least
		return nil, errShort
	}
	items := make(List, count)
	for i := range items {
		var err error
		if items[i], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (d *decoder) pairs(count uint64, depth int) (any, error) {
	if count%2 != 0 {
		return nil, errOddMap
	}
	items, err := d.list(count, depth)
	if err != nil {
		return nil, err
	}
	flat := items.(List)
	entries := make(Map, len(flat)/2)
	for i := range entries {
		entries[i] = Entry{flat[2*i], flat[2*i+1]}
	}
	return entries, nil
}

func (d *decoder) array(code byte, data []byte, count uint64, depth int) (any, error) {
	whole := Opaque{code, byte(len(data))}
	if code == codeArray {
		whole = binary.BigEndian.AppendUint32(Opaque{code}, uint32(len(data)))
	}
	whole = append(whole, data...)
	descriptor, item, err := d.constructor(depth)
	if err != nil {
		return nil, err
	}
	if empty := item>>4 == 0x4; !empty && count > uint64(len(d.b)) || empty && count > maxEmptyItems {
		return nil, errShort
	}
	items := make([]any, count)
	for i := range items {
		if items[i], err = d.plain(item, depth+1); err != nil {
			return nil, err
		}
		if descriptor != nil {
			items[i] = Described{descriptor, items[i]}
		}
	}
	return Array{Items: items, raw: whole}, nil
}

// constructor reads what the members of an array share.
func (d *decoder) constructor(depth int) (descriptor any, code byte, err error) {
	if code, err = d.code(); err != nil || code != codeDescribed {
		return nil, code, err
	}
	if descriptor, err = d.value(depth + 1); err != nil {
		return nil, 0, err
	}
	code, err = d.code()
	if err == nil && code == codeDescribed {
		err = unknownCode(code)
	}
	return descriptor, code, err
}

// Skip returns what follows the value at the front of b, without decoding it.
func Skip(b []byte) (rest []byte, err error) {
	d := decoder{b: b}
	code, err := d.code()
	for err == nil && code == codeDescribed {
		if code, err = d.code(); err != nil { // the descriptor's own code
			break
		}
		if err = d.skip(code); err == nil {
			code, err = d.code()
		}
	}
	if err != nil {
		return nil, err
	}
	err = d.skip(code)
	return d.b, err
}

func (d *decoder) skip(code byte) (err error) {
	switch code >> 4 {
	case 0x4:
	case 0x5, 0x6, 0x7, 0x8, 0x9:
		_, err = d.take(1 << (code>>4 - 5))
	case 0xa, 0xc, 0xe:
		_, err = d.sized(true)
	case 0xb, 0xd, 0xf:
		_, err = d.sized(false)
	default:
		err = unknownCode(code)
	}
	return err
}
