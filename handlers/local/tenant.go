package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// The names of the tenant that the stack starts with.
const (
	tenantID       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscriptionID = "11111111-2222-4333-8444-555555555555"
	resourceGroup  = "contoso"
	stagingVault   = "contoso-rekey"
	rbacVault      = "contoso-apps"
	policyVault    = "contoso-legacy"
	installation   = "local"
	mailbox        = "rekey@contoso.example"
)

// Tenant is what was seeded.
type Tenant struct {
	Identity entra.ServicePrincipal // whom rekey runs as
	API      registration
	Apps     []entra.Application
	Topic    string // where lifecycle events go
	vaults   []string
	places   *places
}

// seed makes a tenant with applications, two vaults of theirs, rekey's identity
// with the rights that infra gives it, and rekey's own staging vault.
func seed(a *azuresim.Azure, apps int) *Tenant {
	t := &Tenant{Identity: a.Directory.AddManagedIdentity("rekey", entra.RoleApplicationReadWriteOwnedBy,
		entra.RoleUserReadBasicAll, entra.RoleAuditLogReadAll, entra.RolePolicyReadAll, graph.RoleMailSend)}
	a.Graph.AddMailbox(mailbox)
	t.addVaults(a)
	t.API = register(a)
	t.places = addPlaces(a, t.Identity)
	for n := range apps {
		t.Apps = append(t.Apps, t.addApplication(a, n))
	}
	return t
}

func (t *Tenant) addVaults(a *azuresim.Azure) {
	rm := a.ResourceManager
	rm.AddSubscription(subscriptionID, "Contoso")
	staging := rm.AddVault(resourcemanager.Vault{Name: stagingVault, Subscription: subscriptionID, ResourceGroup: resourceGroup, RBAC: true, PurgeProtection: true})
	apps := rm.AddVault(resourcemanager.Vault{Name: rbacVault, Subscription: subscriptionID, ResourceGroup: resourceGroup, RBAC: true})
	legacy := rm.AddVault(resourcemanager.Vault{Name: policyVault, Subscription: subscriptionID, ResourceGroup: resourceGroup, Policies: []keyvault.AccessPolicy{}})
	t.vaults = []string{apps, legacy}
	topic := groupID + "/providers/Microsoft.EventGrid/topics/contoso-rekey"
	for _, grant := range []struct{ scope, role string }{
		{staging, resourcemanager.KeyVaultSecretsOfficer},
		{staging, resourcemanager.KeyVaultCertificatesOfficer},
		{groupID, resourcemanager.Reader},
		{groupID, resourcemanager.KeyVaultDataAccessAdministrator},
		{legacy, resourcemanager.KeyVaultContributor},
		{topic, resourcemanager.EventGridDataSender},
	} {
		rm.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: grant.scope, RoleID: grant.role, PrincipalID: t.Identity.ObjectID})
	}
	t.Topic = a.EventGrid.AddTopic(eventgrid.Topic{ID: topic, Name: "contoso-rekey", Schema: eventgrid.CloudEventSchemaV1_0})
}

// names are what a company calls its services.
var names = [...]string{
	"Orders API", "Billing worker", "Web shop", "Warehouse sync", "Mail gateway", "Reporting",
	"Customer portal", "Invoice import", "Search indexer", "Identity bridge", "Backup agent", "Partner feed",
}

// addApplication adds one app registration that rekey owns, with a secret that
// somebody pasted by hand and that nears its end: rotation falls due a few
// seconds after that of the application before.
func (t *Tenant) addApplication(a *azuresim.Azure, n int) entra.Application {
	name := names[n%len(names)]
	if n >= len(names) {
		name = fmt.Sprintf("%s %d", name, n/len(names)+1)
	}
	now := a.Clock.Now()
	password, _ := entra.NewPassword("pasted by hand", now, now.Add(fastAllowance+fastOverlap+time.Duration(n+1)*seedEvery))
	app := a.Directory.AddApplication(entra.Application{
		DisplayName: name, Owners: []string{t.Identity.ObjectID}, Passwords: []entra.Password{password},
	})
	a.Directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID, DisplayName: name})
	return app
}

// seedEvery is how far apart the seeded secrets fall due.
const seedEvery = 3 * time.Second

// nearExpiryTypes are the events that rekey is subscribed to.
func nearExpiryTypes() []string {
	return []string{
		"Microsoft.KeyVault.SecretNearExpiry", "Microsoft.KeyVault.SecretExpired",
		"Microsoft.KeyVault.CertificateNearExpiry", "Microsoft.KeyVault.CertificateExpired",
	}
}

// subscribe sends the vaults' events to the nearexpiry function.
func (t *Tenant) subscribe(ctx context.Context, a *azuresim.Azure, host string) error {
	for _, vault := range t.vaults {
		err := a.EventGrid.Subscribe(ctx, eventgrid.Subscription{
			Name: "rekey", Source: vault,
			Endpoint:   host + "/runtime/webhooks/eventgrid?functionName=nearexpiry",
			Function:   groupID + "/providers/Microsoft.Web/sites/rekey/functions/nearexpiry",
			EventTypes: nearExpiryTypes(),
		})
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", vault, err)
		}
	}
	return nil
}
