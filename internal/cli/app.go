package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/client"
)

var (
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	rotationID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\.(secret|certificate)\.[1-9][0-9]*$`)
)

// errUnknown is the error of a name that no managed application has.
var errUnknown = errors.New("no managed application has this name")

// mostApplications bounds the search for a name.
const mostApplications = 100_000

// app returns the client id of an application that was named by it, or by its display
// name where only one managed application has that.
func (s *session) app(ctx context.Context, given string) (string, error) {
	if guid.MatchString(given) {
		return strings.ToLower(given), nil
	}
	api, err := s.client()
	if err != nil {
		return "", err
	}
	all, err := api.List(ctx, client.Path("applications"), nil, mostApplications, mostItems)
	if err != nil {
		return "", err
	}
	apps, err := records(all.Items)
	if err != nil {
		return "", err
	}
	var found []string
	for _, a := range apps {
		if name, _ := a["name"].(string); strings.EqualFold(name, given) {
			found = append(found, a.text("appId"))
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: %q", errUnknown, given)
	case 1:
		return found[0], nil
	}
	return "", &usage{fmt.Errorf("%q is the name of several applications; name one by its client id: %s", given, strings.Join(found, ", "))}
}
