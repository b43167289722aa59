package devops

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func refusal(class rotation.Class, remedy, format string, args ...any) error {
	return &rotation.Fault{Class: class, Remedy: remedy, Err: fmt.Errorf(format, args...)}
}

func notThere(class rotation.Class, s Settings) error {
	return refusal(class, "check the project and the connection, and that rekey's identity is at least a Reader of the connection",
		"devops: service connection %q in project %q of organization %q is not there, or rekey may not see it", s.ServiceConnection, s.Project, s.Organization)
}

// fault says what an answer means that is not the JSON that was asked for.
func (c *client) fault(r request, a answer) error {
	class := classify(a.status)
	f := &rotation.Fault{Class: class, Err: fmt.Errorf("devops: %s: %s", r.doing, words(r, a)), Remedy: c.remedy(r, a, class)}
	if class == rotation.Throttled {
		f.After = c.pause(a)
	}
	return f
}

// classify knows that a page instead of JSON, and a redirect to one, is how Azure
// DevOps asks to sign in.
func classify(status int) rotation.Class {
	if status < http.StatusBadRequest {
		return rotation.Denied
	}
	return httpfault.Class(status)
}

// words is the status with the service's sentence.
func words(r request, a answer) string {
	if !a.isJSON() {
		if a.status < http.StatusBadRequest {
			return strconv.Itoa(a.status) + ": a sign-in page instead of an answer"
		}
		return strconv.Itoa(a.status) + " " + http.StatusText(a.status)
	}
	var body struct {
		Message string `json:"message"`
		TypeKey string `json:"typeKey"`
		Value   struct {
			Message string `json:"Message"`
		} `json:"value"`
	}
	_ = json.Unmarshal(a.body, &body) // without a sentence the status has to do
	if body.Message == "" {
		body.Message = body.Value.Message
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s", a.status, httpfault.Code(hushed(body.TypeKey, r.sent)), hushed(body.Message, r.sent)))
}

// nobody is the tenant of an organization that is connected to none.
const nobody = "00000000-0000-0000-0000-000000000000"

// remedy says what a person can do about a refusal.
func (c *client) remedy(r request, a answer, class rotation.Class) string {
	tenant := a.header.Get("X-VSS-ResourceTenant")
	switch {
	case class == rotation.NotFound:
		return "check the names of the organization and the project; rekey's identity sees only projects that it is a member of"
	case class != rotation.Denied:
		return ""
	case tenant == nobody:
		return fmt.Sprintf("the organization %q is connected to no tenant: connect it to %s (Organization settings > Microsoft Entra)", r.organization, c.tenantID)
	case tenant != "" && c.tenantID != "" && !strings.EqualFold(tenant, c.tenantID):
		return fmt.Sprintf("the organization %q is connected to another tenant, %s, and rekey works in %s: let a rekey of that tenant deliver there",
			r.organization, tenant, c.tenantID)
	case a.status == http.StatusForbidden && strings.Contains(string(a.body), "collection level"):
		return "the connection is shared by several projects: make rekey's identity its Administrator at the level of the organization " +
			"(Project settings > Service connections > the connection > Security > Organization)"
	case a.status == http.StatusForbidden:
		return "make rekey's identity an Administrator of the connection (Project settings > Service connections > the connection > Security)"
	}
	return "add rekey's identity to the organization with the access level Basic (Organization settings > Users) and to the project"
}

// longestPause keeps one answer from stopping an organization for a day.
const longestPause = time.Hour

// pause is for how long an answer asks to be left alone.
func (c *client) pause(a answer) time.Duration {
	return min(httpfault.After(a.header, c.now()), longestPause)
}
