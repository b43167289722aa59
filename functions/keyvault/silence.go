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
	if err == nil || value.IsZero() {
		return err
	}
	text := silence(err.Error(), value)
	if text == err.Error() {
		return err
	}
	return &rotation.Fault{Class: rotation.ClassOf(err), After: rotation.AfterOf(err), Err: errors.New(text)}
}

// telling is how long a line must be to give anything away.
const telling = 16

// silence takes a value out of a text. Of one that has several lines the text may
// hold a part, put into one line and cut off: it ends where that begins.
func silence(text string, value secret.Value) string {
	text = secret.Without(text, value.Reveal())
	lines := strings.Split(strings.TrimSpace(value.Reveal()), "\n")
	if len(lines) == 1 {
		return text
	}
	for _, line := range lines {
		if begin := strings.Index(text, line); begin >= 0 && len(line) >= telling {
			text = text[:begin] + value.String()
		}
	}
	return text
}
