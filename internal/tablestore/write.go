package tablestore

import (
	"context"
	"fmt"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Write makes all the changes or none. One change alone is a plain operation,
// which costs less than a transaction.
func (s *Store) Write(ctx context.Context, changes ...engine.Change) error {
	if err := check(changes); err != nil {
		return err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var err error
	if len(changes) == 1 {
		err = s.writeOne(ctx, changes[0])
	} else {
		err = s.writeAll(ctx, changes)
	}
	if err != nil {
		return failure(err, "write to "+changes[0].Table, changes[0].Row)
	}
	return nil
}

// check refuses what the SDK would send to the wrong place, or not as meant.
func check(changes []engine.Change) error {
	if len(changes) == 0 || len(changes) > engine.MaxChanges {
		return fmt.Errorf("tablestore: write: %d changes: must be from 1 to %d", len(changes), engine.MaxChanges)
	}
	for _, change := range changes {
		if change.Table != changes[0].Table || change.Partition != changes[0].Partition {
			return fmt.Errorf("tablestore: write to %s %q: all changes must be in one partition of one table", change.Table, change.Row)
		}
		if change.Op == engine.Merge && !etagForm.MatchString(change.ETag) {
			return fmt.Errorf("tablestore: write to %s %q: no row has the ETag %q: %w", change.Table, change.Row, change.ETag, engine.ErrConflict)
		}
	}
	return nil
}

// etagForm is the form of one ETag. The SDK takes none for any, as the service
// takes "*", and writes it into a transaction's text as it is.
// https://www.rfc-editor.org/rfc/rfc9110#field.etag
var etagForm = regexp.MustCompile(`^(W/)?"[!#-~]*"$`)

func (s *Store) writeOne(ctx context.Context, change engine.Change) error {
	table := s.client.NewClient(change.Table)
	if change.Op == engine.Delete {
		return deleteOne(ctx, table, change.Key)
	}
	entity, err := encode(change.Key, change.Properties)
	if err != nil {
		return err
	}
	var etag azcore.ETag
	switch change.Op {
	case engine.Insert:
		etag, err = insertOne(ctx, table, entity)
	case engine.Merge:
		etag, err = mergeOne(ctx, table, entity, azcore.ETag(change.ETag))
	default:
		etag, err = putOne(ctx, table, entity)
	}
	if err == nil && change.NewETag != nil {
		*change.NewETag = string(etag)
	}
	return err
}

// https://learn.microsoft.com/rest/api/storageservices/insert-entity
func insertOne(ctx context.Context, table *aztables.Client, entity []byte) (azcore.ETag, error) {
	inserted, err := table.AddEntity(ctx, entity, nil)
	if codeOf(err) == aztables.EntityAlreadyExists {
		err = engine.ErrConflict
	}
	return inserted.ETag, err
}

// https://learn.microsoft.com/rest/api/storageservices/merge-entity
func mergeOne(ctx context.Context, table *aztables.Client, entity []byte, etag azcore.ETag) (azcore.ETag, error) {
	merged, err := table.UpdateEntity(ctx, entity, &aztables.UpdateEntityOptions{IfMatch: &etag, UpdateMode: aztables.UpdateModeMerge})
	return merged.ETag, asConflict(err)
}

// https://learn.microsoft.com/rest/api/storageservices/insert-or-merge-entity
func putOne(ctx context.Context, table *aztables.Client, entity []byte) (azcore.ETag, error) {
	put, err := table.UpsertEntity(ctx, entity, &aztables.UpsertEntityOptions{UpdateMode: aztables.UpdateModeMerge})
	return put.ETag, err
}

// https://learn.microsoft.com/rest/api/storageservices/delete-entity1
func deleteOne(ctx context.Context, table *aztables.Client, key engine.Key) error {
	_, err := table.DeleteEntity(ctx, key.Partition, key.Row, nil)
	if codeOf(err) == aztables.ResourceNotFound {
		return nil
	}
	return err
}

// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
func (s *Store) writeAll(ctx context.Context, changes []engine.Change) error {
	actions := make([]aztables.TransactionAction, 0, len(changes))
	for _, change := range changes {
		action, err := actionOf(change)
		if err != nil {
			return err
		}
		actions = append(actions, action)
	}
	var answer transaction
	if _, err := s.client.NewClient(changes[0].Table).SubmitTransaction(withTransaction(ctx, &answer), actions, nil); err != nil {
		return asConflict(err)
	}
	return asConflict(answer.settle(changes))
}

// actionOf is a change as part of a transaction. There the SDK takes the row's
// address from the entity and, other than in its plain operations, does not
// double the quotes in it. An insertion has no such address.
func actionOf(change engine.Change) (action aztables.TransactionAction, err error) {
	key, properties := change.Key, change.Properties
	switch change.Op {
	case engine.Insert:
		action.ActionType = aztables.TransactionTypeAdd
	case engine.Merge:
		action.ActionType = aztables.TransactionTypeUpdateMerge
		etag := azcore.ETag(change.ETag)
		action.IfMatch = &etag
	case engine.Put:
		action.ActionType = aztables.TransactionTypeInsertMerge
	case engine.Delete:
		action.ActionType, properties = aztables.TransactionTypeDelete, nil
	}
	if change.Op != engine.Insert {
		key.Partition, key.Row = quoted(key.Partition), quoted(key.Row)
	}
	action.Entity, err = encode(key, properties)
	return action, err
}
