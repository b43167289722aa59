package devops

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// identity is a principal's id in Azure DevOps, which is not its object id.
func identity(objectID string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(objectID)).String()
}

type profile struct {
	ID           string `json:"id"`
	DisplayName  string `json:"displayName"`
	PublicAlias  string `json:"publicAlias"`
	EmailAddress string `json:"emailAddress"`
	CoreRevision int    `json:"coreRevision"`
	Revision     int    `json:"revision"`
	TimeStamp    string `json:"timeStamp"`
}

func (s *Service) getProfile(c *call) (any, error) {
	own := identity(c.caller.ObjectID)
	id := c.path["id"]
	if id != "me" && !strings.EqualFold(id, own) {
		return nil, refuse(http.StatusForbidden, "ProfileNotAuthorizedException", "The profile %s cannot be viewed by the caller.", id)
	}
	if s.options.NoProfiles || len(s.memberOf(c.caller)) == 0 {
		return nil, refuse(http.StatusNotFound, "ProfileDoesNotExistException", "The profile of the user '%s' does not exist.", c.caller.ObjectID)
	}
	return profile{ID: own, DisplayName: c.caller.AppID, PublicAlias: own, CoreRevision: 1, Revision: 1, TimeStamp: "2026-01-01T00:00:00.0000000+00:00"}, nil
}

type account struct {
	ID         string         `json:"accountId"`
	Name       string         `json:"accountName"`
	URI        string         `json:"accountUri"`
	Properties map[string]any `json:"properties"`
}

// listAccounts lists the organizations of a member, who is the caller.
func (s *Service) listAccounts(c *call) (any, error) {
	query := c.request.URL.Query()
	member, owner := query.Get("memberId"), query.Get("ownerId")
	switch {
	case member == "" && owner == "":
		return nil, refuse(http.StatusBadRequest, "AccountException", "One of the following parameters is required: ownerId, memberId.")
	case member != "" && !strings.EqualFold(member, identity(c.caller.ObjectID)):
		return nil, refuse(http.StatusForbidden, "AccountException", "The accounts of %s cannot be viewed by the caller.", member)
	case member == "":
		return list[account](nil), nil // organizations belong to users
	}
	accounts := []account{}
	for _, o := range s.memberOf(c.caller) {
		accounts = append(accounts, account{o.id, o.name, "https://vssps.dev.azure.com/" + o.name + "/", map[string]any{}})
	}
	return list(accounts), nil
}

func (s *Service) memberOf(caller entra.Caller) (found []*organization) {
	for _, o := range s.organizations {
		if o.members[caller.ObjectID] != nil && strings.EqualFold(o.tenantID, caller.TenantID) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *organization) int { return cmp.Compare(a.name, b.name) })
	return found
}
