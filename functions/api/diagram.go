package api

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// dependenciesInMarkdown writes two tables, by application and by place:
// https://github.github.com/gfm/#tables-extension-
func dependenciesInMarkdown(page Dependencies) []byte {
	var text bytes.Buffer
	row := func(cells ...string) { fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | ")) }
	row("application", "client id", "target", "kind", "place", "name")
	row("---", "---", "---", "---", "---", "---")
	for _, app := range page.Items {
		for _, d := range app.Targets {
			row(inMarkdown(app.Name), inMarkdown(app.AppID), inMarkdown(targetWords(d)), inMarkdown(string(d.Kind)), inMarkdown(d.PlaceKind), inMarkdown(d.Place))
		}
	}
	text.WriteString("\n")
	row("place", "name", "depends on")
	row("---", "---", "---")
	for _, place := range page.Places {
		row(inMarkdown(place.PlaceKind), inMarkdown(place.Place), inMarkdown(strings.Join(place.Applications, ", ")))
	}
	return text.Bytes()
}

func targetWords(d Dependency) string {
	if d.Enabled {
		return d.Target
	}
	return d.Target + ", disabled"
}

// inMarkdown keeps a text from being read as anything but text: a backslash does so for
// every sign that can mean something. https://spec.commonmark.org/0.31.2/#backslash-escapes
func inMarkdown(text string) string {
	var escaped strings.Builder
	for _, r := range oneLine(text) {
		if strings.ContainsRune("\\`*_{}[]()<>#|!~&$@:", r) {
			escaped.WriteByte('\\')
		}
		escaped.WriteRune(r)
	}
	return escaped.String()
}

// dependenciesInMermaid draws the applications and their places:
// https://mermaid.js.org/syntax/flowchart.html
func dependenciesInMermaid(page Dependencies) []byte {
	var text bytes.Buffer
	text.WriteString("flowchart LR\n")
	nodes := map[string]string{}
	for i, place := range page.Places {
		node := fmt.Sprintf("p%d", i)
		nodes[place.Integration+"\x00"+place.PlaceKind+"\x00"+place.Place] = node
		fmt.Fprintf(&text, "  %s[(\"%s: %s\")]\n", node, inMermaid(place.PlaceKind), inMermaid(place.Place))
	}
	for i, app := range page.Items {
		fmt.Fprintf(&text, "  a%d[\"%s, %s\"]\n", i, inMermaid(app.Name), inMermaid(app.AppID))
		for _, d := range app.Targets {
			arrow := "-->"
			if !d.Enabled {
				arrow = "-.->"
			}
			fmt.Fprintf(&text, "  a%d %s|\"%s, %s\"| %s\n", i, arrow, inMermaid(d.Target), inMermaid(string(d.Kind)),
				nodes[d.Integration+"\x00"+d.PlaceKind+"\x00"+d.Place])
		}
	}
	return text.Bytes()
}

// inMermaid writes everything but letters, digits and a few signs as an entity code:
// https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
func inMermaid(text string) string {
	var escaped strings.Builder
	for _, r := range oneLine(text) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_./,:", r) {
			escaped.WriteRune(r)
		} else {
			fmt.Fprintf(&escaped, "#%d;", r)
		}
	}
	return escaped.String()
}

// oneLine has no line breaks and nothing else that cannot be seen.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
