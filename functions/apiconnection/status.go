package apiconnection

import (
	"cmp"
	"strings"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// status is one of a connection's statuses. The error's code and message stand in
// it, or below properties as the official description has it.
type status struct {
	Status string `json:"status"`
	Target string `json:"target"`
	Error  *struct {
		Code       string `json:"code"`
		Message    string `json:"message"`
		Properties struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"properties"`
	} `json:"error"`
}

func (s status) reason() (code, message string) {
	if s.Error == nil {
		return "", ""
	}
	return cmp.Or(s.Error.Code, s.Error.Properties.Code), cmp.Or(s.Error.Message, s.Error.Properties.Message)
}

// state is what the statuses of a connection come to.
type state int

const (
	stateUnknown state = iota // it says nothing
	stateConnected
	stateError
)

func (c connection) state() state {
	all := []string{c.OverallStatus}
	for _, s := range c.Statuses {
		all = append(all, s.Status)
	}
	found := stateUnknown
	for _, one := range all {
		switch {
		case one == "":
		case strings.EqualFold(one, "Connected"), strings.EqualFold(one, "Ready"):
			found = max(found, stateConnected)
		default:
			return stateError
		}
	}
	return found
}

// refusal is the connector's reason not to be connected.
func (c connection) refusal() error {
	switch c.state() {
	case stateConnected:
		return nil
	case stateUnknown:
		return refuse(rotation.Transient, "", "apiconnection: connection %q: the answer has no status", c.Name)
	}
	code, message := cmp.Or(c.OverallStatus, "Error"), "it gives no reason"
	for _, s := range c.Statuses {
		if s.Error != nil {
			code, message = s.reason()
			break
		}
	}
	return refuse(rotation.Permanent, "", "apiconnection: connection %q is not connected: %s: %s", c.Name, httpfault.Code(code), short(message))
}

// isDelay reports that a connection refused a credential that is perhaps only too
// new for it.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
func isDelay(err error) bool {
	for _, mark := range []string{"AADSTS7000215", "AADSTS700027", "Unauthenticated"} {
		if strings.Contains(err.Error(), mark) {
			return true
		}
	}
	return false
}
