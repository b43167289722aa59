package main

import (
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/compute"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
)

// The places that credentials are delivered to, besides vaults.
const (
	organization = "contoso"
	project      = "Shop"
	team         = "team_contoso"
	vercelGroup  = "contoso"
	restartTask  = "restart"
	runbookTask  = "third-party"
)

const groupID = "/subscriptions/" + subscriptionID + "/resourceGroups/" + resourceGroup

// places seed the services that targets are in, and say how a target names what it
// finds there.
type places struct {
	azure    *azuresim.Azure
	identity entra.ServicePrincipal
	token    string // of Vercel
	machine  string
	account  string
	// onRun is told what each script was given, or nil.
	onRun func(parameters map[string]string)
}

// addPlaces makes everything that does not belong to one application.
func addPlaces(a *azuresim.Azure, identity entra.ServicePrincipal) *places {
	p := &places{azure: a, identity: identity}
	a.DevOps.AddOrganization(devops.Organization{Name: organization})
	a.DevOps.AddProject(organization, project)
	a.DevOps.AddMember(organization, identity.ObjectID, project)
	a.Vercel.AddTeam(vercel.Team{ID: team, Slug: "contoso", Name: "Contoso"})
	p.token = a.Vercel.AddToken(vercel.Token{Text: strings.Repeat("vercel-7", 5), Teams: []string{team}})
	prints := func(text string) func(map[string]string) (string, int) {
		return func(given map[string]string) (string, int) {
			if p.onRun != nil {
				p.onRun(given)
			}
			return text, 0
		}
	}
	p.machine = a.Compute.AddMachine(compute.Machine{
		Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "web-1", Runs: prints("configuration written, service restarted"),
	})
	p.account = a.Automation.AddAccount(automation.Account{
		Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "operations",
		Runbooks: []automation.Runbook{{Name: "Deliver", Parameters: map[string]bool{"SecretId": true}, Runs: prints("the third party has it")}},
	})
	for scope, role := range map[string]string{"/subscriptions/" + subscriptionID: resourcemanager.Reader, groupID: resourcemanager.Contributor} {
		a.ResourceManager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, RoleID: role, PrincipalID: identity.ObjectID})
	}
	return p
}

// inVault is a target in a Key Vault.
func (p *places) inVault(kind, vault string, settings map[string]any) map[string]any {
	merged := map[string]any{"vault": vault}
	for name, value := range settings {
		merged[name] = value
	}
	return target("keyvault", kind, merged)
}

func target(integration, kind string, settings map[string]any) map[string]any {
	return map[string]any{"integration": integration, "kind": kind, "enabled": true, "settings": settings}
}

// serviceConnection adds a connection of the application and returns its target.
func (p *places) serviceConnection(app entra.Application, kind, name string) (id string, body map[string]any) {
	id = p.azure.DevOps.AddConnection(organization, devops.Connection{
		Name: name, Projects: []string{project}, Data: map[string]string{"creationMode": "Automatic", "environment": "AzureCloud"},
		Parameters: map[string]string{"tenantid": tenantID, "serviceprincipalid": app.AppID, "authenticationType": "spnKey", "serviceprincipalkey": "pasted by hand"},
	})
	p.azure.DevOps.SetRole(organization, id, p.identity.ObjectID, devops.Administrator)
	return id, target("devops", kind, map[string]any{"organization": organization, "project": project, "serviceConnection": id})
}

// webProject adds a Vercel project with a production deployment, whose variable
// holds the application's secret.
func (p *places) webProject(name string) map[string]any {
	id := p.azure.Vercel.AddProject(vercel.Project{Name: name, Team: team})
	p.azure.Vercel.AddVariable(id, vercel.Variable{Key: "CLIENT_SECRET", Value: "pasted by hand", Targets: []string{vercel.Production, vercel.Preview}})
	p.azure.Vercel.AddDeployment(id, vercel.Deployment{Environment: vercel.Production})
	return target("vercel", "secret", map[string]any{
		"project": name, "variable": "CLIENT_SECRET", "environments": []string{"production"}, "redeploy": []string{"production"},
	})
}

// mailConnection adds a Logic App connection to a connector that Microsoft manages.
func (p *places) mailConnection(app entra.Application, name string) map[string]any {
	id := p.azure.Connections.AddConnection(connections.Connection{
		Name: name, Subscription: subscriptionID, ResourceGroup: resourceGroup, API: "office365",
		Values: map[string]any{"token:clientId": app.AppID, "token:clientSecret": "pasted by hand", "token:TenantId": tenantID, "token:grantType": "client_credentials"},
	})
	return target("apiconnection", "secret", map[string]any{"connection": id})
}

// customConnection adds a connection to a connector that somebody made.
func (p *places) customConnection(app entra.Application, name string) map[string]any {
	api := p.azure.Connections.AddCustomAPI(subscriptionID, resourceGroup, name, nil)
	id := p.azure.Connections.AddConnection(connections.Connection{
		Name: name, Subscription: subscriptionID, ResourceGroup: resourceGroup, API: api,
		Values: map[string]any{"token:ClientId": app.AppID, "token:ClientSecret": "pasted by hand", "token:TenantId": tenantID},
	})
	return target("apiconnection", "secret", map[string]any{"connection": id})
}

// task is a target that runs a task.
func (p *places) task(id string) map[string]any {
	return target("automation", "secret", map[string]any{"task": id})
}
