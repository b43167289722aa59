package functionshost

import (
	"context"
	"time"
)

// scheduleStatus is what the host remembers of a timer's last run.
type scheduleStatus struct {
	Last, Next, LastUpdated netTime
}

// netTime is a time as .NET writes it into an object; never is year 1, without zone.
type netTime time.Time

func (t netTime) MarshalText() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("0001-01-01T00:00:00"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.9999999Z07:00"), nil
}

// timerInfo is the value of a timerTrigger.
type timerInfo struct {
	Schedule       timerSchedule
	ScheduleStatus *scheduleStatus
	IsPastDue      bool
}

type timerSchedule struct{ AdjustForDST bool }

// runTimer fires one timer until ctx ends. A run ends before the next one is
// planned, so runs never overlap, and what came due meanwhile is left out.
func (h *Host) runTimer(ctx context.Context, f function, due time.Time) {
	status := scheduleStatus{Next: netTime(due)}
	if f.timer.runOnStartup {
		status = h.tick(f, status, false)
	}
	for h.waitUntil(ctx, due) {
		missed := !f.timer.schedule.next(due).After(h.clock.Now())
		status = h.tick(f, status, missed)
		due = time.Time(status.Next)
	}
}

// tick runs the function once and returns the status that the next run is told. A
// failed run is logged and not repeated.
func (h *Host) tick(f function, status scheduleStatus, pastDue bool) scheduleStatus {
	started := h.clock.Now()
	_, _ = h.invoke(f, f.timer.info(status, pastDue), nil)
	return scheduleStatus{
		Last:        netTime(started),
		Next:        netTime(f.timer.schedule.next(h.clock.Now())),
		LastUpdated: netTime(started),
	}
}

func (t *timerTrigger) info(status scheduleStatus, pastDue bool) timerInfo {
	info := timerInfo{Schedule: timerSchedule{AdjustForDST: true}, IsPastDue: pastDue}
	if t.useMonitor {
		info.ScheduleStatus = &status
	}
	return info
}

// waitUntil waits for simulated time to get to an instant; false if ctx ended first.
func (h *Host) waitUntil(ctx context.Context, at time.Time) bool {
	reached := make(chan struct{})
	stop := h.clock.AfterFunc(at.Sub(h.clock.Now()), func() { close(reached) })
	defer stop()
	select {
	case <-reached:
		return true
	case <-ctx.Done():
		return false
	}
}
