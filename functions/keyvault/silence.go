package keyvault

import (
	"errors"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// silenced takes the value out of an error: a service, or a proxy on the way to
// it, may repeat in its refusal what it was sent. What the error wrapped goes too.
func silenced(err error, value secret.Value) error {
	if err == nil || value.IsZero() || !strings.Contains(err.Error(), value.Reveal()) {
		return err
	}
	text := strings.ReplaceAll(err.Error(), value.Reveal(), value.String())
	return &rotation.Fault{Class: rotation.ClassOf(err), After: rotation.AfterOf(err), Err: errors.New(text)}
}
