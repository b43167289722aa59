package httpfault

import "strings"

// longestCode is longer than the code of any error that a service documents.
const longestCode = 100

// Code is a service's code of an error, as much of it as can be one.
func Code(text string) string { return Short(text, longestCode) }

// Short makes one line of a service's words, of so many characters at most.
func Short(text string, most int) string {
	runes := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " "))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}
