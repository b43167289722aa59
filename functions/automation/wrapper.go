package automation

import (
	"strings"
)

// environmentPrefix keeps a script's parameters apart from what the container has
// in its environment, such as PATH.
const environmentPrefix = "REKEY_"

// wrapped makes of a script, and the names of its parameters, one that finds them in
// the environment, where secure values arrive, and binds them to the param() block.
// The script itself stays as it is. Names are identifiers: Task.Check saw to that.
func wrapped(script string, parameters []parameter) string {
	var b strings.Builder
	b.WriteString("$ErrorActionPreference = 'Stop'\n$parameters = @{\n")
	for _, p := range parameters {
		b.WriteString("    '" + p.name + "' = $env:" + environmentPrefix + p.name + "\n")
	}
	b.WriteString("}\n& {\n" + strings.TrimSpace(script) + "\n} @parameters\n")
	return b.String()
}
