package automation

import (
	"github.com/rekey-dev/rekey/internal/rotation"
)

// What is tested, and fuzzed, from outside.
var (
	ReadError  = func(body []byte) (code, message string) { return readError(body, 0) }
	Covers     = covers
	ParamBlock = paramBlock
)

// Mask takes a credential out of a text.
func Mask(c rotation.Credential, text string) string { return maskOf(c).text(text) }

// Output is what is kept of an output.
func Output(c rotation.Credential, text string) string { return maskOf(c).output(text) }

// Wrapped is a script for a container, with the names of its parameters.
func Wrapped(script string, names ...string) string {
	var all []parameter
	for _, name := range names {
		all = append(all, parameter{name: name})
	}
	return wrapped(script, all)
}

// AsksFor reports whether a script wants a parameter.
func AsksFor(shell rotation.Shell, script, name string) bool {
	return asking{shell: shell, script: script}.asksFor(name)
}
