package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// LogLine is one line of the log.
type LogLine struct {
	At          time.Time     `json:"at"`
	AppID       string        `json:"appId,omitempty" doc:"Left out where it concerns no single application"`
	Kind        rotation.Kind `json:"kind,omitempty"`
	Rotation    string        `json:"rotation,omitempty"`
	Target      string        `json:"target,omitempty"`
	What        string        `json:"what" doc:"One word: requested, created, staged, …"`
	Detail      string        `json:"detail" doc:"One sentence, for people"`
	Actor       string        `json:"actor"`
	Failure     bool          `json:"failure"`
	Correlation string        `json:"correlation,omitempty" doc:"The same for everything that one request led to"`
}

// LogFilter are the parameters that choose lines. Its page may be short, or even empty,
// and still have a next: one request looks at a bounded part of the log.
type LogFilter struct {
	Rotation    string        `query:"rotation" maxLength:"63" doc:"Only of this rotation"`
	Target      string        `query:"target" maxLength:"63" doc:"Only of the target with this id"`
	Kind        rotation.Kind `query:"kind" enum:"secret,certificate" doc:"Both, if left out"`
	What        string        `query:"what" maxLength:"63" doc:"Only this word"`
	Actor       string        `query:"actor" maxLength:"320" doc:"Only what this one did"`
	Failure     bool          `query:"failure" doc:"true: only failures"`
	From        time.Time     `query:"from" doc:"Only lines of this time or later, in RFC 3339"`
	To          time.Time     `query:"to" doc:"Only lines from before this time, in RFC 3339"`
	Correlation string        `query:"correlation" maxLength:"100" doc:"Only what the request with this X-Correlation-Id led to"`
	Limit       int           `query:"limit" minimum:"1" maximum:"2000" doc:"How many lines at most: 100 in JSON and 2000 in an export, if left out"`
	Cursor      string        `query:"cursor" maxLength:"200" doc:"The next of the page before"`
	Accept      string        `header:"Accept" doc:"application/json, application/x-ndjson or text/csv"`
	Format      string        `query:"format" enum:"json,ndjson,csv" doc:"The form of the answer, in place of Accept"`
}

func (in LogFilter) form() string { return formOf(in.Format, in.Accept, formNDJSON, formCSV) }

type getLog struct {
	AppID appID `path:"appId"`
	LogFilter
}

type getTenantLog struct {
	AppID appID `query:"app" doc:"Only of this application"`
	LogFilter
}

func (a *api) registerLog(h huma.API) {
	lines := exports[Page[LogLine]](h, formCSV, formNDJSON)
	huma.Register(h, lines(operation("listLog", http.MethodGet, "/api/applications/{appId}/log", "The application's log, newest first")), a.listLog)
	huma.Register(h, lines(operation("listTenantLog", http.MethodGet, "/api/log", "The log of all applications and of everything else, newest first")), a.listTenantLog)
}

// listLog also answers for an application that is no longer managed: its log is
// kept, and ends with who deleted it.
func (a *api) listLog(ctx context.Context, in *getLog) (*exported, error) {
	page, err := a.logPage(ctx, in.AppID.String(), in.LogFilter)
	if err == nil && len(page.Items) == 0 && page.Next == nil {
		_, _, unknown := a.Engine.Application(ctx, in.AppID.String())
		err = a.refusalOrNil(ctx, unknown)
	}
	if err != nil {
		return nil, err
	}
	return exportLog(ctx, in.form(), page)
}

func (a *api) listTenantLog(ctx context.Context, in *getTenantLog) (*exported, error) {
	page, err := a.logPage(ctx, in.AppID.String(), in.LogFilter)
	if err != nil {
		return nil, err
	}
	return exportLog(ctx, in.form(), page)
}

// logPage is one page of an application's log, or without one of the tenant's.
func (a *api) logPage(ctx context.Context, appID string, in LogFilter) (page Page[LogLine], err error) {
	if id, err := rotation.ParseID(in.Rotation); err == nil && appID == "" {
		appID = id.AppID // its lines are all in one place
	}
	from, err := in.from(appID)
	if err != nil {
		return page, err
	}
	entries, next, err := a.Engine.LogEntries(ctx, engine.LogFilter{
		AppID: appID, Rotation: in.Rotation, Target: in.Target, Kind: in.Kind, What: in.What, Actor: in.Actor,
		Correlation: in.Correlation, Failure: in.Failure, From: in.From, To: in.To,
	}, from, in.limit())
	if err != nil {
		return page, a.refusal(ctx, err)
	}
	lines := make([]LogLine, len(entries))
	for i, e := range entries {
		lines[i] = LogLine(e)
	}
	return pageOf(lines, next), nil
}

// from is where the page begins: in the tenant's log behind a day.
func (in LogFilter) from(appID string) (string, error) {
	if appID != "" {
		return Paging{Cursor: in.Cursor}.from(logCursor)
	}
	from, err := Paging{Cursor: in.Cursor}.from(tenantLogCursor)
	if err != nil || from == "" {
		return "", err
	}
	if _, err := time.Parse(time.DateOnly, from[:len(time.DateOnly)]); err != nil {
		return "", notACursor()
	}
	return from, nil
}

func (in LogFilter) limit() int {
	switch {
	case in.Limit > 0:
		return in.Limit
	case in.form() == formJSON:
		return 100
	}
	return 2000
}

func (a *api) refusalOrNil(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return a.refusal(ctx, err)
}

var logColumns = []string{"at", "appId", "kind", "rotation", "target", "what", "detail", "actor", "failure", "correlation"}

func (l LogLine) cells() []string {
	failure := "false"
	if l.Failure {
		failure = "true"
	}
	return []string{
		l.At.UTC().Format(time.RFC3339Nano), l.AppID, string(l.Kind), l.Rotation, l.Target, l.What, l.Detail, l.Actor, failure, l.Correlation,
	}
}

// exportLog writes a page in the form that was asked for.
func exportLog(ctx context.Context, form string, page Page[LogLine]) (*exported, error) {
	switch form {
	case formCSV:
		rows := make([][]string, len(page.Items))
		for i, line := range page.Items {
			rows[i] = line.cells()
		}
		return export(ctx, formCSV, page.Next, writeCSV(logColumns, rows)), nil
	case formNDJSON:
		return export(ctx, formNDJSON, page.Next, writeLines(page.Items)), nil
	}
	return exportJSON(ctx, page.Next, page)
}
