package api

import "github.com/rekey-dev/rekey/internal/rotation"

// Window is a span of hours in which targets may be written.
type Window struct {
	Days     []string `json:"days,omitempty" maxItems:"7" doc:"The days on which it opens, monday to sunday; left out: every day"`
	From     string   `json:"from" doc:"When it opens, such as 22:00"`
	To       string   `json:"to" doc:"When it closes; a time that is not later than from is on the next day"`
	TimeZone string   `json:"timeZone" doc:"A name of the IANA database, such as Europe/Berlin"`
}

func windows(given []Window) (all rotation.Windows) {
	for _, w := range given {
		all = append(all, rotation.Window(w))
	}
	return all
}

func windowsOf(all rotation.Windows) (shown []Window) {
	for _, w := range all {
		shown = append(shown, Window(w))
	}
	return shown
}
