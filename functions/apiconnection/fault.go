package apiconnection

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// refuse is an error of this package's own making.
func refuse(class rotation.Class, remedy, format string, args ...any) error {
	return &rotation.Fault{Class: class, Err: fmt.Errorf(format, args...), Remedy: remedy}
}

// fault classifies what a call of Resource Manager came to. The SDK's own text
// holds the whole exchange; what is kept of it is status, code and message.
func fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("apiconnection: %s: %w", doing, err)}
	}
	f := &rotation.Fault{
		Class: httpfault.Class(answer.StatusCode),
		Err:   fmt.Errorf("apiconnection: %s: %d %s: %s", doing, answer.StatusCode, httpfault.Code(answer.ErrorCode), message(answer)),
	}
	if f.Class == rotation.Throttled {
		f.After = httpfault.After(answer.RawResponse.Header, time.Now())
	}
	return f
}

// message is the sentence for people in an error's body.
func message(answer *azcore.ResponseError) string {
	var body struct{ Error struct{ Message string } }
	if text, err := runtime.Payload(answer.RawResponse); err == nil {
		_ = json.Unmarshal(text, &body) // without a sentence the code has to do
	}
	return short(body.Error.Message)
}

const longestMessage = 800

func short(text string) string { return httpfault.Short(text, longestMessage) }

// remedied says what a person can do about a connection, or a connector, that rekey
// cannot reach.
func remedied(err error, id string) error {
	known, ok := errors.AsType[*rotation.Fault](err)
	if !ok || known.Remedy != "" {
		return err
	}
	with := *known
	switch known.Class {
	case rotation.Denied:
		with.Remedy = assignContributor(id) + `; connectors are read with the role "Reader" on the subscription`
	case rotation.NotFound:
		with.Remedy = "choose another connection, or make it again under the same name"
	case rotation.Transient, rotation.Throttled, rotation.Conflict, rotation.Permanent:
	}
	return &with
}
