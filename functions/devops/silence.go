package devops

import (
	"strings"

	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	longestMessage = 400
	// shortestLine is that of a line that gives a certificate's key away.
	shortestLine = 16
)

// hushed takes what was sent out of a service's sentence, and then shortens it: a
// piece that is cut off is not found any more. A certificate may come back line
// by line.
func hushed(message string, sent secret.Value) string {
	if !sent.IsZero() {
		message = strings.ReplaceAll(message, sent.Reveal(), sent.String())
		for line := range strings.Lines(sent.Reveal()) {
			if line = strings.TrimSpace(line); len(line) >= shortestLine && !strings.HasPrefix(line, "-----") {
				message = strings.ReplaceAll(message, line, sent.String())
			}
		}
	}
	text := []rune(strings.Join(strings.Fields(message), " "))
	if len(text) > longestMessage {
		return string(text[:longestMessage]) + "…"
	}
	return string(text)
}
