package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/compute"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/simulation"
)

const (
	organization = "contoso"
	project      = "Shop"
	team         = "team_contoso"
	variable     = "CLIENT_SECRET"
)

// places are where targets point, made one by one: "place-7" is a vault, a service
// connection, a project, an API connection, or what a task's script writes to.
type places struct {
	*azure
	token           string // of Vercel
	storage, runner string // of containers
	tasks           map[string]rotation.Task
	given           map[string]string // the digest of what the script of a task was given last
}

var (
	_ simulation.Places = (*places)(nil)
)

func newPlaces(a *azure) *places {
	p := &places{azure: a, tasks: map[string]rotation.Task{}, given: map[string]string{}}
	a.DevOps.AddOrganization(devops.Organization{Name: organization})
	a.DevOps.AddProject(organization, project)
	a.DevOps.AddMember(organization, a.self.ObjectID, project)
	a.Vercel.AddTeam(vercel.Team{ID: team, Slug: "contoso", Name: "Contoso"})
	p.token = a.Vercel.AddToken(vercel.Token{Teams: []string{team}})
	p.storage = a.Scripts.AddStorageAccount(deploymentscripts.StorageAccount{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "scripts"})
	p.runner = a.Scripts.AddIdentity(deploymentscripts.Identity{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "runner"})
	a.Scripts.OnRun(func(given map[string]string) (string, int) {
		return p.run(given["REKEY_Place"], given["REKEY_NewSecret"])
	})
	return p
}

// run is what scripts do.
func (p *places) run(place, value string) (string, int) {
	p.given[place] = digest([]byte(value))
	return "written", 0
}

// Words implements simulation.Places.
func (p *places) Words(kind rotation.Kind) []string {
	if kind == rotation.Certificate {
		return []string{"keyvault", "devops"}
	}
	return []string{"keyvault", "devops", "vercel", "apiconnection", "automation"}
}

// settings are those of all integrations here.
type settings struct {
	Vault             string   `json:"vault,omitempty"`
	Name              string   `json:"name,omitempty"`
	Organization      string   `json:"organization,omitempty"`
	Project           string   `json:"project,omitempty"`
	ServiceConnection string   `json:"serviceConnection,omitempty"`
	Variable          string   `json:"variable,omitempty"`
	Environments      []string `json:"environments,omitempty"`
	Redeploy          []string `json:"redeploy,omitempty"`
	Connection        string   `json:"connection,omitempty"`
	Task              string   `json:"task,omitempty"`
}

// Make implements simulation.Places.
func (p *places) Make(word string, _ rotation.Kind, appID string, n int) json.RawMessage {
	name := fmt.Sprintf("place-%d", n)
	var s settings
	switch word {
	case "keyvault":
		s = p.addVault(name, n)
	case "devops":
		s = p.addServiceConnection(name, appID)
	case "vercel":
		s = p.addProject(name)
	case "apiconnection":
		s = p.addConnection(name, appID, n)
	case "automation":
		s = p.addTask(name, n)
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // it is made of texts
	}
	return text
}

func (p *places) addVault(name string, n int) settings {
	v := resourcemanager.Vault{Name: name, Subscription: subscriptionID, ResourceGroup: resourceGroup, RBAC: n%2 == 0}
	if !v.RBAC {
		v.Policies = []keyvault.AccessPolicy{}
	}
	p.ResourceManager.AddVault(v)
	return settings{Vault: name, Name: "credential"}
}

func (p *places) addServiceConnection(name, appID string) settings {
	id := p.DevOps.AddConnection(organization, devops.Connection{
		Name: name, Projects: []string{project}, Data: map[string]string{"creationMode": "Manual", "environment": "AzureCloud"},
		Parameters: map[string]string{"tenantid": tenantID, "serviceprincipalid": appID, "authenticationType": "spnKey", "serviceprincipalkey": "pasted by hand"},
	})
	p.DevOps.SetRole(organization, id, p.self.ObjectID, devops.Administrator)
	return settings{Organization: organization, Project: project, ServiceConnection: name}
}

func (p *places) addProject(name string) settings {
	id := p.Vercel.AddProject(vercel.Project{Name: name, Team: team})
	p.Vercel.AddVariable(id, vercel.Variable{Key: variable, Value: "pasted by hand", Targets: []string{vercel.Production, vercel.Preview}})
	p.Vercel.AddDeployment(id, vercel.Deployment{Environment: vercel.Production})
	return settings{Project: name, Variable: variable, Environments: []string{vercel.Production}, Redeploy: []string{vercel.Production}}
}

// addConnection adds one to a connector that Microsoft manages, or to one that
// somebody made.
func (p *places) addConnection(name, appID string, n int) settings {
	c := connections.Connection{Name: name, Subscription: subscriptionID, ResourceGroup: resourceGroup, API: "office365",
		Values: map[string]any{"token:clientId": appID, "token:clientSecret": "pasted by hand", "token:TenantId": tenantID, "token:grantType": "client_credentials"}}
	if n%2 == 0 {
		c.API = p.Connections.AddCustomAPI(subscriptionID, resourceGroup, name, nil)
		c.Values = map[string]any{"token:ClientId": appID, "token:ClientSecret": "pasted by hand", "token:TenantId": tenantID}
	}
	return settings{Connection: p.Connections.AddConnection(c)}
}

