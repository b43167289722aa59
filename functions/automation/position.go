package automation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// position is how far a delivery has come: what a handle holds.
//
//	begin -> running -> ending -> begin of the next step | done
//
// A step is ending while what it left behind, a run command for example, has yet
// to be removed.
type position struct {
	// Task is the fingerprint of the steps that the position is in.
	Task  string `json:"t"`
	Step  int    `json:"s"`
	Phase phase  `json:"p,omitempty"`
	// Since is when the phase began, in seconds.
	Since int64 `json:"b,omitempty"`
	// Resource is what runs, so that it can be stopped whatever became of the task.
	Resource string `json:"r,omitempty"`
}

type phase string

const (
	phaseBegin   phase = ""
	phaseRunning phase = "run"
	phaseEnding  phase = "end"
)

// parsePosition reads a handle. The first try has none.
func parsePosition(handle, fingerprint string) (p position, err error) {
	if handle == "" {
		return position{Task: fingerprint}, nil
	}
	if err := json.Unmarshal([]byte(handle), &p); err != nil || p.Step < 0 {
		return p, rotation.Permanently("automation: the handle %q is not one of this target", handle)
	}
	return p, nil
}

func (p position) handle() string {
	text, _ := json.Marshal(p) // texts and numbers have no error
	return string(text)
}

func (p position) since(now time.Time) time.Duration { return now.Sub(time.Unix(p.Since, 0)) }

// fingerprint tells whether a task has the steps that a delivery began with.
func fingerprint(task rotation.Task) string {
	text, _ := json.Marshal(task.Steps)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
