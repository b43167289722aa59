package automation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

// jobWork is a job of an Automation account. Everyone who can see the job can read
// its parameters: it gets a vault reference, never the value.
// https://learn.microsoft.com/azure/automation/runbook-input-parameters
type jobWork struct {
	client *client
	vaults Vaults
	step   rotation.RunbookStep
	id     string
}

type jobBody struct {
	ID         string `json:"id,omitempty"`
	Properties struct {
		Runbook struct {
			Name string `json:"name"`
		} `json:"runbook"`
		Parameters map[string]string `json:"parameters,omitempty"`
		RunOn      string            `json:"runOn,omitempty"`
		Status     string            `json:"status,omitempty"`
		Exception  string            `json:"exception,omitempty"`
	} `json:"properties"`
}

const jobOperator = "Automation Job Operator"

// begin starts the job once the vault holds the credential. A job's name is taken
// once only, so a second PUT starts nothing.
// https://learn.microsoft.com/rest/api/automation/job/create
func (w *jobWork) begin(ctx context.Context, d rotation.Delivery, extra map[string]string) (string, error) {
	reference, waiting, err := w.reference(ctx, d)
	if err != nil || waiting != "" {
		return waiting, err
	}
	var body, made jobBody
	body.Properties.Runbook.Name = w.step.Runbook
	body.Properties.RunOn = w.step.RunOn
	body.Properties.Parameters = w.parameters(d, extra, reference)
	doing := fmt.Sprintf("start runbook %q", w.step.Runbook)
	err = w.client.do(ctx, doing, call{method: http.MethodPut, id: w.id, version: automationVersion, body: body, into: &made})
	if rotation.ClassOf(err) == rotation.Conflict {
		if p, lookErr := w.look(ctx); lookErr == nil && p.found {
			return "", nil
		}
	}
	if err == nil && !strings.EqualFold(last(made.ID), last(w.id)) {
		err = transient(doing, fmt.Errorf("the answer does not name the job"))
	}
	return "", withRemedy(err, rotation.Denied, assign(jobOperator, w.step.Account))
}

// reference returns the id of the version that holds the credential, or what it
// waits for. A vault that does not let rekey in may yet do so: a Key Vault target
// that was added a moment ago has asked for it, and that takes a while.
func (w *jobWork) reference(ctx context.Context, d rotation.Delivery) (id, waiting string, err error) {
	latest, err := w.vaults.Get(once(ctx), w.step.Vault, w.step.SecretName)
	switch {
	case err != nil && rotation.ClassOf(err) == rotation.Denied:
		return "", fmt.Sprintf("for vault %q to let rekey read %q", w.step.Vault, w.step.SecretName), nil
	case err != nil && rotation.ClassOf(err) != rotation.NotFound:
		return "", "", err
	case err != nil || !holds(latest, d) || latest.Version == "":
		return "", fmt.Sprintf("for a Key Vault target to bring the credential to %q in vault %q", w.step.SecretName, w.step.Vault), nil
	}
	return "https://" + w.step.Vault + ".vault.azure.net/secrets/" + w.step.SecretName + "/" + latest.Version, "", nil
}

// once keeps the SDK from repeating a call: whoever asked comes back.
func once(ctx context.Context) context.Context {
	return policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
}

// holds reports whether a version is the delivery's credential: by its value, or, as
// a certificate comes back in another form, by the tags that Key Vault targets set.
func holds(s vault.Secret, d rotation.Delivery) bool {
	if s.Value.Equal(d.Credential.Value) {
		return true
	}
	return d.Credential.Rotation.Kind == rotation.Certificate &&
		s.Tags["appId"] == d.Credential.Rotation.AppID && s.Tags["keyId"] == d.Credential.KeyID && d.Credential.KeyID != ""
}

// parameters are sent as JSON texts, as Azure's own tools do: a plain one that looks
// like a number would arrive as one.
func (w *jobWork) parameters(d rotation.Delivery, extra map[string]string, reference string) map[string]string {
	all := map[string]string{rotation.ParameterSecretID: inJSON(reference)}
	for name, template := range w.step.Parameters {
		for other, own := range extra {
			if strings.EqualFold(other, name) && !strings.Contains(own, rotation.PlaceCredential) {
				template = own
			}
		}
		all[name] = inJSON(d.Fill(template, secret.Value{}).Reveal()) // which has no credential in it
	}
	return all
}

func inJSON(text string) string {
	encoded, _ := json.Marshal(text) // a text has no error
	return string(encoded)
}

// look reads the job's status, and once it ended what it printed.
// https://learn.microsoft.com/rest/api/automation/job/get
// https://learn.microsoft.com/azure/automation/automation-runbook-execution#job-statuses
func (w *jobWork) look(ctx context.Context) (progress, error) {
	var found jobBody
	doing := fmt.Sprintf("read job %q", last(w.id))
	err := w.client.get(ctx, doing, w.id, automationVersion, &found)
	switch {
	case rotation.ClassOf(err) == rotation.NotFound:
		return progress{}, nil
	case err != nil:
		return progress{}, err
	case found.Properties.Status == "":
		return progress{}, transient(doing, fmt.Errorf("the answer has no status"))
	}
	p := progress{found: true}
	switch status := found.Properties.Status; status {
	case "Completed":
		p.ended = true
	case "Failed", "Stopped", "Suspended", "Blocked":
		p.ended = true
		p.failed = cmp.Or(lastLine(found.Properties.Exception), "the job is "+status)
	default:
		return p, nil
	}
	p.output, err = w.output(ctx)
	return p, err
}

// output reads what the job printed. Who may not read it goes without.
// https://learn.microsoft.com/rest/api/automation/job/get-output
func (w *jobWork) output(ctx context.Context) (text string, err error) {
	doing := fmt.Sprintf("read the output of job %q", last(w.id))
	err = w.client.do(ctx, doing, call{method: http.MethodGet, id: w.id + "/output", version: automationVersion, into: &text})
	switch rotation.ClassOf(err) {
	case rotation.Denied, rotation.NotFound:
		return "", nil
	}
	return text, err
}

// stop stops a job. One that has ended refuses, which is what was wanted.
// https://learn.microsoft.com/rest/api/automation/job/stop
func (w *jobWork) stop(ctx context.Context) error {
	err := w.client.do(ctx, fmt.Sprintf("stop job %q", last(w.id)), call{method: http.MethodPost, id: w.id + "/stop", version: automationVersion})
	switch {
	case err == nil || rotation.ClassOf(err) == rotation.NotFound:
		return nil
	case rotation.ClassOf(err) == rotation.Conflict || rotation.ClassOf(err) == rotation.Permanent:
		if p, lookErr := w.look(ctx); lookErr == nil && (p.ended || !p.found) {
			return nil
		}
	}
	return err
}
