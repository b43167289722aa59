package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	// moveOn is how far a wake-up is moved when it is sent: should the message be
	// lost, or whoever receives it die, the sweep sends it again then.
	moveOn = 5 * time.Minute
	// sweepPage is how many wake-ups are moved and sent together: moving one
	// takes two changes.
	sweepPage = MaxChanges / 2
)

// Sweep sends every wake-up whose time has come. It costs what is due, not what
// exists. It returns how many it sent.
func (e *Engine) Sweep(ctx context.Context) (sent int, err error) {
	var errs []error
	for n := range shards {
		count, err := e.sweepShard(ctx, fmt.Sprintf("%02d", n))
		sent += count
		if err != nil { // the other shards must not wait for this one
			errs = append(errs, fmt.Errorf("sweep shard %02d: %w", n, err))
		}
	}
	return sent, errors.Join(errs...)
}

func (e *Engine) sweepShard(ctx context.Context, partition string) (sent int, err error) {
	now := e.Now()
	for {
		due, err := collect(e.Store.Query(ctx, Range{
			Table: TableSchedule, Partition: partition, To: now.UTC().Format(scheduleTime), Limit: sweepPage,
		}))
		if err != nil || len(due) == 0 {
			return sent, err
		}
		messages, err := e.move(ctx, due, now)
		if err != nil {
			return sent, err
		}
		if len(messages) > 0 {
			if err := e.Bus.Send(ctx, messages...); err != nil {
				return sent, err
			}
		}
		sent += len(messages)
		if len(due) < sweepPage {
			return sent, nil
		}
	}
}

// move puts wake-ups to a later time and returns the messages that serve them.
// Several for one thing fall into one. One that somebody served meanwhile makes
// the batch fail; then each goes alone.
func (e *Engine) move(ctx context.Context, due []Row, now time.Time) (messages []Message, err error) {
	var changes []Change
	seen := map[rotation.WakeUp]bool{}
	for _, row := range due {
		message, moved := e.served(ctx, row, now)
		changes = append(changes, Change{Op: Delete, Key: row.Key})
		if moved == nil || seen[*moved] {
			continue
		}
		seen[*moved] = true
		changes = append(changes, Change{Op: Put, Key: wakeUpKey(*moved), Properties: row.Properties})
		if message.To != "" {
			messages = append(messages, message)
		}
	}
	err = e.Store.Write(ctx, changes...)
	if !errors.Is(err, ErrConflict) || len(due) == 1 {
		return unless(err, messages), ignoreConflict(err)
	}
	return e.moveOneByOne(ctx, due, now)
}

func (e *Engine) moveOneByOne(ctx context.Context, due []Row, now time.Time) (messages []Message, err error) {
	for _, row := range due {
		some, err := e.move(ctx, []Row{row}, now)
		if err != nil {
			return messages, err
		}
		messages = append(messages, some...)
	}
	return messages, nil
}

func unless(err error, messages []Message) []Message {
	if err != nil {
		return nil
	}
	return messages
}

func ignoreConflict(err error) error {
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// served returns the message for a wake-up and the row that it moves to. A row
// that says nothing readable is dropped, and one of a newer version moves on alone.
func (e *Engine) served(ctx context.Context, row Row, now time.Time) (Message, *rotation.WakeUp) {
	if isNewer(row) {
		_, what, _ := strings.Cut(row.Row, "|")
		e.Log.WarnContext(ctx, "left alone", "row", row.Row, "reason", ErrNewerSchema.Error())
		return Message{}, &rotation.WakeUp{Partition: row.Partition, Row: now.Add(moveOn).UTC().Format(scheduleTime) + "|" + what}
	}
	_, appID, what, err := parseWakeUp(row.Row)
	if err != nil {
		e.Log.ErrorContext(ctx, "dropped an unreadable wake-up", "row", row.Row, "error", err)
		return Message{}, nil
	}
	id, target, err := parseWhat(appID, what)
	if err != nil {
		e.Log.ErrorContext(ctx, "dropped an unreadable wake-up", "row", row.Row, "error", err)
		return Message{}, nil
	}
	moved := wakeUp(now.Add(moveOn), appID, what)
	if target == "" {
		return e.advanceMessage(rotation.Advance{AppID: appID, Kind: id.Kind, Row: &moved}, zero), &moved
	}
	return e.wakeDeployment(ctx, id, target, &moved)
}

// wakeDeployment needs the integration's name, which only the row knows.
func (e *Engine) wakeDeployment(ctx context.Context, id rotation.ID, target string, moved *rotation.WakeUp) (Message, *rotation.WakeUp) {
	row, err := e.Store.Get(ctx, partitionKey(id.AppID, deploymentRow(id, target)))
	if errors.Is(err, ErrNoRow) {
		return Message{}, nil
	}
	if err != nil {
		e.Log.WarnContext(ctx, "a wake-up waits", "app", id.AppID, "error", err)
	}
	deployment, _ := decodeAs[rotation.Deployment](row)
	deployment.Rotation, deployment.Target = id, target
	return e.rotatedMessage(deployment, moved, zero), moved
}
