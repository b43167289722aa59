package tables

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// bounds limit which rows a query looks at: those whose keys lie in both ranges,
// from a row on.
type bounds struct {
	partitions odata.Range
	rows       odata.Range
	from       key
}

func everything() bounds {
	return bounds{partitions: odata.Range{Endless: true}, rows: odata.Range{Endless: true}}
}

// query is one page's request.
// https://learn.microsoft.com/rest/api/storageservices/query-entities
type query struct {
	filter odata.Filter
	top    int
	chosen []string
	from   key
}

func parseQuery(values url.Values) (query, error) {
	q := query{chosen: parseSelect(values.Get("$select"))}
	var err error
	if q.filter, err = odata.Parse(values.Get("$filter")); err != nil {
		return query{}, invalidInput("The query condition specified in the request is invalid: " + err.Error())
	}
	if q.top, err = parseTop(values); err != nil {
		return query{}, err
	}
	if q.from.partition, err = decodeToken(values.Get("NextPartitionKey")); err != nil {
		return query{}, err
	}
	q.from.row, err = decodeToken(values.Get("NextRowKey"))
	return q, err
}

func parseSelect(list string) []string {
	if list == "" || list == "*" {
		return nil
	}
	names := strings.Split(list, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

func parseTop(values url.Values) (int, error) {
	if !values.Has("$top") {
		return maxPage, nil
	}
	top, err := strconv.Atoi(values.Get("$top"))
	if err != nil || top < 0 || top > maxPage {
		return 0, invalidInput("The value of $top is not a whole number from 0 to 1000.")
	}
	return top, nil
}

func (q query) bounds() bounds {
	return bounds{partitions: q.filter.Range("PartitionKey"), rows: q.filter.Range("RowKey"), from: q.from}
}

// page returns the rows of a page, and the one that the next page starts with.
func (t *table) page(q query) (rows []*Entity, next *Entity) {
	t.scan(q.bounds(), func(e *Entity) bool {
		if !q.filter.Match(e.value) {
			return true
		}
		if len(rows) == q.top {
			next = e
			return false
		}
		rows = append(rows, e)
		return true
	})
	if q.top == 0 {
		return nil, nil
	}
	return rows, next
}

func (a *Account) queryEntities(o operation) (answer, error) {
	t, err := a.table(o.target.table)
	if err != nil {
		return answer{}, err
	}
	q, err := parseQuery(o.values)
	if err != nil {
		return answer{}, err
	}
	rows, next := t.page(q)
	found := newAnswer(http.StatusOK, o.asked.level.contentType(), o.view(t, q.chosen).many(rows))
	if next != nil {
		found.header.Set("x-ms-continuation-NextPartitionKey", encodeToken(next.PartitionKey))
		found.header.Set("x-ms-continuation-NextRowKey", encodeToken(next.RowKey))
	}
	return found, nil
}

// encodeToken makes any key fit into a header. Clients must not look inside.
func encodeToken(text string) string {
	encoded := base64.URLEncoding.EncodeToString([]byte(text))
	return "1!" + strconv.Itoa(len(encoded)) + "!" + encoded
}

func decodeToken(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	parts := strings.Split(token, "!")
	if len(parts) == 3 && parts[0] == "1" {
		if text, err := base64.URLEncoding.DecodeString(parts[2]); err == nil {
			return string(text), nil
		}
	}
	return "", invalidInput("The continuation token is not valid.")
}
