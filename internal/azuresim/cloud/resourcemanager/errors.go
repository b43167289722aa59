package resourcemanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/google/uuid"
)

// refusal is an error answer in Resource Manager's envelope.
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
type refusal struct {
	status  int
	code    string
	message string
}

func (e *refusal) Error() string {
	return fmt.Sprintf("resourcemanager: %d %s: %s", e.status, e.code, e.message)
}

func refuse(status int, code, format string, args ...any) error {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func badRequest(code, format string, args ...any) error {
	return refuse(http.StatusBadRequest, code, format, args...)
}

func vaultNotFound(group, name string) error {
	return refuse(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.KeyVault/vaults/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", name, group)
}

func groupNotFound(name string) error {
	return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", name)
}

// maxBody is Resource Manager's limit on a request.
const maxBody = 4 << 20

// decode reads the request's body; properties nobody knows are ignored.
func (c *call) decode(into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, c.request.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, "RequestContentTooLarge", "The request content is larger than %d bytes.", maxBody)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return badRequest("InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	return nil
}

func setHeaders(h http.Header) {
	id := h.Get("x-ms-request-id")
	if id == "" {
		id = uuid.NewString()
		h.Set("x-ms-request-id", id)
	}
	h.Set("x-ms-correlation-request-id", id)
	h.Set("x-ms-routing-request-id", "SIMULATED:"+id)
	h.Set("Cache-Control", "no-cache")
}

func writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{http.StatusInternalServerError, "InternalServerError", err.Error()}
	}
	w.Header().Set("x-ms-failure-cause", "gateway")
	writeJSON(w, refused.status, map[string]any{"error": map[string]string{"code": refused.code, "message": refused.message}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	if text, plain := body.(Text); plain {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, string(text))
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are structs of this package
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
