package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

func TestAdvanceFiresWhatBecameDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New()
		start := c.Now()
		var fired []string
		c.AfterFunc(time.Hour, func() { fired = append(fired, "hour") })
		c.AfterFunc(48*time.Hour, func() { fired = append(fired, "two days") })
		stop := c.AfterFunc(time.Minute, func() { fired = append(fired, "stopped") })
		assert.True(t, stop())
		assert.False(t, stop(), "a second stop has nothing to cancel")

		c.Advance(2 * time.Hour)
		synctest.Wait()
		assert.Equal(t, []string{"hour"}, fired)
		assert.Equal(t, 2*time.Hour, c.Now().Sub(start))

		time.Sleep(46 * time.Hour)
		synctest.Wait()
		assert.Equal(t, []string{"hour", "two days"}, fired)
	})
}

func TestTimeNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New()
		before := c.Now()
		c.Advance(-time.Hour)
		assert.Equal(t, before, c.Now())
	})
}
