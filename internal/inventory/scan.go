package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rekey-dev/rekey/internal/engine"
)

// ErrCursor says that a cursor does not belong to what is asked for.
var ErrCursor = errors.New("the cursor belongs to another question")

// scan is a range of rows in several partitions, one after the other.
type scan struct {
	partitions []string
	from, to   string // in every partition
	start      string // in the first, the last row that was read
}

// scan finds the rows that lead to what is asked for. The cursor is the key of the
// last row that was read.
func (q Query) scan(cursor string) (s scan, err error) {
	switch {
	case q.Ends != Window{}:
		s = scan{from: q.Ends.From.UTC().Format(endTime), to: q.Ends.To.UTC().Format(endTime)}
		for year := yearOf(q.Ends.From); year <= yearOf(q.Ends.To); year = yearAfter(year) {
			s.partitions = append(s.partitions, year)
		}
	case q.Owner != "":
		k := ownerKey(q.Owner, "")
		s = scan{partitions: []string{k.Partition}, from: k.Row, to: k.Row + "~"}
	default:
		for _, d := range ranges {
			s.partitions = append(s.partitions, partitionApp+string(d))
		}
	}
	if cursor == "" {
		return s, nil
	}
	partition, row, _ := strings.Cut(cursor, " ")
	at := slices.Index(s.partitions, partition)
	if at < 0 {
		return s, fmt.Errorf("%w: %q", ErrCursor, cursor)
	}
	s.partitions, s.start = s.partitions[at:], row
	return s, nil
}

func yearAfter(partition string) string {
	year, _ := strconv.Atoi(strings.TrimPrefix(partition, partitionEnds)) // we have made it
	return fmt.Sprintf("%s%04d", partitionEnds, year+1)
}

// after is the rest of a scan behind a row.
func (s scan) after(row engine.Row) scan {
	s.partitions, s.start = s.partitions[slices.Index(s.partitions, row.Partition):], row.Row
	return s
}

// cursor is where a page goes on, if it does.
func (s scan) cursor(more bool) string {
	if !more || s.start == "" {
		return ""
	}
	return s.partitions[0] + " " + s.start
}

// rows reads so many rows and reports whether there are more.
func (i *Inventory) rows(ctx context.Context, s scan, most int) (rows []engine.Row, more bool, err error) {
	for n, partition := range s.partitions {
		within := engine.Range{Table: engine.TableInventory, Partition: partition, From: s.from, To: s.to, Limit: most + 1 - len(rows)}
		if n == 0 && s.start != "" {
			within.From = s.start + "\x20"
		}
		for row, err := range i.Store.Query(ctx, within) {
			if err != nil {
				return nil, false, err
			}
			rows = append(rows, row)
		}
		if len(rows) > most {
			return rows[:most], true, nil
		}
	}
	return rows, false, nil
}
