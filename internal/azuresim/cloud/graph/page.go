package graph

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// collection is a set of objects that can be listed.
type collection[T any] struct {
	of    entityType
	show  func(T) map[string]any
	field func(one T, property string) string
}

// skipToken names the last object of a page and the replica that it came from:
// the next page comes from the same one.
type skipToken struct {
	replica int
	last    string
}

func (t skipToken) encode() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", t.replica, t.last))
}

// pageStart is where a page begins: where the token says, or with the replica
// whose turn it is.
func (s *Service) pageStart(set, token string) (from skipToken, err error) {
	if token == "" {
		return skipToken{replica: s.nextReplica(set)}, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return from, expiredPage()
	}
	_, err = fmt.Sscanf(string(plain), "%d %s", &from.replica, &from.last)
	if err != nil || from.replica < 0 || from.replica >= s.opts.Replicas {
		return from, expiredPage()
	}
	return from, nil
}

func expiredPage() *problem {
	return badRequest("Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
}

// page answers a GET of a collection: filtered, sorted, and cut to one page. read
// lists the objects as they were some time ago.
func (c collection[T]) page(s *Service, r *request, read func(lag time.Duration) []T) (*answer, error) {
	query := r.URL.Query()
	options, err := readOptions(query, c.of)
	if err != nil {
		return nil, err
	}
	from, err := s.pageStart(c.of.set, options.skipToken)
	if err != nil {
		return nil, err
	}
	objects := c.arrange(read(s.lag(from.replica)), options)
	body := map[string]any{"@odata.context": metadata(c.of.set + options.suffix())}
	if options.count && strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual") {
		body["@odata.count"] = len(objects)
	}
	if objects, err = c.after(objects, from.last); err != nil {
		return nil, err
	}
	if len(objects) > options.top {
		objects = objects[:options.top]
		from.last = c.field(objects[len(objects)-1], "id")
		query.Set("$skiptoken", from.encode())
		body["@odata.nextLink"] = link(cmp.Or(c.of.path, c.of.set), query)
	}
	body["value"] = showAll(objects, func(one T) map[string]any { return options.project(c.show(one)) })
	return ok(body), nil
}

// arrange filters and sorts.
func (c collection[T]) arrange(objects []T, o options) []T {
	if o.filter != nil {
		objects = slices.DeleteFunc(objects, func(one T) bool { return !o.filter.matches(c.field(one, o.filter.property)) })
	}
	if o.orderBy == "" {
		return objects
	}
	slices.SortStableFunc(objects, func(a, b T) int {
		order := cmp.Compare(strings.ToLower(c.field(a, o.orderBy)), strings.ToLower(c.field(b, o.orderBy)))
		if o.descending {
			return -order
		}
		return order
	})
	return objects
}

// after drops what earlier pages had.
func (c collection[T]) after(objects []T, last string) ([]T, error) {
	if last == "" {
		return objects, nil
	}
	i := slices.IndexFunc(objects, func(one T) bool { return c.field(one, "id") == last })
	if i < 0 {
		return nil, expiredPage()
	}
	return objects[i+1:], nil
}

func link(path string, query url.Values) string { return base + path + "?" + query.Encode() }
