package resourcemanager

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

const maxPolicies = 1024

// The verbs of each kind of object.
// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
var (
	keyVerbs         = strings.Fields("all encrypt decrypt wrapkey unwrapkey sign verify get list create update import delete backup restore recover purge release rotate getrotationpolicy setrotationpolicy")
	secretVerbs      = strings.Fields("all get list set delete backup restore recover purge")
	certificateVerbs = strings.Fields("all get list delete create import update managecontacts getissuers listissuers setissuers deleteissuers manageissuers recover purge backup restore")
	storageVerbs     = strings.Fields("all get list delete set update regeneratekey recover purge backup restore setsas listsas getsas deletesas")
)

func (s *Service) checkPolicies(policies []keyvault.AccessPolicy) error {
	if len(policies) > maxPolicies {
		return badRequest("BadRequest", "A vault has at most %d access policies.", maxPolicies)
	}
	for _, p := range policies {
		valid := strings.EqualFold(p.TenantID, s.tenantID) && guidPattern.MatchString(p.ObjectID) &&
			among(p.Permissions.Keys, keyVerbs) && among(p.Permissions.Secrets, secretVerbs) &&
			among(p.Permissions.Certificates, certificateVerbs) && among(p.Permissions.Storage, storageVerbs)
		if !valid {
			return badRequest("BadRequest", "An invalid value was provided for 'accessPolicies'.")
		}
	}
	return nil
}

func among(verbs, known []string) bool {
	return !slices.ContainsFunc(verbs, func(verb string) bool { return !slices.Contains(known, strings.ToLower(verb)) })
}

type policiesJSON struct {
	ID         string `json:"id,omitempty"`
	Type       string `json:"type,omitempty"`
	Location   string `json:"location,omitempty"`
	Properties struct {
		AccessPolicies []keyvault.AccessPolicy `json:"accessPolicies"`
	} `json:"properties"`
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
func (s *Service) updatePolicies(c *call) (answer, error) {
	found, err := s.authorizedVault(c, "Microsoft.KeyVault/vaults/accessPolicies/write")
	if err != nil {
		return answer{}, err
	}
	var body policiesJSON
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if err := s.checkPolicies(body.Properties.AccessPolicies); err != nil {
		return answer{}, err
	}
	updated, err := combine(c.path["operation"], found.properties.AccessPolicies, body.Properties.AccessPolicies)
	if err != nil {
		return answer{}, err
	}
	if err := s.checkPolicies(updated); err != nil {
		return answer{}, err
	}
	status := http.StatusOK
	if len(updated) > len(found.properties.AccessPolicies) {
		status = http.StatusCreated
	}
	found.properties.AccessPolicies = updated
	found.modified, found.modifiedBy = c.now, c.caller.ObjectID

	result := policiesJSON{ID: found.id() + "/accessPolicies/", Type: vaultType + "/accessPolicies"}
	result.Properties.AccessPolicies = updated
	return answer{status, result}, nil
}

// combine adds verbs to, replaces or takes verbs from the policies of the given
// identities; every other identity keeps its own, and one without verbs goes.
func combine(operation string, held, given []keyvault.AccessPolicy) ([]keyvault.AccessPolicy, error) {
	change, known := map[string]func(held, given []string) []string{
		"add":     union,
		"replace": func(_, given []string) []string { return given },
		"remove":  without,
	}[strings.ToLower(operation)]
	if !known {
		return nil, badRequest("BadRequest", "The operation kind '%s' is not one of add, replace and remove.", operation)
	}
	combined := slices.Clone(held)
	for _, g := range given {
		i := slices.IndexFunc(combined, func(h keyvault.AccessPolicy) bool { return sameIdentity(h, g) })
		if i < 0 {
			combined = append(combined, keyvault.AccessPolicy{TenantID: g.TenantID, ObjectID: g.ObjectID, ApplicationID: g.ApplicationID})
			i = len(combined) - 1
		}
		to, from := &combined[i].Permissions, g.Permissions
		to.Keys, to.Secrets = change(to.Keys, from.Keys), change(to.Secrets, from.Secrets)
		to.Certificates, to.Storage = change(to.Certificates, from.Certificates), change(to.Storage, from.Storage)
	}
	return slices.DeleteFunc(combined, func(p keyvault.AccessPolicy) bool {
		verbs := p.Permissions
		return len(verbs.Keys)+len(verbs.Secrets)+len(verbs.Certificates)+len(verbs.Storage) == 0
	}), nil
}

func sameIdentity(a, b keyvault.AccessPolicy) bool {
	return strings.EqualFold(a.ObjectID, b.ObjectID) && strings.EqualFold(a.ApplicationID, b.ApplicationID)
}

func union(held, given []string) []string {
	return append(slices.Clone(held), without(given, held)...)
}

func without(verbs, excluded []string) []string {
	return slices.DeleteFunc(slices.Clone(verbs), func(verb string) bool {
		return slices.ContainsFunc(excluded, func(e string) bool { return strings.EqualFold(e, verb) })
	})
}
