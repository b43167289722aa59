package devops

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

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
		f.After = retryAfter(a.header, c.now())
	}
	return f
}

// classify maps a status to what it means for what happens next. A page instead
// of JSON, and a redirect to one, is how Azure DevOps asks to sign in.
func classify(status int) rotation.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rotation.Denied
	case http.StatusNotFound, http.StatusGone:
		return rotation.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return rotation.Conflict
	case http.StatusTooManyRequests:
		return rotation.Throttled
	case http.StatusRequestTimeout:
		return rotation.Transient
	}
	switch {
	case status >= http.StatusInternalServerError:
		return rotation.Transient
	case status >= http.StatusBadRequest:
		return rotation.Permanent
	}
	return rotation.Denied
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
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s", a.status, body.TypeKey, hushed(body.Message, r.sent)))
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

const longestPause = time.Hour

// retryAfter reads a number of seconds, also a fraction, or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0) { // NaN is not above 0 either
			return 0
		}
		return time.Duration(min(seconds, longestPause.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), longestPause))
	}
	return 0
}
