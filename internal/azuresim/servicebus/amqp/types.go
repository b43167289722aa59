package amqp

import "fmt"

// Values are held in Go as follows:
//
//	null, boolean        nil, bool
//	ubyte … ulong        uint8, uint16, uint32, uint64
//	byte … long          int8, int16, int32, int64
//	float, double        float32, float64
//	timestamp            time.Time
//	uuid                 UUID
//	binary               []byte
//	string, symbol       string, Symbol
//	list, map, array     List, Map, Array
//	described value      Described
//	char, decimal        Opaque
type (
	// Symbol is an AMQP symbol, an ASCII name.
	Symbol string
	// UUID is an AMQP uuid in the byte order of RFC 4122.
	UUID [16]byte
	// List is an AMQP list.
	List []any
	// Map is an AMQP map; the order of its entries is kept.
	Map []Entry
	// Entry is one key and value of a Map.
	Entry struct{ Key, Value any }
	// Described is a value with a descriptor: a uint64 or a Symbol.
	Described struct{ Descriptor, Value any }
	// Array is a decoded array. It is encoded again exactly as it came.
	Array struct {
		Items []any
		raw   Opaque
	}
	// Opaque is the complete encoding of a value that is only passed on.
	Opaque []byte
)

// Get returns the value under a string or symbol key, nil if there is none.
func (m Map) Get(key string) any {
	value, _ := m.Lookup(key)
	return value
}

// Lookup returns the value under a string or symbol key.
func (m Map) Lookup(key string) (value any, found bool) {
	for _, e := range m {
		if Text(e.Key) == key {
			return e.Value, true
		}
	}
	return nil, false
}

// With returns a copy of the map in which key has the value.
func (m Map) With(key, value any) Map {
	name := Text(key)
	changed := make(Map, 0, len(m)+1)
	for _, e := range m {
		if Text(e.Key) != name {
			changed = append(changed, e)
		}
	}
	return append(changed, Entry{key, value})
}

// Text returns the text of a string or a symbol, "" for everything else.
func Text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case Symbol:
		return string(v)
	}
	return ""
}

// Integer returns any AMQP integer as an int64.
func Integer(value any) (n int64, ok bool) {
	switch v := value.(type) {
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), v <= 1<<63-1
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

// Items returns the members of a list or an array.
func Items(value any) []any {
	switch v := value.(type) {
	case List:
		return v
	case Array:
		return v.Items
	}
	return nil
}

// Fields returns the descriptor code and the fields of a composite value.
func Fields(value any) (code uint64, fields List) {
	d, _ := value.(Described)
	code, _ = d.Descriptor.(uint64)
	fields, _ = d.Value.(List)
	return code, fields
}

// At returns the i-th field, nil where the list is shorter: AMQP lets a sender
// leave trailing nulls out.
func (l List) At(i int) any {
	if i < len(l) {
		return l[i]
	}
	return nil
}

// GUID returns the id in the byte order of a .NET Guid, which Service Bus uses
// for delivery tags; applied twice it gives the id back.
func (u UUID) GUID() UUID {
	u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
	u[4], u[5], u[6], u[7] = u[5], u[4], u[7], u[6]
	return u
}

func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
