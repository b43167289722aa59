package entra_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

func TestAReplicaSeesWhatWasWrittenBeforeItsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New()
		d := entra.New(c, nil, tenantID, entra.Options{})
		app := d.AddApplication(entra.Application{DisplayName: "0"})
		for _, name := range []string{"1", "2", "3", "4", "5", "6"} {
			time.Sleep(20 * time.Minute)
			app.DisplayName = name
			d.PutApplication(app)
		}
		for lag, want := range map[time.Duration]string{0: "6", time.Nanosecond: "5", 20 * time.Minute: "5", 39 * time.Minute: "4", time.Hour: "3"} {
			seen, exists := d.Application(app.ObjectID, lag)
			require.True(t, exists)
			assert.Equal(t, want, seen.DisplayName, lag)
			seen, _ = d.ApplicationByAppID(app.AppID, lag)
			assert.Equal(t, want, seen.DisplayName, lag)
		}
		d.DeleteApplication(app.ObjectID)
		_, exists := d.Application(app.ObjectID, 0)
		assert.False(t, exists)
		assert.Empty(t, d.Applications(0))
		assert.Len(t, d.Applications(time.Minute), 1, "it is still there for a replica that lags")
	})
}

func TestChangesAreInTheOrderOfTheWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := entra.New(clock.New(), nil, tenantID, entra.Options{})
		a := d.AddApplication(entra.Application{DisplayName: "a"})
		b := d.AddApplication(entra.Application{DisplayName: "b"})
		all, sequence, _ := d.Changes(0, 0, 10)
		assert.Equal(t, []string{"a", "b"}, []string{all[0].DisplayName, all[1].DisplayName})

		time.Sleep(time.Hour)
		d.PutApplication(b)
		d.PutApplication(a)
		changes, next, _ := d.Changes(sequence, 0, 10)
		require.Len(t, changes, 2)
		assert.Equal(t, []string{"b", "a"}, []string{changes[0].DisplayName, changes[1].DisplayName})
		unseen, same, _ := d.Changes(sequence, time.Minute, 10)
		assert.Empty(t, unseen, "a replica that lags does not know yet")
		assert.Equal(t, sequence, same)

		d.DeleteApplication(a.ObjectID)
		changes, _, _ = d.Changes(next, 0, 10)
		require.Len(t, changes, 1)
		assert.True(t, changes[0].Removed)
		assert.Equal(t, a.ObjectID, changes[0].ObjectID)
		left, _, _ := d.Changes(0, 0, 10)
		assert.Len(t, left, 1, "who begins anew is not told of what is gone")
	})
}

// What a caller does to a snapshot stays with the caller.
func TestSnapshotsAreNotShared(t *testing.T) {
	d := entra.New(clock.New(), nil, tenantID, entra.Options{})
	app := entra.Application{Owners: []string{"a"}}
	app = d.AddApplication(app)
	app.Owners[0] = "changed"
	read, _ := d.Application(app.ObjectID, 0)
	assert.Equal(t, []string{"a"}, read.Owners)
	cloned := read.Clone()
	cloned.Owners[0] = "changed"
	assert.Equal(t, []string{"a"}, read.Owners)
}
