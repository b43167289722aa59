package graph

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// page answers a GET of a collection: filtered, sorted, and cut to one page.
func page(r *request, of entityType, objects []map[string]any) (*answer, error) {
	query := r.URL.Query()
	options, err := readOptions(query, of)
	if err != nil {
		return nil, err
	}
	if options.filter != nil {
		objects = slices.DeleteFunc(objects, func(o map[string]any) bool { return !options.filter(o) })
	}
	if options.orderBy != "" {
		options.sort(objects)
	}
	body := map[string]any{"@odata.context": metadata(of.set + options.suffix())}
	if options.count && strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual") {
		body["@odata.count"] = len(objects)
	}
	if objects, err = options.after(objects); err != nil {
		return nil, err
	}
	if len(objects) > options.top {
		objects = objects[:options.top]
		query.Set("$skiptoken", skipToken(objects[len(objects)-1]))
		body["@odata.nextLink"] = link(of.set, query)
	}
	body["value"] = showAll(objects, options.project)
	return ok(body), nil
}

func (o options) sort(objects []map[string]any) {
	slices.SortStableFunc(objects, func(a, b map[string]any) int {
		left, _ := a[o.orderBy].(string)
		right, _ := b[o.orderBy].(string)
		order := cmp.Compare(strings.ToLower(left), strings.ToLower(right))
		if o.descending {
			return -order
		}
		return order
	})
}

// after drops what earlier pages had. A token names their last object.
func (o options) after(objects []map[string]any) ([]map[string]any, error) {
	if o.skipToken == "" {
		return objects, nil
	}
	i := slices.IndexFunc(objects, func(one map[string]any) bool { return skipToken(one) == o.skipToken })
	if i < 0 {
		return nil, badRequest("Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
	}
	return objects[i+1:], nil
}

func skipToken(last map[string]any) string {
	id, _ := last["id"].(string)
	return base64.RawURLEncoding.EncodeToString([]byte(id))
}

func link(path string, query url.Values) string { return base + path + "?" + query.Encode() }
