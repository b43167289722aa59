package automation

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// parameter is one that a script gets. All of them travel as secrets.
type parameter struct {
	name  string
	value secret.Value
}

// asking is a script as far as its parameters go.
type asking struct {
	script     string
	shell      rotation.Shell
	parameters map[string]string // those of its step
	format     rotation.CertificateFormat
}

// parametersFor returns what a script gets, by name: the parameters of its step and
// what it asks for besides. A script that does not ask for the credential does not
// get it; and one with a param() block would refuse to start with what the block
// does not name.
func parametersFor(d rotation.Delivery, a asking, extra map[string]string) (all []parameter, err error) {
	value, err := shaped(d.Credential, a.format)
	if err != nil {
		return nil, err
	}
	templates := merged(a, extra)
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		all = append(all, parameter{name, d.Fill(templates[name], value)})
	}
	return all, nil
}

// merged puts together the templates of all parameters. A target's own parameter
// takes the place of its task's.
func merged(a asking, extra map[string]string) map[string]string {
	all := map[string]string{}
	for name, template := range offered() {
		if a.asksFor(name) {
			all[name] = template
		}
	}
	maps.Copy(all, a.parameters)
	for name, template := range extra {
		own := slices.IndexFunc(slices.Sorted(maps.Keys(a.parameters)), func(n string) bool { return strings.EqualFold(n, name) })
		switch {
		case own >= 0:
			all[slices.Sorted(maps.Keys(a.parameters))[own]] = template
		case a.asksFor(name):
			all[name] = template
		}
	}
	return all
}

func offered() map[string]string {
	return map[string]string{
		rotation.ParameterCredential: rotation.PlaceCredential, rotation.ParameterAppID: rotation.PlaceClientID,
		rotation.ParameterTenantID: rotation.PlaceTenantID, rotation.ParameterKeyID: rotation.PlaceKeyID,
	}
}

// shaped returns the credential as a script wants it.
func shaped(c rotation.Credential, format rotation.CertificateFormat) (secret.Value, error) {
	if c.Rotation.Kind != rotation.Certificate {
		return c.Value, nil
	}
	pair, err := certificate.Parse(c.Value)
	if err != nil {
		return secret.Value{}, rotation.Permanently("automation: read the certificate: %w", err)
	}
	if format == rotation.FormatPEM {
		return pair.PEM()
	}
	return pair.PFX(secret.New(""))
}

// asksFor reports whether the script names a parameter: in its param() block if it
// has one, or else anywhere.
func (a asking) asksFor(name string) bool {
	if a.shell == rotation.ShellBash {
		return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(a.script)
	}
	names, found := paramBlock(a.script)
	if !found {
		return regexp.MustCompile(`(?i)\$\{?` + regexp.QuoteMeta(name) + `\b`).MatchString(a.script)
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

var (
	psComment  = regexp.MustCompile(`(?s)<#.*?#>|(?m)^\s*#.*$`)
	psBlock    = regexp.MustCompile(`(?is)^\s*(?:using\s[^\n]*\s*)*(?:\[[^\n]*\]\s*)*param\s*\(`)
	psVariable = regexp.MustCompile(`^\$(\w+)`)
)

// paramBlock returns the names that a PowerShell script's param() block declares:
// the variables that stand in no bracket of an attribute, a type or a default.
// https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_functions_advanced_parameters
func paramBlock(script string) (names []string, found bool) {
	script = psComment.ReplaceAllString(script, "")
	start := psBlock.FindStringIndex(script)
	if start == nil {
		return nil, false
	}
	depth, inDefault := 0, false
	for i, r := range script[start[1]:] {
		switch {
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r) && depth == 0:
			return names, true
		case strings.ContainsRune(")]}", r):
			depth--
		case depth > 0:
		case r == ',':
			inDefault = false
		case r == '=':
			inDefault = true
		case r == '$' && !inDefault:
			if name := psVariable.FindStringSubmatch(script[start[1]+i:]); name != nil {
				names = append(names, name[1])
			}
		}
	}
	return names, true
}
