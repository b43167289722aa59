package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// directory answers after a second.
type directory struct {
	mu           sync.Mutex
	owners       []string
	fail         error
	calls        int
	running, max int
}

func (d *directory) OwnerIDs(context.Context, string) ([]string, error) {
	d.mu.Lock()
	d.calls++
	d.running++
	d.max = max(d.max, d.running)
	d.mu.Unlock()
	time.Sleep(time.Second)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	return d.owners, d.fail
}

func TestOwnersAreRememberedForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{owners: []string{programID, strings.ToUpper(annaID)}}
		o := access.NewOwners(d, time.Minute, time.Now)
		owns := func(objectID string) bool {
			is, err := o.Owns(t.Context(), "app", objectID)
			require.NoError(t, err)
			return is
		}
		assert.True(t, owns(annaID))
		assert.True(t, owns(programID))
		assert.False(t, owns(elsewhere))
		assert.Equal(t, 1, d.calls)
		d.owners = nil
		time.Sleep(59 * time.Second)
		assert.True(t, owns(annaID))
		time.Sleep(time.Second)
		assert.False(t, owns(annaID), "whoever was removed may go on for a minute at most")
		assert.Equal(t, 2, d.calls)
	})
}

func TestAnApplicationThatIsNotThereHasNoOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{fail: &rotation.Fault{Class: rotation.NotFound, Err: errors.New("no such application")}}
		o := access.NewOwners(d, time.Minute, time.Now)
		for range 2 {
			is, err := o.Owns(t.Context(), "app", annaID)
			require.NoError(t, err)
			assert.False(t, is)
		}
		assert.Equal(t, 1, d.calls)
		d.fail = &rotation.Fault{Class: rotation.Transient, Err: errors.New("out of order")}
		for range 2 {
			_, err := o.Owns(t.Context(), "other", annaID)
			assert.EqualError(t, err, "out of order", "what is not known is not remembered")
		}
		assert.Equal(t, 3, d.calls)
	})
}

func TestFewLookupsRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{}
		o := access.NewOwners(d, 3500*time.Millisecond, time.Now)
		var late int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				_, err := o.Owns(t.Context(), fmt.Sprint(i), annaID)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
					late++
				}
			})
		}
		all.Wait()
		assert.Equal(t, 4, d.max)
		assert.Equal(t, 4, late, "and nobody waits for longer than a call may take")
	})
}
