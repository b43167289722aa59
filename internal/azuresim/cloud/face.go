package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// mountFace puts the simulator's own pages on the proxy's port.
func (c *Cloud) mountFace() {
	c.face.HandleFunc("GET /sim/calls", c.getCalls)
	c.face.HandleFunc("DELETE /sim/calls", func(w http.ResponseWriter, _ *http.Request) {
		c.calls.list(true)
		w.WriteHeader(http.StatusNoContent)
	})
	c.face.HandleFunc("GET /sim/state", c.getState)
	c.face.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, c.faults.list())
	})
	c.face.HandleFunc("PUT /sim/faults", c.putFaults)
	c.face.HandleFunc("DELETE /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		c.faults.set(nil)
		w.WriteHeader(http.StatusNoContent)
	})
	c.face.HandleFunc("GET /sim/clock", c.getClock)
	c.face.HandleFunc("POST /sim/clock", c.advance)
	c.face.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, "NotFound", "The simulator has no "+r.Method+" "+r.URL.Path+".")
	})
}

func (c *Cloud) getCalls(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, c.calls.list(r.URL.Query().Get("reset") == "true"))
}

func (c *Cloud) getState(w http.ResponseWriter, _ *http.Request) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	state := map[string]any{}
	for name, contribute := range c.states {
		state[name] = contribute()
	}
	writeJSON(w, http.StatusOK, state)
}

func (c *Cloud) putFaults(w http.ResponseWriter, r *http.Request) {
	var rules []Fault
	err := decodeStrictly(r.Body, &rules)
	if err == nil {
		err = checkAll(rules)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidFaults", err.Error())
		return
	}
	c.faults.set(rules)
	writeJSON(w, http.StatusOK, c.faults.list())
}

func checkAll(rules []Fault) error {
	var mistakes []error
	for i, rule := range rules {
		if err := rule.check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("rule %d: %w", i, err))
		}
	}
	return errors.Join(mistakes...)
}

func (c *Cloud) getClock(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]time.Time{"now": c.clock.Now()})
}

func (c *Cloud) advance(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Advance string `json:"advance"`
	}
	if err := decodeStrictly(r.Body, &order); err != nil {
		writeError(w, http.StatusBadRequest, "InvalidClock", err.Error())
		return
	}
	step, err := time.ParseDuration(order.Advance)
	if err != nil || step <= 0 {
		writeError(w, http.StatusBadRequest, "InvalidClock", fmt.Sprintf("advance: %q is not a duration above 0 such as 36h", order.Advance))
		return
	}
	c.clock.Advance(step)
	c.getClock(w, r)
}

// decodeStrictly reads exactly one JSON value without unknown properties.
func decodeStrictly(from io.Reader, into any) error {
	decoder := json.NewDecoder(io.LimitReader(from, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decode: something follows the JSON value")
	}
	return nil
}
