package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// stopping is a place whose work can be stopped.
type stopping struct {
	*place
	stopped []string // names of deliveries
}

func (s *stopping) Stop(_ context.Context, d rotation.Delivery) error {
	s.stopped = append(s.stopped, d.Name)
	return nil
}

func TestAnOlderDeliveryThatLeftNoHandleIsStopped(t *testing.T) {
	w := newWorld(t)
	stopper := &stopping{place: w.place}
	w.stopper = stopper
	w.manage(policy(), "job")
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Empty(t, stopper.stopped)

	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Credential.Rotation.Generation == 2 {
			return rotation.Outcome{}, errors.New("the answer was lost")
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.ask(engine.Ask{})
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(3).State)
	require.NotEmpty(t, stopper.stopped)
	for _, name := range stopper.stopped {
		assert.Equal(t, "rekey-secret.00000002-job-1", name)
	}
}

func TestAnOlderDeliveryThatFailedIsStoppedToo(t *testing.T) {
	w := newWorld(t)
	stopper := &stopping{place: w.place}
	w.stopper = stopper
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Credential.Rotation.Generation == 1 {
			return rotation.Outcome{}, rotation.Permanently("place: a step has failed")
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "job")
	w.run(time.Minute)
	require.Equal(t, rotation.Incomplete, w.rotation(1).State)

	w.ask(engine.Ask{})
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.Equal(t, []string{"rekey-secret.00000001-job-1"}, stopper.stopped, "once, before the newer one began")
	older, err := w.DeploymentsOf(t.Context(), w.rotation(1).ID)
	require.NoError(t, err)
	assert.Equal(t, "superseded, after it had failed: place: a step has failed", older[0].Reason)
}

func TestAnEarlierDeliveryOfTheSameRotationIsStoppedToo(t *testing.T) {
	w := newWorld(t)
	stopper := &stopping{place: w.place}
	w.stopper = stopper
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Name == "rekey-secret.00000001-job-1" {
			return rotation.Outcome{Handle: "job", After: time.Hour}, nil
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "job")
	w.run(time.Minute)
	assert.Empty(t, stopper.stopped)

	w.target("job", `{}`, false)
	w.target("job", `{}`, true) // which delivers it anew
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, []string{"rekey-secret.00000001-job-1"}, stopper.stopped)
}

// A job of a target that was deleted goes on by itself. Where the target is added again,
// it must not end after the newer one's.
func TestWhatADeletedTargetBeganIsStoppedWhenItIsBack(t *testing.T) {
	w := newWorld(t)
	stopper := &stopping{place: w.place}
	w.stopper = stopper
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Target.ID == "job" && d.Credential.Rotation.Generation == 2 {
			return rotation.Outcome{Handle: "job", After: time.Hour}, nil
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "job", "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	require.NoError(t, w.DeleteTarget(t.Context(), appID, "job", "", "somebody"))
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(3).State)
	assert.Empty(t, stopper.stopped)

	w.target("job", `{}`, true)
	w.run(time.Minute)
	assert.Equal(t, []string{"rekey-secret.00000002-job-1"}, stopper.stopped, "and not what had ended well")
}
