package rotation

import (
	"fmt"
	"slices"
	"time"
)

// State is how far a rotation has come.
type State string

// The states of a rotation. The picture is in the package's documentation.
const (
	Requested  State = "requested"
	Staged     State = "staged"
	Verified   State = "verified"
	Published  State = "published"
	Completed  State = "completed"
	Incomplete State = "incomplete"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
	Superseded State = "superseded"
)

// transitions lists every step that a rotation may take.
var transitions = map[State][]State{
	Requested:  {Staged, Failed, Cancelled, Superseded},
	Staged:     {Verified, Requested, Failed, Cancelled, Superseded},
	Verified:   {Published, Cancelled, Superseded},
	Published:  {Completed, Incomplete},
	Incomplete: {Completed},
}

// States lists every state of a rotation.
func States() []State {
	return []State{Requested, Staged, Verified, Published, Completed, Incomplete, Failed, Cancelled, Superseded}
}

// CanBecome reports whether a rotation may go from one state to the other.
func (s State) CanBecome(next State) bool { return slices.Contains(transitions[s], next) }

// Unpublished reports whether the rotation is still on its way to publication.
func (s State) Unpublished() bool { return s == Requested || s == Staged || s == Verified }

// Known reports whether this version of the code knows the state.
func (s State) Known() bool { return slices.Contains(States(), s) }

// Source is who asked for a rotation.
type Source string

// The sources.
const (
	BySchedule   Source = "schedule"
	ByNearExpiry Source = "nearExpiry"
	ByPerson     Source = "person"
	ByRollback   Source = "rollback"
	ByMissing    Source = "missing" // the current credential vanished from Entra
)

// Rotation is the record of one rotation.
type Rotation struct {
	ID        ID     `json:"id"`
	State     State  `json:"state"`
	Reason    string `json:"reason"`
	Source    Source `json:"source"`
	Actor     string `json:"actor"`
	Emergency bool   `json:"emergency"`
	RevokeNow bool   `json:"revokeNow"`
	// Correlation is the id of the request that everything here follows from.
	Correlation string `json:"correlation"`
	// Revision counts the changes of this record: what a change causes outside
	// (log lines, events) takes its key from it and so is never doubled.
	Revision int `json:"revision"`
	// Head is the head's revision that this record was written with: a reader
	// whose head is older has read the two at different times.
	Head int `json:"head"`

	// Attempt is the number of the last attempt to create the credential. Open
	// says that it was begun and that its outcome is not known.
	Attempt     int       `json:"attempt"`
	AttemptOpen bool      `json:"attemptOpen"`
	AttemptAt   time.Time `json:"attemptAt"`
	KeyID       string    `json:"keyId"`

	RequestedAt time.Time `json:"requestedAt"`
	StagedAt    time.Time `json:"stagedAt"`
	VerifiedAt  time.Time `json:"verifiedAt"`
	PublishedAt time.Time `json:"publishedAt"`
	EndedAt     time.Time `json:"endedAt"` // completed, failed, cancelled, superseded
	GoneSince   time.Time `json:"goneSince"`
	// NotBefore holds the rotation back: Graph throttled us, or a try failed.
	NotBefore time.Time `json:"notBefore"`
	// Idle counts wake-ups that found nothing done and no known wait.
	Idle int `json:"idle"`

	// Targets is fixed at publication: who is to confirm.
	Targets []string `json:"targets"`
	// Retired lists the older credentials that were removed while this one was current.
	Retired []Retired `json:"retired"`
}

// Retired is one credential that was removed.
type Retired struct {
	KeyID      string    `json:"keyId"`
	Generation int       `json:"generation"`
	At         time.Time `json:"at"`
}

// Become takes one step of the table. Any other step is a mistake of the caller.
func (r *Rotation) Become(next State) error {
	if !r.State.CanBecome(next) {
		return fmt.Errorf("rotation %q: cannot go from %s to %s", r.ID, r.State, next)
	}
	r.State = next
	return nil
}

// DeploymentState is how far a delivery to one target has come.
type DeploymentState string

// The states of a deployment.
const (
	DeploymentPending   DeploymentState = "pending"
	DeploymentRunning   DeploymentState = "running"
	DeploymentConfirmed DeploymentState = "confirmed"
	DeploymentFailed    DeploymentState = "failed"
	DeploymentSkipped   DeploymentState = "skipped"
)

