package tablestore

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Get returns one row.
// https://learn.microsoft.com/rest/api/storageservices/query-entities
func (s *Store) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var found []byte
	_, err := s.client.NewClient(key.Table).GetEntity(withAnswer(ctx, &found), key.Partition, key.Row, nil)
	if codeOf(err) == aztables.ResourceNotFound {
		err = engine.ErrNoRow
	}
	if err != nil {
		return engine.Row{}, failure(err, "get from "+key.Table, key.Row)
	}
	row, err := decodeRow(key.Table, found)
	if err != nil {
		return engine.Row{}, failure(err, "get from "+key.Table, key.Row)
	}
	return row, nil
}

// pageSize is how many rows the service returns at most.
const pageSize = 1000

// Query returns the rows of a range, page by page as they are read.
// https://learn.microsoft.com/rest/api/storageservices/query-entities
func (s *Store) Query(ctx context.Context, within engine.Range) iter.Seq2[engine.Row, error] {
	return func(yield func(engine.Row, error) bool) {
		pager := s.client.NewClient(within.Table).NewListEntitiesPager(listing(within))
		for left := within.Limit; pager.More(); {
			rows, err := s.page(ctx, pager, within.Table)
			if err != nil {
				yield(engine.Row{}, failure(err, "query "+within.Table, within.Partition))
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// page reads a whole page before any of its rows is shown.
func (s *Store) page(ctx context.Context, pager *runtime.Pager[aztables.ListEntitiesResponse], table string) ([]engine.Row, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var page []byte
	if _, err := pager.NextPage(withAnswer(ctx, &page)); err != nil {
		return nil, err
	}
	return decodePage(table, page)
}

// listing asks for a range by its keys, which the service has an index of.
// https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
func listing(within engine.Range) *aztables.ListEntitiesOptions {
	filter := "PartitionKey eq " + literal(within.Partition)
	if within.From != "" {
		filter += " and RowKey ge " + literal(within.From)
	}
	if within.To != "" {
		filter += " and RowKey lt " + literal(within.To)
	}
	options := &aztables.ListEntitiesOptions{Filter: &filter}
	if within.Limit > 0 {
		options.Top = to.Ptr(int32(min(within.Limit, pageSize)))
	}
	return options
}

// literal is a text as filters have it.
func literal(text string) string { return fmt.Sprintf("'%s'", quoted(text)) }

// quoted doubles the quotes in a text, as OData wants inside of quotes.
func quoted(text string) string { return strings.ReplaceAll(text, "'", "''") }
