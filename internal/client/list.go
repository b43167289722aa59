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
	var pages pages
	for {
		answer, err := c.Do(ctx, Request{Path: path, Query: query})
		if err != nil {
			return all, err
		}
		var p struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		if err := answer.Decode(&p); err != nil {
			return all, err
		}
		all.Items, all.More = append(all.Items, p.Items...), p.Next != ""
		if all.Document, err = pages.with(answer); err != nil || !all.More || len(all.Items) >= most {
			return all, err
		}
		if p.Next == query.Get("cursor") {
			return all, &Unreachable{errors.New("client: the server gives the same page again and again; is the address right?")}
		}
		query.Set("cursor", p.Next)
	}
}

// pages are the pages of a list as one document.
type pages struct {
	count  int
	fields map[string]json.RawMessage
}

// with adds a page: lists become longer, and everything else is as the last page says.
func (p *pages) with(page Answer) ([]byte, error) {
	if p.count++; p.count == 1 {
		return page.Body, page.Decode(&p.fields)
	}
	var more map[string]json.RawMessage
	if err := page.Decode(&more); err != nil {
		return nil, err
	}
	for name, value := range more {
		var before, after []json.RawMessage
		if json.Unmarshal(p.fields[name], &before) == nil && json.Unmarshal(value, &after) == nil && after != nil {
			value, _ = json.Marshal(append(before, after...)) // they were JSON before
		}
		p.fields[name] = value
	}
	return json.Marshal(p.fields)
}
