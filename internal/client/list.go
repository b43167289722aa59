package client

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strconv"
)

// mostOnPage is the longest page that the API gives.
const mostOnPage = 1000

// List is a list, from its beginning.
type List struct {
	Items []json.RawMessage
	// Document is the API's own where one page was enough; else it has the same form
	// and all items.
	Document []byte
	More     bool // whether there are more items than were asked for
}

// List follows a list from page to page until it has so many items, or all. Pages are
// of the API's own length unless one is given.
func (c *Client) List(ctx context.Context, path string, query url.Values, most, page int) (List, error) {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	if page > 0 {
		query.Set("limit", strconv.Itoa(min(page, mostOnPage)))
	}
	var all List
	for {
		answer, err := c.Do(ctx, Request{Path: path, Query: query})
		if err != nil {
			return all, err
		}
		var p struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next"`
		}
		if err := answer.Decode(&p); err != nil {
			return all, err
		}
		first := all.Document == nil
		all.Items = append(all.Items, p.Items...)
		all.Document = answer.Body
		all.More = p.Next != nil && *p.Next != ""
		if !all.More || len(all.Items) >= most {
			return all.whole(first, p.Next)
		}
		if *p.Next == query.Get("cursor") {
			return all, &Unreachable{errors.New("client: the server gives the same page again and again; is the address right?")}
		}
		query.Set("cursor", *p.Next)
	}
}

// whole makes one document of several pages.
func (l List) whole(onePage bool, next *string) (List, error) {
	if onePage {
		return l, nil
	}
	var err error
	l.Document, err = json.Marshal(struct {
		Items []json.RawMessage `json:"items"`
		Next  *string           `json:"next"`
	}{l.Items, next})
	return l, err
}
