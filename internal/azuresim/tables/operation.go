package tables

import (
	"net/http"
	"net/url"
)

// operation is a request, by itself or as part of a batch.
type operation struct {
	method string
	target resource
	values url.Values
	header http.Header
	asked  wish
	base   string // the account's address as the client wrote it
	body   []byte
}

func newOperation(method string, address *url.URL, header http.Header, base string, body []byte) (operation, error) {
	values := address.Query()
	o := operation{
		method: method, values: values, header: header, base: base, body: body,
		asked: wishOf(header, values.Get("$format")),
	}
	var err error
	if o.target, err = parseResource(address.EscapedPath()); err != nil {
		return o, err
	}
	if o.asked.atom {
		return o, errAtomNotSupported
	}
	o.method, err = tunneled(method, header)
	return o, err
}

// tunneled is the method behind X-HTTP-Method, for clients that can only POST.
func tunneled(method string, header http.Header) (string, error) {
	inner := header.Values("X-HTTP-Method")
	switch {
	case len(inner) == 0:
		return method, nil
	case len(inner) > 1:
		return "", &refusal{http.StatusBadRequest, "XMethodIncorrectCount", "More than one X-HTTP-Method is specified."}
	case method != http.MethodPost:
		return "", &refusal{http.StatusBadRequest, "XMethodNotUsingPost", "The request uses X-HTTP-Method with an HTTP verb other than POST."}
	}
	switch inner[0] {
	case "MERGE", http.MethodPatch, http.MethodPut, http.MethodDelete:
		return inner[0], nil
	}
	return "", &refusal{http.StatusBadRequest, "XMethodIncorrectValue", "The specified X-HTTP-Method is invalid."}
}

func (o operation) view(t *table, chosen []string) view {
	return view{base: o.base, table: t.name, level: o.asked.level, chosen: chosen}
}

// change reads the write that the operation asks for.
func (o operation) change() (change, error) {
	c := change{key: o.target.key, ifMatch: o.header.Get("If-Match")}
	switch {
	case o.target.kind == entities && o.method == http.MethodPost:
		return o.insertion()
	case o.target.kind != entity:
		return change{}, errMethodNotAllowed
	case o.method == http.MethodDelete:
		c.verb = remove
		return c, c.check()
	case o.method == http.MethodPut:
		c.verb = replace
	case o.method == http.MethodPatch || o.method == "MERGE":
		c.verb = merge
	default:
		return change{}, errMethodNotAllowed
	}
	var err error
	if c.properties, err = decodeEntity(o.body); err != nil {
		return change{}, err
	}
	delete(c.properties, "PartitionKey")
	delete(c.properties, "RowKey")
	return c, c.check()
}

func (o operation) insertion() (change, error) {
	properties, err := decodeEntity(o.body)
	if err != nil {
		return change{}, err
	}
	partitionKey, hasPartition := properties["PartitionKey"].(string)
	rowKey, hasRow := properties["RowKey"].(string)
	if !hasPartition || !hasRow {
		return change{}, errPropertiesNeedValue
	}
	delete(properties, "PartitionKey")
	delete(properties, "RowKey")
	c := change{verb: insert, key: key{partitionKey, rowKey}, properties: properties}
	return c, c.check()
}

// done answers a write that was made; e is nil if the row is gone.
func (o operation) done(t *table, c change, e *Entity) answer {
	if e == nil {
		return noContent()
	}
	if c.verb != insert {
		return noContent().with("ETag", e.ETag)
	}
	address := o.base + "/" + t.name + e.address()
	created := o.asked.created(o.view(t, nil).one(e)).with("ETag", e.ETag).with("Location", address)
	if o.asked.silent {
		created.header.Set("DataServiceId", address)
	}
	return created
}
