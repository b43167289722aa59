package entra

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	kiotahttp "github.com/microsoft/kiota-http-go"

	"github.com/rekey-dev/rekey/internal/httpfault"
)

// refusal is an answer of Graph that is no success.
// https://learn.microsoft.com/graph/errors
type refusal struct {
	status        int
	code, message string
	after         time.Duration
	location      string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s", r.status, r.code, cmp.Or(shortened(r.message), "no explanation"))
}

// concurrent reports whether the write collided with another one.
// https://github.com/nais/azurerator/issues/448
func (r *refusal) concurrent() bool {
	return r.code == "Directory_ConcurrencyViolation" || strings.Contains(strings.ToLower(r.message), "concurrent requests")
}

// tooLarge reports whether the application can hold no more.
// https://github.com/openshift/openshift-azure/issues/1932
func (r *refusal) tooLarge() bool {
	return r.code == "Directory_ResourceSizeExceeded" || strings.Contains(r.message, "size of the object has exceeded")
}

func (r *refusal) unknownKey() bool {
	return strings.Contains(r.message, "No password credential found with keyId")
}

// refuse turns answers that are no success into errors before the SDK reads them.
// The SDK loses the status of what is not JSON, as a gateway's 502 is, and its
// error for JSON without a message panics when it is printed.
type refuse struct{}

// Intercept implements kiota's Middleware.
func (refuse) Intercept(pipeline kiotahttp.Pipeline, index int, r *http.Request) (*http.Response, error) {
	response, err := pipeline.Next(r, index)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < http.StatusMultipleChoices {
		response.Body = httpfault.Limit(response.Body) // the SDK reads all that there is
		return response, nil
	}
	defer response.Body.Close()
	return nil, readRefusal(response)
}

func readRefusal(response *http.Response) *refusal {
	r := &refusal{
		status: response.StatusCode, after: httpfault.After(response.Header, time.Now()), location: response.Header.Get("Location"),
	}
	r.read(readSome(response.Body))
	return r
}

func (r *refusal) read(body []byte) {
	var envelope struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(body, &envelope) == nil {
		r.code, r.message = envelope.Error.Code, envelope.Error.Message
	} else {
		r.message = string(body)
	}
	r.code = cmp.Or(httpfault.Code(r.code), http.StatusText(r.status))
}

const (
	longestAnswer  = 64 << 10
	longestMessage = 400
)

// readSome reads as much of an answer as can be of use. What is cut off or lost
// on the way leaves less of an explanation, nothing worse.
func readSome(body io.Reader) []byte {
	text, _ := io.ReadAll(io.LimitReader(body, longestAnswer))
	return text
}

// shortened makes one line of a text.
func shortened(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestMessage {
		text = strings.ToValidUTF8(text[:longestMessage], "") + "…"
	}
	return text
}
