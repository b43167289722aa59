package api

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// LogLine is one line of an application's log.
type LogLine struct {
	At       time.Time     `json:"at"`
	Kind     rotation.Kind `json:"kind,omitempty"`
	Rotation string        `json:"rotation,omitempty"`
	Target   string        `json:"target,omitempty"`
	What     string        `json:"what" doc:"One word: requested, created, staged, …"`
	Detail   string        `json:"detail" doc:"One sentence, for people"`
	Actor    string        `json:"actor"`
	Failure  bool          `json:"failure"`
}

type getLog struct {
	AppID appID `path:"appId"`
	Paging
}

// listLog also answers for an application that is no longer managed: its log is
// kept, and ends with who deleted it.
func (a *api) listLog(ctx context.Context, in *getLog) (*answer[Page[LogLine]], error) {
	from, err := in.from(logCursor)
	if err != nil {
		return nil, err
	}
	entries, next, err := a.Engine.LogEntries(ctx, in.AppID.String(), from, in.Limit)
	if err == nil && len(entries) == 0 {
		_, _, err = a.Engine.Application(ctx, in.AppID.String())
	}
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	lines := make([]LogLine, len(entries))
	for i, e := range entries {
		lines[i] = LogLine{e.At, e.Kind, e.Rotation, e.Target, e.What, e.Detail, e.Actor, e.Failure}
	}
	return &answer[Page[LogLine]]{pageOf(lines, next)}, nil
}
