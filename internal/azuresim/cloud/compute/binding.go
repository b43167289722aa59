package compute

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// block is a script's param() block.
type block struct {
	declared  map[string]bool // by lower-case name; whether it is mandatory
	attribute bool            // it has attributes, which makes the script an advanced one
}

var (
	comments   = regexp.MustCompile(`(?s)<#.*?#>|(?m)#.*$`)
	blockStart = regexp.MustCompile(`(?is)^\s*(?:using\s[^\n]*\n\s*)*(\[CmdletBinding\([^)]*\)\]\s*)?param\s*\(`)
	attribute  = regexp.MustCompile(`(?i)\[(Parameter|CmdletBinding)\s*\(`)
	mandatory  = regexp.MustCompile(`(?i)\bMandatory\b(\s*=\s*\$(true|false))?`)
	variable   = regexp.MustCompile(`\$(\w+)`)
)

// paramBlock reads the param() block at the beginning of a script, if it has one.
func paramBlock(script string) (b block, found bool) {
	script = comments.ReplaceAllString(script, "")
	start := blockStart.FindStringIndex(script)
	if start == nil {
		return b, false
	}
	head, body := script[:start[1]], script[start[1]:]
	b = block{declared: map[string]bool{}, attribute: attribute.MatchString(head)}
	for _, one := range declarations(body) {
		b.attribute = b.attribute || attribute.MatchString(one)
		if name := declaredName(one); name != "" {
			b.declared[strings.ToLower(name)] = isMandatory(one)
		}
	}
	return b, true
}

// declarations cuts the block at its commas, as far as its closing parenthesis.
func declarations(body string) (all []string) {
	depth, from := 0, 0
	for i, r := range body {
		switch r {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				return append(all, body[from:i])
			}
			depth--
		case ',':
			if depth == 0 {
				all, from = append(all, body[from:i]), i+1
			}
		}
	}
	return all
}

// declaredName is the first variable outside of attributes.
func declaredName(declaration string) string {
	depth := 0
	for i, r := range declaration {
		switch r {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case '$':
			if name := variable.FindStringSubmatch(declaration[i:]); depth == 0 && name != nil {
				return name[1]
			}
		}
	}
	return ""
}

func isMandatory(declaration string) bool {
	found := mandatory.FindStringSubmatch(declaration)
	return found != nil && !strings.EqualFold(found[2], "false")
}

// bind returns why PowerShell would not begin the script, or nothing.
func bind(script string, parameters map[string]string) (refusal string) {
	b, found := paramBlock(script)
	if !found {
		return ""
	}
	given := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		given[strings.ToLower(name)] = true
		if _, declared := b.declared[strings.ToLower(name)]; !declared && b.attribute {
			return fmt.Sprintf("script.ps1 : A parameter cannot be found that matches parameter name '%s'.", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.declared)) {
		if b.declared[name] && !given[name] {
			return fmt.Sprintf("script.ps1 : Cannot process command because of one or more missing mandatory parameters: %s.", name)
		}
	}
	return ""
}
