package graph

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

const maxBatch = 20

// batchRequest is one call within a batch.
// https://learn.microsoft.com/graph/json-batching
type batchRequest struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	DependsOn []string          `json:"dependsOn"`
	Headers   map[string]string `json:"headers"`
	Body      rawObject         `json:"body"`
}

type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body,omitempty"`
}

// batch runs the calls one after the other and answers them in reverse: clients
// have to go by id.
func (s *Service) batch(r *request) (*answer, error) {
	if r.Method != http.MethodPost {
		return nil, notAllowed(r.Method)
	}
	var wanted struct {
		Requests []batchRequest `json:"requests"`
	}
	if err := decode(r.body, &wanted); err != nil {
		return nil, err
	}
	if err := checkBatch(wanted.Requests); err != nil {
		return nil, err
	}
	status := map[string]int{}
	answers := make([]batchAnswer, 0, len(wanted.Requests))
	for _, one := range wanted.Requests {
		given := s.runOne(r, one, status)
		status[one.ID] = given.Status
		answers = append(answers, given)
	}
	slices.Reverse(answers)
	return ok(map[string]any{"responses": answers}), nil
}

func checkBatch(requests []batchRequest) error {
	if len(requests) > maxBatch {
		return badRequest("BadRequest", "Number of batch request steps exceeds the maximum value of 20.")
	}
	seen := map[string]bool{}
	for _, one := range requests {
		switch {
		case one.ID == "" || one.Method == "" || one.URL == "":
			return badRequest("BadRequest", "Write request id, method and url have to be provided for each request.")
		case seen[one.ID]:
			return badRequest("BadRequest", "Request Id is not unique in the batch: "+one.ID+".")
		case one.Body != nil && contentType(one.Headers) == "":
			return badRequest("BadRequest", "Write request id : "+one.ID+" does not contain Content-Type header or body.")
		}
		for _, dependency := range one.DependsOn {
			if !seen[dependency] {
				return badRequest("BadRequest", "The dependsOn of request "+one.ID+" names no earlier request: "+dependency+".")
			}
		}
		seen[one.ID] = true
	}
	return nil
}

func contentType(headers map[string]string) string {
	for name, value := range headers {
		if strings.EqualFold(name, "Content-Type") {
			return value
		}
	}
	return ""
}

// runOne answers one call; it fails with 424 if one that it depends on failed.
func (s *Service) runOne(r *request, one batchRequest, status map[string]int) batchAnswer {
	id := ids{request: uuid.NewString(), client: uuid.NewString()}
	given, err := s.tryOne(r, one, status)
	if err != nil {
		given = s.failed(err, id)
	}
	headers := map[string]string{"request-id": id.request}
	if given.body != nil {
		headers["Content-Type"] = "application/json"
	}
	for name, values := range given.header {
		headers[name] = values[0]
	}
	return batchAnswer{ID: one.ID, Status: given.status, Headers: headers, Body: given.body}
}

func (s *Service) tryOne(r *request, one batchRequest, status map[string]int) (*answer, error) {
	for _, dependency := range one.DependsOn {
		if status[dependency] >= http.StatusBadRequest {
			return nil, &problem{status: http.StatusFailedDependency, code: "FailedDependency", message: "The request failed because the request it depends on failed: " + dependency + "."}
		}
	}
	inner, err := http.NewRequestWithContext(r.Context(), one.Method, base+strings.TrimPrefix(one.URL, "/"), bytes.NewReader(one.Body))
	if err != nil {
		return nil, badRequest("BadRequest", "Invalid batch request: "+err.Error()+".")
	}
	for name, value := range one.Headers {
		inner.Header.Set(name, value)
	}
	path := strings.TrimPrefix(inner.URL.Path, "/v1.0/") // which stands for the batch's own version
	if path == "$batch" {
		return nil, badRequest("BadRequest", "A batch cannot contain a batch.")
	}
	return s.limited(&request{Request: inner, beta: r.beta, path: path, body: one.Body, token: r.token})
}
