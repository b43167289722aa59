package rotation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// planned is an application whose current credential is confirmed, with the next
// rotation in flight.
func planned() rotation.Snapshot {
	s, _ := retirable()
	s.Head.Secret.Ledger = s.Head.Secret.Ledger[1:]
	s.Head.Secret.Generation, s.Head.Secret.InFlight = 3, 3
	s.InFlight = &rotation.Rotation{ID: rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 3}, State: rotation.Requested}
	return s
}

func lines(p rotation.Plan) (all []string) {
	for _, step := range p.Steps {
		all = append(all, fmt.Sprintf("%s %s %s%s", step.At.Sub(now), step.Do, step.Target, step.Entry.KeyID))
	}
	return all
}

func TestAPlanIsWhatWouldBeDecided(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rotation.Snapshot)
		want   []string
		kept   string
	}{
		"delivered, confirmed, and the old one removed after its overlap": {
			want: []string{
				"0s create {keyId}", "0s verify ", "10s publish ", "10s deliver kv", "10s close ", "25h0m10s retire new",
			},
		},
		"nobody to deliver to: the old one lives to its end": {
			change: func(s *rotation.Snapshot) { s.Targets[0].Enabled = false },
			want:   []string{"0s create {keyId}", "0s verify ", "10s publish ", "10s close ", "480h5m0s retire new"},
		},
		"a window is waited for": {
			change: func(s *rotation.Snapshot) {
				s.App.Windows = rotation.Windows{{From: "22:00", To: "23:00", TimeZone: "UTC"}}
			},
			want: []string{
				"0s create {keyId}", "0s verify ", "10s publish ", "%w deliver kv", "%w close ", "%r retire new",
			},
		},
		"an emergency leaves no overlap": {
			change: func(s *rotation.Snapshot) { s.InFlight.Emergency, s.InFlight.RevokeNow = true, true },
			want: []string{
				"0s create {keyId}", "0s verify ", "10s publish ", "10s deliver kv", "10s close ", "10s retire new",
			},
		},
		"no attempt is left": {
			change: func(s *rotation.Snapshot) { s.InFlight.Attempt = 5 },
			want:   []string{"0s fail "},
			kept:   "it is the current credential",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := planned()
			if c.change != nil {
				c.change(&s)
			}
			before := fmt.Sprintf("%+v", s.Head)
			p := rotation.PlanOf(s)
			opens := s.App.Windows.Opens(now.Add(10 * time.Second))
			for i := range c.want {
				switch c.want[i][:2] {
				case "%w":
					c.want[i] = opens.Sub(now).String() + c.want[i][2:]
				case "%r":
					c.want[i] = opens.Sub(now.Add(-25*time.Hour)).String() + c.want[i][2:]
				}
			}
			assert.Equal(t, c.want, lines(p))
			assert.Equal(t, before, fmt.Sprintf("%+v", s.Head), "the snapshot is left as it is")
			if c.kept != "" && assert.Len(t, p.Kept, 1) {
				assert.Equal(t, c.kept, p.Kept[0].Objection.Clause)
			}
		})
	}
}

func TestAPlanSaysWhenItsCredentialIsDue(t *testing.T) {
	s := planned()
	p := rotation.PlanOf(s)
	assert.Equal(t, now.Add(21*24*time.Hour-time.Hour), p.Due.At)
	assert.Equal(t, s.Policy().EndOf(now), p.End)
	assert.Equal(t, rotation.Completed, p.Rotation.State)
}
