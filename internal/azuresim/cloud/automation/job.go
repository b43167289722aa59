package automation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

type job struct {
	name       string
	id         string
	runbook    Runbook
	parameters map[string]string
	runOn      string
	created    time.Time
	starts     time.Time
	ends       time.Time
	stopped    time.Time // when it has stopped; zero unless somebody stopped it

	ran      bool
	output   string
	exitCode int
}

type jobJSON struct {
	ID         string        `json:"id,omitempty"`
	Name       string        `json:"name,omitempty"`
	Type       string        `json:"type,omitempty"`
	Properties jobProperties `json:"properties"`
}

type jobProperties struct {
	JobID             string            `json:"jobId,omitempty"`
	Runbook           runbookName       `json:"runbook"`
	ProvisioningState string            `json:"provisioningState,omitempty"`
	CreationTime      *time.Time        `json:"creationTime,omitempty"`
	StartTime         *time.Time        `json:"startTime"`
	EndTime           *time.Time        `json:"endTime"`
	Exception         *string           `json:"exception"`
	Status            string            `json:"status,omitempty"`
	StatusDetails     string            `json:"statusDetails,omitempty"`
	Parameters        map[string]string `json:"parameters"`
	RunOn             string            `json:"runOn"`
}

type runbookName struct {
	Name string `json:"name"`
}

// status is how far a job is.
// https://learn.microsoft.com/azure/automation/automation-runbook-execution#job-statuses
func (j *job) status(now time.Time) string {
	switch {
	case !j.stopped.IsZero() && now.Before(j.stopped):
		return "Stopping"
	case !j.stopped.IsZero():
		return "Stopped"
	case now.Before(j.created.Add(j.starts.Sub(j.created) / 2)):
		return "New"
	case now.Before(j.starts):
		return "Activating"
	case now.Before(j.ends):
		return "Running"
	case j.runbook.Ends != "":
		return j.runbook.Ends
	case j.exitCode != 0:
		return "Failed"
	}
	return "Completed"
}

func (j *job) ended(now time.Time) bool {
	return !slices.Contains([]string{"New", "Activating", "Running", "Stopping"}, j.status(now))
}

func (j *job) json(accountID string, now time.Time) jobJSON {
	p := jobProperties{
		JobID: j.id, Runbook: runbookName{j.runbook.Name}, ProvisioningState: "Processing", CreationTime: &j.created,
		Status: j.status(now), StatusDetails: "None", Parameters: j.parameters, RunOn: j.runOn,
	}
	if j.ran {
		p.StartTime = &j.starts
	}
	if j.ended(now) {
		p.EndTime, p.ProvisioningState = &j.ends, "Succeeded"
	}
	if p.Status == "Failed" {
		p.Exception, p.ProvisioningState = &j.output, "Failed"
	}
	return jobJSON{ID: accountID + "/jobs/" + j.name, Name: j.name, Type: "Microsoft.Automation/AutomationAccounts/Jobs", Properties: p}
}

func (s *Service) catchUp(now time.Time) {
	for _, a := range s.accounts {
		for _, j := range a.jobs {
			if !j.ran && j.stopped.IsZero() && !now.Before(j.starts) {
				j.ran = true
				if j.runbook.Runs != nil {
					j.output, j.exitCode = j.runbook.Runs(arrived(j.parameters))
				}
			}
		}
	}
}

// arrived decodes parameters as the service does before a runbook sees them.
func arrived(parameters map[string]string) map[string]string {
	all := map[string]string{}
	for name, text := range parameters {
		var decoded any
		if json.Unmarshal([]byte(text), &decoded) == nil {
			text = fmt.Sprint(decoded)
		}
		all[name] = text
	}
	return all
}

func (a *account) job(name string) *job {
	i := slices.IndexFunc(a.jobs, func(j *job) bool { return strings.EqualFold(j.name, name) })
	if i < 0 {
		return nil
	}
	return a.jobs[i]
}

func jobID(r *resourcemanager.Request) string { return accountID(r) + "/jobs/" + r.Path["job"] }

