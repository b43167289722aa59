package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// watch shows what goes on until ctx ends: a table that is drawn anew where the
// output is a terminal, a line for each event where it is not.
func watch(ctx context.Context, out *os.File, s *Stack) error {
	introduce(out, s)
	if !isTerminal(out) {
		return watchLines(ctx, out, s)
	}
	return watchTable(ctx, out, s)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// introduce prints where everything is and what to try.
func introduce(out io.Writer, s *Stack) {
	e := s.Endpoints
	app := s.Tenant.Apps[0]
	fmt.Fprintf(out, `rekey runs beside a simulated Azure with %d applications.

  dashboard    %s/
  API          %s/api/openapi.json
  simulator    %s/sim/state  %s/sim/calls
  everything   %s

Try:
  curl %s/api/applications/%s
  curl -X POST %s/api/applications/%s/rotations -H 'Content-Type: application/json' -d '{"kind":"secret"}'
  curl -X PUT %s/sim/faults -d '[{"host":"graph.microsoft.com","path":"*","status":503,"rate":0.5}]'

Ctrl-C stops it.

`, len(s.Tenant.Apps), e.Host, e.Host, e.Proxy, e.Proxy, s.path("endpoints.json"),
		e.Host, app.AppID, e.Host, app.AppID, e.Proxy)
}

func watchLines(ctx context.Context, out io.Writer, s *Stack) error {
	names := s.names()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Host.Done():
			return fmt.Errorf("the Functions host has ended: %w", s.Host.Err())
		case e := <-s.feed.entries:
			fmt.Fprintln(out, line(e, names))
		}
	}
}

// names finds an application's name by its client id.
func (s *Stack) names() map[string]string {
	names := map[string]string{}
	for _, app := range s.Tenant.Apps {
		names[app.AppID] = app.DisplayName
	}
	return names
}

func line(e entry, names map[string]string) string {
	return fmt.Sprintf("%s  %-18s  %-10s  %s", e.Time.Local().Format("15:04:05"), names[e.App], e.What, e.Detail)
}

// row is what the table shows of one application.
type row struct {
	name, generation, what, detail string
	at                             time.Time
	rotations                      int
}

// tallest is how many applications the table shows: those with the latest news.
const tallest = 30

func watchTable(ctx context.Context, out io.Writer, s *Stack) error {
	rows, order := map[string]*row{}, []string{}
	for _, app := range s.Tenant.Apps {
		rows[app.AppID] = &row{name: app.DisplayName, what: "waiting"}
		order = append(order, app.AppID)
	}
	order = order[:min(len(order), tallest)]
	redraw := time.NewTicker(250 * time.Millisecond)
	defer redraw.Stop()
	dirty, completed := true, 0
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(out)
			return nil
		case <-s.Host.Done():
			return fmt.Errorf("the Functions host has ended: %w", s.Host.Err())
		case e := <-s.feed.entries:
			if r := rows[e.App]; r != nil {
				r.take(e)
			}
			if e.What == "completed" {
				completed++
			}
			dirty = true
		case <-redraw.C:
			if dirty {
				draw(out, s, rows, order, completed)
			}
			dirty = false
		}
	}
}

func (r *row) take(e entry) {
	r.what, r.detail, r.at = e.What, e.Detail, e.Time
	if _, generation, ok := cutLast(e.Rotation); ok {
		r.generation = generation
	}
	if e.What == "completed" {
		r.rotations++
	}
}

func cutLast(id string) (string, string, bool) {
	i := strings.LastIndexByte(id, '.')
	if i < 0 {
		return id, "", false
	}
	return id[:i], id[i+1:], true
}

// draw clears the terminal and prints the table:
// https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
func draw(out io.Writer, s *Stack, rows map[string]*row, order []string, completed int) {
	w := bufio.NewWriter(out)
	defer w.Flush()
	fmt.Fprint(w, "\x1b[H\x1b[2J")
	introduce(w, s)
	fmt.Fprintf(w, "\x1b[1m%-18s %4s  %-8s  %-10s  %s\x1b[0m\n", "APPLICATION", "GEN", "SINCE", "STATE", "WHAT HAPPENED LAST")
	for _, id := range order {
		r := rows[id]
		since := ""
		if !r.at.IsZero() {
			since = r.at.Local().Format("15:04:05")
		}
		fmt.Fprintf(w, "%-18s %4s  %-8s  %-10s  %.90s\n", r.name, r.generation, since, r.what, r.detail)
	}
	fmt.Fprintf(w, "\n%d rotations completed since the start\n", completed)
}
