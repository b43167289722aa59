package api

import "regexp"

// wordings say what would be right as the engine's and the integrations' problems do:
// huma's own words are those of whoever reads a schema.
var wordings = []struct {
	form  *regexp.Regexp
	words string
}{
	{regexp.MustCompile(`^expected string to be (.*)$`), "must be $1"},
	{regexp.MustCompile(`^expected value to be one of "(.*)"$`), "must be one of $1"},
	{regexp.MustCompile(`^expected number >= (.*)$`), "must be at least $1"},
	{regexp.MustCompile(`^expected number <= (.*)$`), "must be at most $1"},
	{regexp.MustCompile(`^expected length >= (.*)$`), "must not be shorter than $1 characters"},
	{regexp.MustCompile(`^expected length <= (.*)$`), "must not be longer than $1 characters"},
	{regexp.MustCompile(`^expected array length >= (.*)$`), "must not have fewer entries than $1"},
	{regexp.MustCompile(`^expected array length <= (.*)$`), "must not have more entries than $1"},
	{regexp.MustCompile(`^expected array items to be unique$`), "must not have an entry twice"},
	{regexp.MustCompile(`^expected boolean$`), "must be true or false"},
	{regexp.MustCompile(`^expected integer$`), "must be a whole number"},
	{regexp.MustCompile(`^expected number$`), "must be a number"},
	{regexp.MustCompile(`^expected string$`), "must be a text"},
	{regexp.MustCompile(`^expected array$`), "must be a list"},
	{regexp.MustCompile(`^expected object$`), "must be an object"},
	{regexp.MustCompile(`^unexpected property$`), "is not a field here; the fields are in /api/openapi.json"},
	{regexp.MustCompile(`^unknown query parameter$`), "is not a parameter here; the parameters are in /api/openapi.json"},
}

// worded is a message of huma's in the words of this API.
func worded(message string) string {
	for _, w := range wordings {
		if w.form.MatchString(message) {
			return w.form.ReplaceAllString(message, w.words)
		}
	}
	return message
}
