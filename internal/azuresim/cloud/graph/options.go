package graph

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPage = 100
	maxPage     = 999
)

// options are the OData query options that are simulated.
// https://learn.microsoft.com/graph/query-parameters
type options struct {
	selected   []string
	filter     *filter
	orderBy    string
	descending bool
	top        int
	skipToken  string
	count      bool
}

// readOptions reads a query strictly.
func readOptions(query url.Values, of entityType) (o options, err error) {
	o.top = defaultPage
	for name, values := range query {
		if len(values) != 1 {
			return o, badRequest("BadRequest", "Query option '"+name+"' was specified more than once, but it must be specified at most once.")
		}
		if err := o.read(name, values[0], of); err != nil {
			return o, err
		}
	}
	if o.filter != nil && o.orderBy != "" {
		return o, badRequest("Request_UnsupportedQuery", "Sorting not supported for current query.")
	}
	return o, nil
}

func (o *options) read(name, value string, of entityType) (err error) {
	switch name {
	case "$select":
		o.selected, err = readSelect(value, of)
	case "$filter":
		o.filter, err = readFilter(value, of)
	case "$orderby":
		err = o.readOrder(value)
	case "$top":
		err = o.readTop(value)
	case "$skiptoken":
		o.skipToken = value
	case "$count":
		o.count = value == "true"
	default:
		if strings.HasPrefix(name, "$") {
			err = badRequest("BadRequest", "The query parameter '"+name+"' is not supported.")
		}
	}
	return err
}

func readSelect(value string, of entityType) ([]string, error) {
	names := strings.Split(value, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if !of.knows(names[i]) {
			return nil, badRequest("BadRequest", fmt.Sprintf("Parsing OData Select and Expand failed: Could not find a property named '%s' on type 'microsoft.graph.%s'.", names[i], of.name))
		}
	}
	return names, nil
}

func (o *options) readOrder(value string) error {
	property, direction, _ := strings.Cut(strings.TrimSpace(value), " ")
	if property != "displayName" || direction != "" && direction != "asc" && direction != "desc" {
		return badRequest("Request_UnsupportedQuery", "Unsupported sort property '"+property+"' for the resource.")
	}
	o.orderBy, o.descending = property, direction == "desc"
	return nil
}

func (o *options) readTop(value string) (err error) {
	o.top, err = strconv.Atoi(value)
	if err != nil || o.top < 1 || o.top > maxPage {
		return badRequest("Request_UnsupportedQuery", "Invalid page size specified: '"+value+"'. Must be between 1 and 999 inclusive.")
	}
	return nil
}

func (o options) selects(property string) bool { return slices.Contains(o.selected, property) }

// project keeps what is selected. A property that exists and is not simulated is left out.
func (o options) project(shown map[string]any) map[string]any {
	if o.selected == nil {
		return shown
	}
	kept := map[string]any{}
	for _, name := range append([]string{"@odata.type"}, o.selected...) {
		if value, simulated := shown[name]; simulated {
			kept[name] = value
		}
	}
	return kept
}

// suffix is how a selection appears in @odata.context.
func (o options) suffix() string {
	if o.selected == nil {
		return ""
	}
	return "(" + strings.Join(o.selected, ",") + ")"
}
