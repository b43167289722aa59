package cli

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/spf13/cobra"
)

// mostItems is how many items of a list are shown unless --limit says otherwise.
const mostItems = 1000

// longestPage is what every list of the API takes.
const longestPage = 100

// limitFlag is --limit, which every list has.
func limitFlag(c *cobra.Command, limit *int) {
	c.Flags().IntVar(limit, "limit", 0, "at most so many items (default 1000)")
}

// list shows a list of the API.
func (s *session) list(ctx context.Context, path string, query url.Values, limit int, human func(*page, []record)) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	most := limit
	if most <= 0 {
		most = mostItems
	}
	found, err := api.List(ctx, path, query, most, min(limit, longestPage))
	if err != nil {
		return err
	}
	if found.More {
		s.note("There are more; --limit N shows N of them.")
	}
	return s.show(found.Document, func(p *page, r record) { human(p, r.list("items")) })
}

// table shows a list as one table.
func table(none string, columns ...column) func(*page, []record) {
	return func(p *page, items []record) { p.table(items, none, columns...) }
}

// records decodes the items of a list.
func records(items []json.RawMessage) ([]record, error) {
	all := make([]record, len(items))
	for i, item := range items {
		r, err := read(item)
		if err != nil {
			return nil, err
		}
		all[i] = r
	}
	return all, nil
}
