package apiconnection

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// silenced takes what was sent out of an error: a service, or a proxy on the way to
// it, may repeat in its refusal what it was given. What the error wrapped goes too.
func silenced(err error, credential secret.Value, sent map[string]hidden) error {
	if err == nil {
		return nil
	}
	values := []secret.Value{credential}
	for _, h := range sent {
		values = append(values, h.text, h.pfx, h.password)
	}
	text := err.Error()
	var all []string
	for _, v := range values {
		all = append(all, spellings(v)...)
	}
	for _, spelled := range all {
		text = strings.ReplaceAll(text, spelled, secret.Value{}.String())
	}
	for _, spelled := range all {
		text = secret.Without(text, spelled) // where it was cut off
	}
	if text == err.Error() {
		return err
	}
	return &rotation.Fault{Class: rotation.ClassOf(err), After: rotation.AfterOf(err), Err: errors.New(text)}
}

// spellings are a value as it is, and as JSON within JSON has it.
func spellings(v secret.Value) []string {
	if v.IsZero() {
		return nil
	}
	quoted, _ := json.Marshal(v.Reveal()) // a string has no error
	return []string{v.Reveal(), strings.Trim(string(quoted), `"`)}
}
