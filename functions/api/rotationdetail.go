package api

import (
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Rotation is one rotation.
type Rotation struct {
	ID          string          `json:"id" doc:"<appId>.<kind>.<generation>"`
	AppID       string          `json:"appId"`
	Kind        rotation.Kind   `json:"kind"`
	Generation  int             `json:"generation"`
	State       rotation.State  `json:"state" enum:"requested,staged,verified,published,completed,incomplete,failed,cancelled,superseded" doc:"The last thing that is finished"`
	Reason      string          `json:"reason,omitempty"`
	Source      rotation.Source `json:"source" enum:"schedule,nearExpiry,person,missing,rollback"`
	Actor       string          `json:"actor"`
	Emergency   bool            `json:"emergency"`
	RevokeNow   bool            `json:"revokeNow"`
	KeyID       string          `json:"keyId,omitempty"`
	Attempts    int             `json:"attempts" doc:"Attempts to create the credential"`
	RequestedAt *time.Time      `json:"requestedAt,omitempty"`
	StagedAt    *time.Time      `json:"stagedAt,omitempty"`
	VerifiedAt  *time.Time      `json:"verifiedAt,omitempty"`
	PublishedAt *time.Time      `json:"publishedAt,omitempty"`
	EndedAt     *time.Time      `json:"endedAt,omitempty"`
	WaitsUntil  *time.Time      `json:"waitsUntil,omitempty" doc:"Nothing is tried before"`
	Targets     []string        `json:"targets" nullable:"false" doc:"Who is to confirm, fixed at publication"`
}

// Step is one step of a delivery.
type Step struct {
	Name   string             `json:"name"`
	State  rotation.StepState `json:"state" enum:"pending,running,succeeded,failed"`
	Detail string             `json:"detail,omitempty" doc:"Why it failed"`
	Output string             `json:"output,omitempty" doc:"The end of what it printed, without the credential"`
}

// RotationDetail is a rotation with its deployments and what it makes obsolete.
type RotationDetail struct {
	Rotation
	Waiting     string       `json:"waiting,omitempty" doc:"What its targets wait for"`
	Deployments []Deployment `json:"deployments" nullable:"false"`
	Retirements []Retirement `json:"retirements" nullable:"false" doc:"The older credentials: those on their way out, and those that are gone"`
}

// Deployment is one rotation delivered to one target.
type Deployment struct {
	Rotation    string                   `json:"rotation"`
	Target      string                   `json:"target"`
	Integration string                   `json:"integration"`
	State       rotation.DeploymentState `json:"state" enum:"pending,running,confirmed,failed,skipped"`
	Reason      string                   `json:"reason,omitempty"`
	Attempts    int                      `json:"attempts"`
	LastError   string                   `json:"lastError,omitempty"`
	Receipt     string                   `json:"receipt,omitempty" doc:"What the target calls what was written"`
	Waiting     string                   `json:"waiting,omitempty" doc:"What is waited for"`
	Steps       []Step                   `json:"steps,omitempty" doc:"The steps of a delivery that takes several"`
	BegunAt     *time.Time               `json:"begunAt,omitempty"`
	UpdatedAt   *time.Time               `json:"updatedAt,omitempty"`
	NextAt      *time.Time               `json:"nextAt,omitempty" doc:"Nothing to do before"`
	ConfirmedAt *time.Time               `json:"confirmedAt,omitempty"`
}

// Retirement is one credential on its way out.
type Retirement struct {
	KeyID      string     `json:"keyId,omitempty"`
	Generation int        `json:"generation" doc:"0: handed over"`
	EndsAt     *time.Time `json:"endsAt,omitempty"`
	State      string     `json:"state" enum:"waiting,removing,removed"`
	Reason     string     `json:"reason,omitempty" doc:"Why it may not be removed yet"`
	Until      *time.Time `json:"until,omitempty" doc:"When that is looked at again at the latest"`
	RemovedAt  *time.Time `json:"removedAt,omitempty"`
}

func rotationOf(r rotation.Rotation) Rotation {
	shown := Rotation{
		ID: r.ID.String(), AppID: r.ID.AppID, Kind: r.ID.Kind, Generation: r.ID.Generation,
		State: r.State, Reason: r.Reason, Source: r.Source, Actor: r.Actor, Emergency: r.Emergency, RevokeNow: r.RevokeNow,
		KeyID: r.KeyID, Attempts: r.Attempt,
		RequestedAt: moment(r.RequestedAt), StagedAt: moment(r.StagedAt), VerifiedAt: moment(r.VerifiedAt),
		PublishedAt: moment(r.PublishedAt), EndedAt: moment(r.EndedAt), Targets: r.Targets,
	}
	if r.State.Unpublished() {
		shown.WaitsUntil = moment(r.NotBefore)
	}
	if shown.Targets == nil {
		shown.Targets = []string{}
	}
	return shown
}

func rotationDetailOf(r rotation.Rotation, deployments []rotation.Deployment) RotationDetail {
	detail := RotationDetail{Rotation: rotationOf(r), Deployments: []Deployment{}, Retirements: []Retirement{}}
	for _, d := range deployments {
		detail.Deployments = append(detail.Deployments, deploymentOf(d))
		if d.Waiting != "" && !d.State.Ended() {
			detail.Waiting = strings.TrimPrefix(detail.Waiting+"; "+d.Target+": "+d.Waiting, "; ")
		}
	}
	return detail
}

func deploymentOf(d rotation.Deployment) Deployment {
	shown := Deployment{
		Rotation: d.Rotation.String(), Target: d.Target, Integration: d.Integration,
		State: d.State, Reason: d.Reason, Attempts: d.Attempts, LastError: d.LastError, Receipt: d.Receipt, Waiting: d.Waiting,
		BegunAt: moment(d.BegunAt), UpdatedAt: moment(d.UpdatedAt), NextAt: moment(d.NextAt), ConfirmedAt: moment(d.ConfirmedAt),
	}
	for _, step := range d.Steps {
		shown.Steps = append(shown.Steps, Step(step))
	}
	return shown
}

// retirementsOf picks what the rotation makes obsolete: everything older than its
// credential, and what its own abandoned attempts left.
func retirementsOf(r rotation.Rotation, all []engine.Retirement) []Retirement {
	picked := []Retirement{}
	for _, gone := range r.Retired {
		picked = append(picked, Retirement{
			KeyID: gone.KeyID, Generation: gone.Generation, State: "removed", RemovedAt: moment(gone.At),
		})
	}
	for _, one := range all {
		if one.Entry.Generation > r.ID.Generation || one.Entry.KeyID != "" && one.Entry.KeyID == r.KeyID {
			continue
		}
		shown := Retirement{
			KeyID: one.Entry.KeyID, Generation: one.Entry.Generation, EndsAt: moment(one.Entry.End),
			State: "removing", Reason: one.Objection.Clause,
		}
		if one.Objection.Clause != "" {
			shown.State, shown.Until = "waiting", moment(one.Objection.Until)
		}
		picked = append(picked, shown)
	}
	return picked
}

func (r Rotation) requested() time.Time {
	if r.RequestedAt == nil {
		return time.Time{}
	}
	return *r.RequestedAt
}
