package tables

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// answerListing creates, deletes and lists tables.
// https://learn.microsoft.com/rest/api/storageservices/operations-on-tables
func (a *Account) answerListing(o operation) (answer, error) {
	named := o.target.table != ""
	switch {
	case o.method == http.MethodPost && !named:
		return a.answerCreate(o)
	case o.method == http.MethodGet && !named:
		return a.answerList(o)
	case o.method == http.MethodGet:
		return a.answerTable(o)
	case o.method == http.MethodDelete && named:
		return noContent(), a.deleteTable(o.target.table)
	}
	return answer{}, errMethodNotAllowed
}

func (a *Account) answerCreate(o operation) (answer, error) {
	var asked struct{ TableName string }
	if err := json.Unmarshal(o.body, &asked); err != nil {
		return answer{}, invalidInput(processing)
	}
	if err := a.createTable(asked.TableName); err != nil {
		return answer{}, err
	}
	return o.asked.created(o.showTable(asked.TableName)).
		with("Location", o.base+"/Tables('"+asked.TableName+"')"), nil
}

func (a *Account) answerTable(o operation) (answer, error) {
	t, err := a.table(o.target.table)
	if err != nil {
		return answer{}, errResourceNotFound
	}
	return newAnswer(http.StatusOK, o.asked.level.contentType(), o.showTable(t.name)), nil
}

// answerList pages and filters by name.
// https://learn.microsoft.com/rest/api/storageservices/query-tables
func (a *Account) answerList(o operation) (answer, error) {
	q, err := parseQuery(o.values)
	if err != nil {
		return answer{}, err
	}
	from, err := decodeToken(o.values.Get("NextTableName"))
	if err != nil {
		return answer{}, err
	}
	tables := slices.DeleteFunc(a.list(), func(t *table) bool {
		return t.key() < from || !q.filter.Match(t.value)
	})
	shown := tables[:min(q.top, len(tables))]
	found := newAnswer(http.StatusOK, o.asked.level.contentType(), o.showTables(shown))
	if q.top > 0 && len(tables) > q.top {
		found.header.Set("x-ms-continuation-NextTableName", encodeToken(tables[q.top].key()))
	}
	return found, nil
}

// value is the table as filters see it.
func (t *table) value(property string) (any, bool) {
	return t.name, property == "TableName"
}

func (o operation) showTable(name string) []byte {
	var shown object
	if o.asked.level != noMetadata {
		shown.text("odata.metadata", o.base+"/$metadata#Tables/@Element")
	}
	o.fillTable(&shown, name)
	return shown.close()
}

func (o operation) showTables(tables []*table) []byte {
	var list [][]byte
	for _, t := range tables {
		var shown object
		o.fillTable(&shown, t.name)
		list = append(list, shown.close())
	}
	var all object
	if o.asked.level != noMetadata {
		all.text("odata.metadata", o.base+"/$metadata#Tables")
	}
	all.raw("value", slices.Concat([]byte("["), bytes.Join(list, []byte(",")), []byte("]")))
	return all.close()
}

func (o operation) fillTable(shown *object, name string) {
	if o.asked.level == fullMetadata {
		address := "Tables('" + strings.ReplaceAll(name, "'", "''") + "')"
		shown.text("odata.type", accountName+".Tables")
		shown.text("odata.id", o.base+"/"+address)
		shown.text("odata.editLink", address)
	}
	shown.text("TableName", name)
}
