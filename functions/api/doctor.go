package api

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Doctor makes the checks.
type Doctor interface {
	// Installation makes those of the installation, and Application those of one application.
	Installation(ctx context.Context) ([]doctor.Result, error)
	Application(ctx context.Context, appID string) ([]doctor.Result, error)
	// Look makes those of one application, and keeps and tells nothing.
	Look(ctx context.Context, appID string) ([]doctor.Result, error)
}

// Diagnosis is what the checks found.
type Diagnosis struct {
	OK     bool        `json:"ok" doc:"Nothing of it is an error"`
	Checks []CheckMade `json:"checks" nullable:"false"`
	// Applications is left out where one application was asked about.
	Applications *Page[Finding] `json:"applications,omitempty" doc:"What was found last about applications: the first page, whose next is a cursor of /api/doctor/findings"`
}

// CheckMade is one check, and what it found.
type CheckMade struct {
	Check     string    `json:"check"`
	What      string    `json:"what" doc:"What was tested, in one sentence"`
	CheckedAt time.Time `json:"checkedAt"`
	Findings  []Finding `json:"findings" nullable:"false" doc:"None: it is well"`
}

// Finding is one thing that is wrong, and what a person can do about it.
type Finding struct {
	Check    string            `json:"check"`
	AppID    string            `json:"appId,omitempty" doc:"The application that it concerns; left out: the installation"`
	Subject  string            `json:"subject,omitempty" doc:"The target, kind, vault or entity that it is about"`
	Severity rotation.Severity `json:"severity" enum:"error,warning,unknown" doc:"unknown: it could not be looked at just now"`
	Finding  string            `json:"finding"`
	Remedy   string            `json:"remedy" doc:"What a person can do"`
	Since    time.Time         `json:"since" doc:"When it was first seen"`
}

type askDoctor struct {
	App appID `query:"app" doc:"Make the checks of this application; left out, those of the installation"`
}

func (a *api) registerDoctor(h huma.API) {
	huma.Register(h, operation("doctor", http.MethodGet, "/api/doctor", "Make the checks now, and say what is wrong and what a person can do"), a.diagnose)
	huma.Register(h, operation("listFindings", http.MethodGet, "/api/doctor/findings", "What was found last about applications, in the order of their ids"), a.listFindings)
}

func (a *api) diagnose(ctx context.Context, in *askDoctor) (*answer[Diagnosis], error) {
	if in.App != "" {
		results, err := a.Doctor.Application(ctx, in.App.String())
		if err != nil {
			return nil, a.refusal(ctx, err)
		}
		return &answer[Diagnosis]{diagnosisOf(results)}, nil
	}
	results, err := a.Doctor.Installation(ctx)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	page, err := a.listFindings(ctx, &Paging{Limit: 100})
	if err != nil {
		return nil, err
	}
	shown := diagnosisOf(results)
	shown.Applications = &page.Body
	return &answer[Diagnosis]{shown}, nil
}

// findingCursor is the form of a finding's row.
var findingCursor = regexp.MustCompile(`^` + guid + `\|[a-z]{1,30}\|[^/\\#?]{0,200}$`)

func (a *api) listFindings(ctx context.Context, in *Paging) (*answer[Page[Finding]], error) {
	return listed(ctx, a, in, findingCursor, a.Engine.Findings, findingOf)
}

func diagnosisOf(results []doctor.Result) Diagnosis {
	d := Diagnosis{OK: true, Checks: []CheckMade{}}
	for _, r := range results {
		made := CheckMade{Check: r.Check, What: r.What, CheckedAt: r.CheckedAt.UTC(), Findings: []Finding{}}
		for _, f := range r.Findings {
			made.Findings = append(made.Findings, findingOf(f))
			d.OK = d.OK && f.Severity != rotation.SeverityError
		}
		d.Checks = append(d.Checks, made)
	}
	return d
}

func findingOf(f rotation.Finding) Finding {
	return Finding{f.Check, f.AppID, f.Subject, f.Severity, f.Finding, f.Remedy, f.Since.UTC()}
}
