package cli

import (
	"fmt"
	"strings"
	"time"
)

// progress is one line on stderr: rewritten on a terminal, else written when it changes.
type progress struct {
	*session
	began time.Time
	last  string
	width int
}

const lineWidth = 79

func (p *progress) say(text string) {
	text = inLine(text)
	if !p.ErrTerminal {
		if text != p.last {
			p.note("%s", text)
		}
		p.last = text
		return
	}
	line := []rune(fmt.Sprintf("%5s  %s", span(p.Now().Sub(p.began)), text))
	if len(line) > lineWidth {
		line = append(line[:lineWidth-1], '…')
	}
	padding := strings.Repeat(" ", max(0, p.width-len(line)))
	p.width = len(line)
	_, _ = fmt.Fprint(p.Err, "\r", string(line), padding)
}

// end leaves the line to what comes next.
func (p *progress) end() {
	if p.width > 0 {
		_, _ = fmt.Fprintln(p.Err)
	}
}