const script = "param($NewSecret, $Place)\n'written'"

// addTask adds a task with a script on a machine of its own, or in a container.
func (p *places) addTask(name string, n int) settings {
	step := rotation.TaskStep{Name: "write", PowerShell: &rotation.PowerShellStep{
		Where: rotation.PlaceContainer, Script: script, Parameters: map[string]string{"Place": name},
		Container: &rotation.Container{ResourceGroup: groupID, Location: "westeurope", StorageAccount: p.storage, Identity: p.runner},
	}}
	if n%2 == 0 {
		machine := p.Compute.AddMachine(compute.Machine{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: name,
			Runs: func(given map[string]string) (string, int) { return p.run(given["Place"], given["NewSecret"]) }})
		step.PowerShell.Where, step.PowerShell.VM, step.PowerShell.Container = rotation.PlaceVM, machine, nil
	}
	task := rotation.Task{ID: name, Name: name, Steps: []rotation.TaskStep{step}}.WithDefaults()
	if problems := task.Check(); len(problems) > 0 {
		panic(problems[0])
	}
	p.tasks[name] = task
	return settings{Task: name}
}

// Held implements simulation.Places.
func (p *places) Held(word string, row json.RawMessage) (h simulation.Held) {
	var s settings
	if err := json.Unmarshal(row, &s); err != nil {
		panic(err)
	}
	switch word {
	case "keyvault":
		h.Written = p.inVault(s)
	case "devops":
		h.Written = p.inServiceConnection(s)
	case "vercel":
		h = p.inProject(s)
	case "apiconnection":
		h.Written = p.inConnection(s)
	case "automation":
		h = p.inTask(s)
	}
	return h
}

func (p *places) inVault(s settings) string {
	held := p.Vaults.State().Vaults[s.Vault]
	for _, objects := range []map[string]keyvault.ObjectState{held.Certificates, held.Secrets} {
		if o := objects[s.Name]; len(o.Versions) > 0 {
			return o.Versions[len(o.Versions)-1].SHA256
		}
	}
	return ""
}

func (p *places) inServiceConnection(s settings) string {
	for _, c := range p.DevOps.State().Organizations[organization].Connections {
		if c.Name != s.ServiceConnection {
			continue
		}
		if sum, isCertificate := p.wire.certificates[c.Secrets["serviceprincipalcertificate"]]; isCertificate {
			return sum
		}
		return c.Secrets["serviceprincipalkey"]
	}
	return ""
}

// inProject is what the variable holds, and the deployment that became ready last.
func (p *places) inProject(s settings) (h simulation.Held) {
	held := p.Vercel.State().Projects[s.Project]
	h.Written = held.Environments[vercel.Production][variable]
	for _, d := range held.Deployments {
		switch d.State {
		case vercel.Ready:
			h.Running = d.Values[variable]
		case vercel.Queued, vercel.Building:
			h.Coming = append(h.Coming, d.Values[variable])
		}
	}
	return h
}

func (p *places) inConnection(s settings) string {
	for _, c := range p.Connections.State().Connections {
		for name, sum := range c.Secrets {
			if c.ID == s.Connection && strings.EqualFold(name, "token:clientSecret") {
				return sum
			}
		}
	}
	return ""
}

// inTask is what the script was given last, and what it is about to be given.
func (p *places) inTask(s settings) (h simulation.Held) {
	for _, m := range p.Compute.State().Machines {
		for _, c := range m.Commands {
			if strings.HasSuffix(m.ID, "/"+s.Task) && c.State == "Pending" {
				h.Coming = append(h.Coming, c.Protected["NewSecret"])
			}
		}
	}
	for _, one := range p.Scripts.State().Scripts {
		if one.Environment["REKEY_Place"] == digest([]byte(s.Task)) && one.Executions == 0 {
			h.Coming = append(h.Coming, one.Environment["REKEY_NewSecret"])
		}
	}
	h.Written = p.given[s.Task]
	return h
}

// Task and Tasks make the places those that people made tasks for.
func (p *places) Task(_ context.Context, id string) (rotation.Task, string, error) {
	if task, ok := p.tasks[id]; ok {
		return task, "etag", nil
	}
	return rotation.Task{}, "", fmt.Errorf("task %q: %w", id, engine.ErrUnknownRecord)
}

func (p *places) Tasks(context.Context, string, int) ([]rotation.Task, string, error) {
	return nil, "", nil
}

// GroupFor and GroupToken are those of the one Vercel group, which all are in.
func (p *places) GroupFor(context.Context, string) (rotation.Group, error) {
	return rotation.Group{ID: "contoso", Name: "Contoso", Active: true, Team: team, Token: "rekey-token-contoso"}, nil
}

func (p *places) GroupToken(context.Context, rotation.Group) (secret.Value, error) {
	return secret.New(p.token), nil
}