// https://learn.microsoft.com/rest/api/automation/job/create
func (s *Service) putJob(r *resourcemanager.Request) (int, any, error) {
	var body jobJSON
	if err := r.Decode(&body); err != nil {
		return 0, nil, err
	}
	return s.within(r, "Microsoft.Automation/automationAccounts/jobs/write", jobID(r), func(a *account) (int, any) {
		book, known := a.runbook(body.Properties.Runbook.Name)
		switch runOn := body.Properties.RunOn; {
		case a.job(r.Path["job"]) != nil:
			return refused(http.StatusConflict, "Conflict", "Job with specified id already exists. Job id: "+r.Path["job"])
		case body.Properties.Runbook.Name == "":
			return refused(http.StatusBadRequest, "BadRequest", "Argument requestBody.Properties.Runbook.Name is null or empty.")
		case !known:
			return refused(http.StatusNotFound, "NotFound", "The Runbook was not found.")
		case cmp.Or(book.State, "Published") == "New":
			return refused(http.StatusBadRequest, "BadRequest", "The runbook is not published.")
		case runOn != "" && !slices.ContainsFunc(a.WorkerGroups, func(g string) bool { return strings.EqualFold(g, runOn) }):
			return refused(http.StatusBadRequest, "BadRequest", "The hybrid runbook worker group was not found.")
		}
		if wrong := unbound(book, body.Properties.Parameters); wrong != "" {
			return refused(http.StatusBadRequest, "BadRequest", wrong)
		}
		return http.StatusCreated, s.begin(a, r, book, body.Properties)
	})
}

func (s *Service) begin(a *account, r *resourcemanager.Request, book Runbook, p jobProperties) jobJSON {
	made := &job{name: r.Path["job"], id: uuid.NewString(), runbook: book, parameters: p.Parameters, runOn: p.RunOn, created: r.Now}
	made.starts = made.created.Add(s.options.Queued)
	made.ends = made.starts.Add(cmp.Or(book.Takes, s.options.Takes))
	a.jobs = append(a.jobs, made)
	answer := made.json(a.id, r.Now)
	answer.Properties.Status, answer.Properties.EndTime, answer.Properties.ProvisioningState = "New", nil, "Processing"
	s.catchUp(r.Now)
	return answer
}

// unbound says which parameter a runbook would not begin with.
func unbound(book Runbook, given map[string]string) string {
	has := func(names map[string]string, name string) bool {
		for one := range names {
			if strings.EqualFold(one, name) {
				return true
			}
		}
		return false
	}
	declared := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(book.Parameters)) {
		declared[name] = name
		if book.Parameters[name] && !has(given, name) {
			return "The parameter " + name + " is mandatory."
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if book.Parameters != nil && !has(declared, name) {
			return "The runbook has no parameter " + name + "."
		}
	}
	return ""
}

// withJob answers about a job that the caller may act on.
func (s *Service) withJob(r *resourcemanager.Request, action, below string, answer func(*account, *job) (int, any)) (int, any, error) {
	return s.within(r, action, jobID(r)+below, func(a *account) (int, any) {
		if found := a.job(r.Path["job"]); found != nil {
			return answer(a, found)
		}
		return refused(http.StatusNotFound, "NotFound", "The job was not found.")
	})
}

// https://learn.microsoft.com/rest/api/automation/job/get
func (s *Service) getJob(r *resourcemanager.Request) (int, any, error) {
	return s.withJob(r, "Microsoft.Automation/automationAccounts/jobs/read", "", func(a *account, j *job) (int, any) {
		return http.StatusOK, j.json(a.id, r.Now)
	})
}

// https://learn.microsoft.com/rest/api/automation/job/get-output
func (s *Service) getOutput(r *resourcemanager.Request) (int, any, error) {
	return s.withJob(r, "Microsoft.Automation/automationAccounts/jobs/output/read", "", func(_ *account, j *job) (int, any) {
		if !j.ended(r.Now) {
			return http.StatusOK, resourcemanager.Text("")
		}
		return http.StatusOK, resourcemanager.Text(j.output)
	})
}

// https://learn.microsoft.com/rest/api/automation/job-stream/list-by-job
func (s *Service) listStreams(r *resourcemanager.Request) (int, any, error) {
	return s.withJob(r, "Microsoft.Automation/automationAccounts/jobs/streams/read", "/streams", func(a *account, j *job) (int, any) {
		streams := []any{}
		if j.ended(r.Now) && j.ran {
			kind := map[bool]string{true: "Output", false: "Error"}[j.exitCode == 0]
			for i, line := range strings.Split(j.output, "\n") {
				id := fmt.Sprintf("%s_%020d", j.id, i+1)
				streams = append(streams, map[string]any{"id": a.id + "/jobs/" + j.name + "/streams/" + id, "properties": map[string]any{
					"jobStreamId": id, "summary": line, "time": j.ends, "streamType": kind}})
			}
		}
		return http.StatusOK, map[string]any{"value": streams}
	})
}

// https://learn.microsoft.com/rest/api/automation/job/stop
func (s *Service) stopJob(r *resourcemanager.Request) (int, any, error) {
	return s.withJob(r, "Microsoft.Automation/automationAccounts/jobs/stop/action", "", func(_ *account, j *job) (int, any) {
		if j.ended(r.Now) {
			return refused(http.StatusConflict, "Conflict", "The job has ended and cannot be stopped.")
		}
		if j.stopped.IsZero() {
			j.stopped = r.Now.Add(s.options.Stops)
		}
		return http.StatusOK, nil
	})
}