// DeploymentStates lists every state of a deployment.
func DeploymentStates() []DeploymentState {
	return []DeploymentState{DeploymentPending, DeploymentRunning, DeploymentConfirmed, DeploymentFailed, DeploymentSkipped}
}

var deploymentTransitions = map[DeploymentState][]DeploymentState{
	DeploymentPending:   {DeploymentRunning, DeploymentFailed, DeploymentSkipped},
	DeploymentRunning:   {DeploymentRunning, DeploymentPending, DeploymentConfirmed, DeploymentFailed, DeploymentSkipped},
	DeploymentConfirmed: {DeploymentPending},
	DeploymentFailed:    {DeploymentPending, DeploymentSkipped},
	DeploymentSkipped:   {DeploymentPending},
}

// CanBecome reports whether a deployment may go from one state to the other.
func (s DeploymentState) CanBecome(next DeploymentState) bool {
	return slices.Contains(deploymentTransitions[s], next)
}

// Known reports whether this version of the code knows the state.
func (s DeploymentState) Known() bool { _, known := deploymentTransitions[s]; return known }

// Ended reports whether nothing more will happen by itself.
func (s DeploymentState) Ended() bool {
	return s == DeploymentConfirmed || s == DeploymentFailed || s == DeploymentSkipped
}

// Deployment is the record of one rotation delivered to one target.
type Deployment struct {
	Rotation    ID              `json:"rotation"`
	Target      string          `json:"target"`
	Integration string          `json:"integration"`
	Correlation string          `json:"correlation"` // the rotation's
	State       DeploymentState `json:"state"`
	Reason      string          `json:"reason"`
	// Delivery is the target's delivery number that this record is for.
	Delivery int `json:"delivery"`
	Attempts int `json:"attempts"`
	// Begun is the first delivery number whose work may still go on by itself, or 0.
	Begun int `json:"begun"`
	// Handle is what the target needs to find its own unfinished work again.
	Handle string `json:"handle"`
	// Receipt is what the target calls the thing that it wrote, a version for example.
	Receipt   string `json:"receipt"`
	LastError string `json:"lastError"`
	// Waiting says in words what the target waits for.
	Waiting string `json:"waiting"`
	// Steps are those that the target reported last.
	Steps []StepReport `json:"steps"`

	BegunAt   time.Time `json:"begunAt"` // when this delivery was asked for
	UpdatedAt time.Time `json:"updatedAt"`
	NextAt    time.Time `json:"nextAt"` // a known wait: nothing to do before
	// Untold says that the deployment ended and that its lifecycle event is still to
	// be sent.
	Untold bool `json:"untold"`
	// FailingSince is when the tries began to fail of which none has succeeded since.
	FailingSince time.Time `json:"failingSince"`
	ConfirmedAt  time.Time `json:"confirmedAt"`
}

// Holding is the set of generations that a target may hold.
type Holding struct {
	Target      string `json:"target"`
	Kind        Kind   `json:"kind"`
	Lease       Lease  `json:"lease"`
	Generations []int  `json:"generations"`
	// Unknown means that the target may hold anything: it is new, was pointed
	// elsewhere, or was enabled again. It keeps everything from being retired.
	Unknown bool `json:"unknown"`
	// Confirmed is the generation whose deployment last ended with a confirmation
	// and has not been begun again since.
	Confirmed int `json:"confirmed"`
	// Delivery rises whenever the target has to be brought up to date anew.
	Delivery int `json:"delivery"`
	// Prepared is the delivery number for which access was granted, and when.
	Prepared   int       `json:"prepared"`
	PreparedAt time.Time `json:"preparedAt"`
}

// Holds reports whether the target may hold the generation.
func (h Holding) Holds(generation int) bool {
	return h.Unknown || slices.Contains(h.Generations, generation)
}

// Add puts a generation in.
func (h *Holding) Add(generation int) {
	if h.Confirmed == generation {
		h.Confirmed = 0
	}
	if !slices.Contains(h.Generations, generation) {
		h.Generations = append(slices.Clone(h.Generations), generation)
	}
}

// Remove takes a generation out.
func (h *Holding) Remove(generation int) {
	h.Generations = slices.DeleteFunc(slices.Clone(h.Generations), func(g int) bool { return g == generation })
}

// Confirm says that the target holds this generation and no other. Only the
// newest delivery can say that of a target that may hold anything.
func (h *Holding) Confirm(generation, delivery int) {
	h.Generations, h.Confirmed = []int{generation}, generation
	if delivery == h.Delivery {
		h.Unknown = false
	}
}
