package tablestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/httpfault"
)

// failure says where an error happened. What the service answered is told in one
// line: the SDK's error is a page with addresses and rulers.
func failure(err error, doing, subject string) error {
	var answered *azcore.ResponseError
	if errors.As(err, &answered) {
		err = refusalOf(answered)
	}
	return fmt.Errorf("tablestore: %s %q: %w", doing, subject, err)
}

const longestMessage = 400

// refusal is an error answer of the service.
// https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
type refusal struct {
	status  int
	code    aztables.TableErrorCode
	message string
}

func (r *refusal) Error() string {
	return strings.TrimRight(fmt.Sprintf("HTTP %d %s: %s", r.status, httpfault.Code(string(r.code)), httpfault.Short(r.message, longestMessage)), ": ")
}

func refusalOf(answered *azcore.ResponseError) *refusal {
	r := &refusal{status: answered.StatusCode, code: aztables.TableErrorCode(answered.ErrorCode)}
	if body, err := runtime.Payload(answered.RawResponse); err == nil {
		r.read(body)
	}
	return r
}

// read takes the code and the first line of the message from an answer's body;
// the other lines are a request id and the time.
func (r *refusal) read(body []byte) {
	var answer struct {
		Error struct {
			Code    aztables.TableErrorCode `json:"code"`
			Message struct {
				Value string `json:"value"`
			} `json:"message"`
		} `json:"odata.error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return // not the service's own answer: the status has to do
	}
	if answer.Error.Code != "" {
		r.code = answer.Error.Code
	}
	r.message, _, _ = strings.Cut(answer.Error.Message.Value, "\n")
}

// codeOf is the service's code for what went wrong, or empty.
func codeOf(err error) aztables.TableErrorCode {
	var answered *azcore.ResponseError
	if errors.As(err, &answered) {
		return aztables.TableErrorCode(answered.ErrorCode)
	}
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.code
	}
	return ""
}

// asConflict turns the answers that say that a row was not as expected into
// ErrConflict. A missing table is none of them.
func asConflict(err error) error {
	switch codeOf(err) {
	case aztables.EntityAlreadyExists, aztables.UpdateConditionNotSatisfied, aztables.ResourceNotFound, aztables.EntityNotFound:
		return engine.ErrConflict
	}
	return err
}
