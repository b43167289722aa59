package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// shared is a table of records that several applications share: what one person
// configures once and many targets name. Its partition is the tenant.
type shared[T any] struct {
	engine *Engine
	table  string
	what   string // in errors: "group"
}

// ErrUnknownRecord says that there is no such group or task.
var ErrUnknownRecord = errors.New("there is no such record")

func (s shared[T]) key(id string) Key { return Key{s.table, s.engine.Tenant, id} }

// get returns one record and its ETag.
func (s shared[T]) get(ctx context.Context, id string) (record T, etag string, err error) {
	row, err := s.engine.Store.Get(ctx, s.key(id))
	if errors.Is(err, ErrNoRow) {
		return record, "", fmt.Errorf("%s %q: %w", s.what, id, ErrUnknownRecord)
	}
	if err != nil {
		return record, "", fmt.Errorf("%s %q: %w", s.what, id, err)
	}
	record, err = decodeAs[T](row)
	return record, row.ETag, err
}

// list returns records in the order of their ids, from the one after a given id.
// Next is empty after the last. A limit of 0 is none.
func (s shared[T]) list(ctx context.Context, from string, limit int) (records []T, next string, err error) {
	within := Range{Table: s.table, Partition: s.engine.Tenant, From: from}
	if from != "" {
		within.From += "\x20"
	}
	if limit > 0 {
		within.Limit = limit + 1
	}
	rows, err := collect(s.engine.Store.Query(ctx, within))
	if err != nil {
		return nil, "", err
	}
	if limit > 0 && len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].Row
	}
	for _, row := range rows {
		record, err := decodeAs[T](row)
		if err != nil {
			return nil, "", err
		}
		records = append(records, record)
	}
	return records, next, nil
}

// save inserts or replaces a record and returns its new ETag. The ETag, if not
// empty, must be that of the saved one; "*" is any that exists, Absent none.
func (s shared[T]) save(ctx context.Context, id string, record T, etag string) (string, error) {
	_, actual, err := s.get(ctx, id)
	if err != nil && !errors.Is(err, ErrUnknownRecord) {
		return "", err
	}
	if err := precondition(etag, actual); err != nil {
		return "", err
	}
	change := Change{Op: Insert, Key: s.key(id), Properties: encode(record)}
	if actual != "" {
		change.Op, change.ETag = Merge, actual
	}
	if err := s.write(ctx, id, change); err != nil {
		return "", err
	}
	_, saved, err := s.get(ctx, id)
	return saved, err
}

// delete removes a record.
func (s shared[T]) delete(ctx context.Context, id, etag string) error {
	_, actual, err := s.get(ctx, id)
	if err != nil {
		return err
	}
	if err := precondition(etag, actual); err != nil {
		return err
	}
	return s.write(ctx, id, Change{Op: Delete, Key: s.key(id)})
}

func (s shared[T]) write(ctx context.Context, id string, change Change) error {
	err := s.engine.Store.Write(ctx, change)
	if errors.Is(err, ErrConflict) {
		err = ErrPrecondition
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", s.what, id, err)
	}
	return nil
}

// users names the targets whose settings refer to something shared, as
// "appId/target", the first few of them.
func (e *Engine) users(ctx context.Context, refers func(rotation.TargetRow) bool) (users []string, err error) {
	for from, more := "", true; more; {
		apps, next, err := e.Applications(ctx, from, MaxChanges)
		if err != nil {
			return nil, err
		}
		for _, app := range apps {
			targets, err := e.TargetsOf(ctx, app.AppID)
			if err != nil {
				return nil, err
			}
			for _, t := range targets {
				if refers(t) {
					users = append(users, app.AppID+"/"+t.ID)
				}
			}
			if len(users) >= mostUsers {
				return users, nil
			}
		}
		from, more = next, next != ""
	}
	return users, nil
}

// mostUsers ends the search for users: a few names are enough to say that there are some.
const mostUsers = 5

// TargetsOf returns an application's targets of both kinds.
func (e *Engine) TargetsOf(ctx context.Context, appID string) (targets []rotation.TargetRow, err error) {
	rows, err := collect(e.Store.Query(ctx, Range{
		Table: TableRotations, Partition: appID, From: prefixTarget, To: after(prefixTarget),
	}))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		target, err := decodeAs[rotation.TargetRow](row)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	return targets, nil
}
