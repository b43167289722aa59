package eventgrid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The waits after each attempt; the last one goes on until the event is too old.
// https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule
func retryWait(attempt int) time.Duration {
	waits := []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute,
		30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
	return waits[min(attempt, len(waits)-1)]
}

// leastWait is what an answer makes the wait at least, and whether another attempt
// is of any use.
// https://learn.microsoft.com/azure/event-grid/delivery-and-retry#message-delivery-status
func leastWait(status int) (wait time.Duration, again bool) {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge:
		return 0, false
	case http.StatusNotFound:
		return 5 * time.Minute, true
	case http.StatusRequestTimeout:
		return 2 * time.Minute, true
	case http.StatusServiceUnavailable:
		return 30 * time.Second, true
	}
	return 10 * time.Second, true
}

// delivery is what one request to a webhook carries.
type delivery struct {
	to      *subscription
	events  []event
	began   time.Time
	attempt int // 0 is the first
}

// dispatch gives the events to every subscription that takes them.
func (s *Service) dispatch(source string, events []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	for _, sub := range s.subscriptions {
		var taken []event
		for _, e := range events {
			if sub.takes(source, e) {
				taken = append(taken, e)
			}
		}
		for batch := range slices.Chunk(taken, sub.MaxEventsPerBatch) {
			s.schedule(delivery{to: sub, events: batch, began: now}, 0)
		}
	}
}

func (s *Service) schedule(d delivery, wait time.Duration) {
	s.clock.AfterFunc(wait, func() { s.deliver(d) })
}

func (s *Service) deliver(d delivery) {
	s.mu.Lock()
	wanted := slices.Contains(s.subscriptions, d.to)
	s.mu.Unlock()
	if !wanted {
		return
	}
	status, err := s.send(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	d.to.attempts++
	if err == nil {
		d.to.delivered += len(d.events)
		return
	}
	least, again := leastWait(status)
	wait := time.Duration(float64(max(least, retryWait(d.attempt))) * s.options.RetryScale)
	d.attempt++
	expired := !s.clock.Now().Add(wait).Before(d.began.Add(d.to.EventTimeToLive))
	if !again || expired || d.attempt >= d.to.MaxDeliveryAttempts {
		d.to.deadLettered += len(d.events)
		return
	}
	s.schedule(d, wait)
}

// send makes one attempt; the status is 0 when there was no answer.
func (s *Service) send(d delivery) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.options.ResponseTimeout)
	defer cancel()
	r, err := d.request(ctx)
	if err != nil {
		return 0, err
	}
	resp, err := s.do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 204 {
		return resp.StatusCode, fmt.Errorf("the endpoint answered %d", resp.StatusCode)
	}
	return resp.StatusCode, nil
}

// do leaves the endpoint's address, which may hold a key, out of the error.
func (s *Service) do(r *http.Request) (*http.Response, error) {
	resp, err := s.options.Client.Do(r)
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		return nil, wrapped.Err
	}
	return resp, err
}

func (d delivery) request(ctx context.Context) (*http.Request, error) {
	body, contentType := d.encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.to.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("aeg-event-type", "Notification")
	r.Header.Set("aeg-subscription-name", strings.ToUpper(d.to.Name))
	r.Header.Set("aeg-delivery-count", strconv.Itoa(d.attempt))
	r.Header.Set("aeg-metadata-version", "1")
	r.Header.Set("aeg-data-version", d.events[0].dataVersion)
	if d.to.Schema == CloudEventSchemaV1_0 {
		r.Header.Set("WebHook-Request-Origin", origin)
	}
	return r, nil
}

// encode: the Event Grid schema always comes as an array, a CloudEvent only when
// batches were asked for.
func (d delivery) encode() (body []byte, contentType string) {
	list := make([]json.RawMessage, len(d.events))
	for i, e := range d.events {
		list[i] = e.in(d.to.Schema)
	}
	switch {
	case d.to.Schema == EventGridSchema:
		return encode(list), "application/json; charset=utf-8"
	case d.to.MaxEventsPerBatch > 1:
		return encode(list), "application/cloudevents-batch+json; charset=utf-8"
	}
	return list[0], "application/cloudevents+json; charset=utf-8"
}
