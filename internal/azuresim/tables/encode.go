package tables

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// object is a JSON object whose members keep their order.
type object struct{ bytes.Buffer }

func (o *object) raw(name string, value []byte) {
	separator := byte(',')
	if o.Len() == 0 {
		separator = '{'
	}
	o.WriteByte(separator)
	o.Write(quote(name))
	o.WriteByte(':')
	o.Write(value)
}

func (o *object) text(name, value string) { o.raw(name, quote(value)) }

func (o *object) close() []byte {
	if o.Len() == 0 {
		o.WriteByte('{')
	}
	o.WriteByte('}')
	return o.Bytes()
}

// quote returns the text as JSON. Nearly all texts of rows need quotes alone.
func quote(text string) []byte {
	if strings.IndexFunc(text, needsEscape) < 0 {
		return append(append(append(make([]byte, 0, len(text)+2), '"'), text...), '"')
	}
	quoted, _ := json.Marshal(text) // strings always marshal
	return quoted
}

func needsEscape(r rune) bool {
	return r < ' ' || r > '~' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&'
}

// view is how answers to one request show entities.
type view struct {
	base   string // the account's address
	table  string
	level  level
	chosen []string // $select; nil shows everything
}

// one is the body of an answer that is a single entity.
func (v view) one(e *Entity) []byte {
	var o object
	if v.level != noMetadata {
		o.text("odata.metadata", v.base+"/$metadata#"+v.table+"/@Element")
	}
	v.fill(&o, e)
	return o.close()
}

// many is the body of an answer to a query.
func (v view) many(found []*Entity) []byte {
	var list bytes.Buffer
	for i, e := range found {
		if i > 0 {
			list.WriteByte(',')
		}
		var o object
		v.fill(&o, e)
		list.Write(o.close())
	}
	var o object
	if v.level != noMetadata {
		o.text("odata.metadata", v.base+"/$metadata#"+v.table)
	}
	o.raw("value", slices.Concat([]byte("["), list.Bytes(), []byte("]")))
	return o.close()
}

func (v view) fill(o *object, e *Entity) {
	address := v.table + e.address()
	if v.level == fullMetadata {
		o.text("odata.type", accountName+"."+v.table)
		o.text("odata.id", v.base+"/"+address)
	}
	if v.level != noMetadata {
		o.text("odata.etag", e.ETag)
	}
	if v.level == fullMetadata {
		o.text("odata.editLink", address)
	}
	for _, name := range v.names(e) {
		v.property(o, e, name)
	}
}

func (v view) names(e *Entity) []string {
	if v.chosen != nil {
		return v.chosen
	}
	system := []string{"PartitionKey", "RowKey", "Timestamp"}
	return append(system, slices.Sorted(maps.Keys(e.Properties))...)
}

func (v view) property(o *object, e *Entity, name string) {
	value, ok := e.value(name)
	if !ok {
		o.raw(name, []byte("null"))
		return
	}
	encoded, edmType := encodeValue(value)
	known := name == "Timestamp" && v.level == minimalMetadata
	if edmType != "" && v.level != noMetadata && !known {
		o.text(name+typeSuffix, edmType)
	}
	o.raw(name, encoded)
}

// encodeValue returns the type only where JSON's own does not tell it.
func encodeValue(value any) (encoded []byte, edmType string) {
	switch value := value.(type) {
	case bool:
		return strconv.AppendBool(nil, value), ""
	case int32:
		return strconv.AppendInt(nil, int64(value), 10), ""
	case float64:
		return encodeDouble(value)
	case int64:
		return quote(strconv.FormatInt(value, 10)), "Edm.Int64"
	case time.Time:
		return quote(value.Format("2006-01-02T15:04:05.9999999Z")), "Edm.DateTime"
	case odata.GUID:
		return quote(string(value)), "Edm.Guid"
	case []byte:
		return quote(base64.StdEncoding.EncodeToString(value)), "Edm.Binary"
	case string:
		return quote(value), ""
	}
	return []byte("null"), ""
}

// encodeDouble keeps whole numbers apart from Edm.Int32 by their point.
func encodeDouble(value float64) (encoded []byte, edmType string) {
	switch {
	case math.IsNaN(value):
		return quote("NaN"), "Edm.Double"
	case math.IsInf(value, 1):
		return quote("Infinity"), "Edm.Double"
	case math.IsInf(value, -1):
		return quote("-Infinity"), "Edm.Double"
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return []byte(text), ""
}

// address is the row's part of its address.
func (e *Entity) address() string {
	return "(PartitionKey='" + quoteKey(e.PartitionKey) + "',RowKey='" + quoteKey(e.RowKey) + "')"
}

func quoteKey(key string) string {
	return url.PathEscape(strings.ReplaceAll(key, "'", "''"))
}
