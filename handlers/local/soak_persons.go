package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

const (
	// persons is how many use the API at the same time.
	persons = 8
	// patience is for how long a person repeats a request that got no answer.
	patience = 20 * time.Second
)

// request is one that was accepted.
type request struct {
	app  *managed
	id   string // of its rotation
	what string
	end  string // the state that it must end in, or empty for any
}

// person asks for something now and then, and again if no answer came.
func (s *soak) person(ctx context.Context, chance *rand.Rand) error {
	for pause(ctx, between(chance, 200*time.Millisecond, 1500*time.Millisecond)) {
		m := s.apps[chance.IntN(len(s.apps))]
		m.mu.Lock()
		s.act(ctx, chance, m)
		m.mu.Unlock()
	}
	return nil
}

// act does one of the things that persons do.
func (s *soak) act(ctx context.Context, chance *rand.Rand, m *managed) {
	kind := "secret"
	if m.both && chance.IntN(2) == 0 {
		kind = "certificate"
	}
	switch lot := chance.IntN(100); {
	case lot < 45:
		s.ask(ctx, chance, m, map[string]any{"kind": kind})
	case lot < 50:
		m.revoking = true
		s.ask(ctx, chance, m, map[string]any{"kind": kind, "emergency": true, "revokeNow": chance.IntN(2) == 0})
	case lot < 60:
		if id := s.ask(ctx, chance, m, map[string]any{"kind": kind}); id != "" {
			s.accept(ctx, m, "cancel", "/api/rotations/"+id+"/cancel", nil, "", "cancelled")
		}
	case lot < 68:
		m.touched = true // the kind's schedule pauses
		s.accept(ctx, m, "rollback", m.path+"/rollback", map[string]any{"kind": kind}, "", "")
	case lot < 76:
		s.order(ctx, http.MethodPost, m.path+"/resume", nil, "")
	case lot < 79:
		m.touched = true
		s.order(ctx, http.MethodPost, m.path+"/pause", nil, "")
	default:
		s.changeTarget(ctx, chance, m)
	}
}

// ask asks for a rotation and returns its id, or nothing.
func (s *soak) ask(ctx context.Context, chance *rand.Rand, m *managed, body map[string]any) string {
	key := fmt.Sprintf("soak-%x", chance.Uint64())
	return s.accept(ctx, m, "rotation", m.path+"/rotations", body, key, "")
}

// accept posts and remembers what was accepted.
func (s *soak) accept(ctx context.Context, m *managed, what, path string, body map[string]any, key, end string) (id string) {
	status, text := s.order(ctx, http.MethodPost, path, body, key)
	if status != http.StatusAccepted && status != http.StatusOK {
		return ""
	}
	var answer struct{ ID string }
	if err := json.Unmarshal(text, &answer); err != nil || answer.ID == "" {
		s.breaks(7, m.DisplayName, "an id", "%s was accepted with %q", what, text)
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = append(s.accepted, request{m, answer.ID, what, end})
	return answer.ID
}

// changeTarget disables or enables a target, deletes it, or points it elsewhere.
func (s *soak) changeTarget(ctx context.Context, chance *rand.Rand, m *managed) {
	m.touched = true
	ids := slices.Sorted(maps.Keys(m.targets))
	id := ids[chance.IntN(len(ids))]
	path := m.path + "/targets/" + id
	switch lot := chance.IntN(10); {
	case lot == 0:
		m.deleted[id] = true
		s.order(ctx, http.MethodDelete, path, nil, "")
	case lot < 5 && id == "vault":
		body := maps.Clone(m.targets[id])
		settings := maps.Clone(body["settings"].(map[string]any))
		settings["name"] = fmt.Sprintf("moved-%x", chance.Uint32())
		body["settings"] = settings
		m.targets[id] = body
		s.order(ctx, http.MethodPut, path, body, "")
	default:
		body := maps.Clone(m.targets[id])
		body["enabled"] = chance.IntN(2) == 0
		s.order(ctx, http.MethodPut, path, body, "")
	}
}

// order sends a request until it is answered by rekey and not put off. Status 0
// means that it was not, within a person's patience.
func (s *soak) order(ctx context.Context, method, path string, body any, key string) (status int, answer []byte) {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, _ := json.Marshal(body) // maps, texts and numbers have no error
	for {
		status, answer, err := s.try(asking, method, path, text, key)
		if err == nil && status < http.StatusInternalServerError {
			s.count(status)
			return status, answer
		}
		if !pause(asking, 300*time.Millisecond) {
			if ctx.Err() == nil { // else the storm has ended, not the patience
				s.count(0)
			}
			return 0, nil
		}
	}
}

func (s *soak) try(ctx context.Context, method, path string, text []byte, key string) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.Endpoints.Host+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

func (s *soak) count(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case status == 0:
		s.gaveUp++
	case status >= http.StatusBadRequest:
		s.refused++
	}
}
