package secret

import "strings"

// telling is how much of a value's beginning gives it away.
const telling = 8

// Without returns a text with [redacted] in place of a value as it is spelled there:
// the whole of it, or as much of its beginning as was left by whoever cut the text off.
func Without(text, spelled string) string {
	if len(spelled) <= telling {
		if spelled == "" {
			return text
		}
		return strings.ReplaceAll(text, spelled, redacted)
	}
	begin, end := spelled[:telling], spelled[telling:]
	before, after, found := strings.Cut(text, begin)
	if !found {
		return text
	}
	var rest strings.Builder
	for found {
		rest.WriteString(before + redacted)
		before, after, found = strings.Cut(after[common(after, end):], begin)
	}
	return rest.String() + before
}

// common is how long a beginning two texts have in common.
func common(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
