package graph

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// problem is an error as Graph answers it.
// https://learn.microsoft.com/graph/errors
type problem struct {
	status  int
	code    string
	message string
	details []map[string]string
	header  http.Header
}

func (p *problem) Error() string { return p.code + ": " + p.message }

func badRequest(code, message string) *problem {
	return &problem{status: http.StatusBadRequest, code: code, message: message}
}

func notFound(id string) *problem {
	return &problem{status: http.StatusNotFound, code: "Request_ResourceNotFound",
		message: fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)}
}

func denied() *problem {
	return &problem{status: http.StatusForbidden, code: "Authorization_RequestDenied",
		message: "Insufficient privileges to complete the operation."}
}

// concurrent is answered in more than one way: status 409 and 503 were seen too.
// https://github.com/nais/azurerator/issues/448
func concurrent() *problem {
	return badRequest("Directory_ConcurrencyViolation", "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.")
}

// tooLarge is what an application with hundreds of credentials answers.
// https://github.com/openshift/openshift-azure/issues/1932
func tooLarge() *problem {
	return &problem{status: http.StatusForbidden, code: "Directory_ResourceSizeExceeded",
		message: "The size of the object has exceeded its limit. Please reduce the number of values and retry your request."}
}

func unauthenticated(err error) *problem {
	message := "Access token validation failure."
	switch {
	case errors.Is(err, entra.ErrNoToken):
		message = "Access token is empty."
	case errors.Is(err, entra.ErrExpiredToken):
		message = "Lifetime validation failed, the token is expired."
	case errors.Is(err, entra.ErrWrongAudience):
		message = "Access token validation failure. Invalid audience."
	}
	return &problem{status: http.StatusUnauthorized, code: "InvalidAuthenticationToken", message: message}
}

// failed is the envelope around a problem.
func (s *Service) failed(err error, id ids) *answer {
	var p *problem
	if !errors.As(err, &p) {
		s.logger.Error("graph", "error", err)
		p = &problem{status: http.StatusInternalServerError, code: "InternalServerError", message: "The simulated Graph failed."}
	}
	envelope := map[string]any{
		"code":    p.code,
		"message": p.message,
		"innerError": map[string]string{
			"date":              s.clock.Now().Format("2006-01-02T15:04:05"),
			"request-id":        id.request,
			"client-request-id": id.client,
		},
	}
	if p.details != nil {
		envelope["details"] = p.details
	}
	return &answer{status: p.status, header: p.header, body: map[string]any{"error": envelope}}
}
