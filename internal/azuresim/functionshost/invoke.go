package functionshost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// call is the envelope of a trigger call.
type call struct {
	Data     map[string]any
	Metadata map[string]any
}

// answer is what a handler returns for a call.
type answer struct {
	Outputs     map[string]json.RawMessage
	Logs        []string
	ReturnValue json.RawMessage
}

// invoke calls a function with one value of its trigger and waits for the answer.
// https://github.com/Azure/azure-functions-host, DefaultHttpWorkerService.ProcessDefaultInvocationRequest
func (h *Host) invoke(f function, value any, metadata map[string]any) (answer, error) {
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["sys"] = h.systemData(f)
	body, err := json.Marshal(call{Data: map[string]any{f.binding: value}, Metadata: metadata})
	if err != nil {
		return answer{}, fmt.Errorf("functionshost: encode call of %q: %w", f.name, err)
	}
	result, err := h.call(f, body)
	if err != nil {
		h.log.Error("invocation failed", "function", f.name, "error", err)
		return answer{}, fmt.Errorf("functionshost: invoke %q: %w", f.name, err)
	}
	for _, line := range result.Logs {
		h.log.Info("handler", "function", f.name, "line", line)
	}
	return result, nil
}

// call posts the envelope. An empty answer and JSON null never end the invocation.
func (h *Host) call(f function, body []byte) (answer, error) {
	r, err := h.exchange(f, exchange{
		request: func(ctx context.Context, address string) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/"+f.name, bytes.NewReader(body))
			if err == nil {
				req.Header.Set("Content-Type", "application/json; charset=utf-8")
				addHostHeaders(req.Header)
			}
			return req, err
		},
		hangs: func(r reply) bool {
			return r.succeeded() && (len(r.content) == 0 || string(bytes.TrimSpace(r.content)) == "null")
		},
	})
	if err != nil {
		return answer{}, err
	}
	if !r.succeeded() {
		return answer{}, fmt.Errorf("the handler answered %d", r.status)
	}
	return decodeAnswer(r.header.Get("Content-Type"), r.content)
}

func decodeAnswer(contentType string, content []byte) (answer, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/json" && kind != "text/json" {
		return answer{}, fmt.Errorf("the handler answered with content type %q instead of application/json", contentType)
	}
	var result answer
	if err := json.Unmarshal(content, &result); err != nil {
		return answer{}, fmt.Errorf("the handler's answer: %w", err)
	}
	return result, nil
}

// addHostHeaders adds what the host adds to every request: it appends, so an
// outsider's own values stay before the host's.
func addHostHeaders(header http.Header) {
	for name, value := range map[string]string{
		"X-Azure-Functions-HostVersion":  version,
		"X-Azure-Functions-InvocationId": uuid.NewString(),
	} {
		header.Set(name, strings.Join(append(header.Values(name), value), ", "))
	}
	agent := strings.TrimSpace(header.Get("User-Agent") + " Azure-Functions-Host/" + version)
	header.Set("User-Agent", agent)
}

// systemData is the binding data that every invocation carries.
func (h *Host) systemData(f function) map[string]any {
	return map[string]any{
		"MethodName": f.name,
		"UtcNow":     h.clock.Now().Format("2006-01-02T15:04:05.999999Z07:00"),
		"RandGuid":   uuid.NewString(),
	}
}

// encode gives values the form in which the host sends them.
// https://github.com/Azure/azure-functions-host, GetHttpScriptInvocationContextValue
func encodeText(s string) string { return encodeJSON(s) }

func encodeNumber(n int64) string { return encodeJSON(n) }

func encodeTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }

// encodeJSON returns the value's JSON, which the envelope then quotes once more.
func encodeJSON(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "null"
	}
	return string(encoded)
}
