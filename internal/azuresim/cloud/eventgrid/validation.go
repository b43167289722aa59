package eventgrid

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// origin is whom the CloudEvents handshake and deliveries name.
const origin = "eventgrid.azure.net"

func (s *Service) validate(ctx context.Context, seed Subscription) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.ResponseTimeout)
	defer cancel()
	if seed.Schema == CloudEventSchemaV1_0 {
		return s.askPermission(ctx, seed)
	}
	return s.sendCode(ctx, seed)
}

// sendCode expects the code back in a 200; a 202 is not enough.
// https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
func (s *Service) sendCode(ctx context.Context, seed Subscription) error {
	code := uuid.NewString()
	data := encode(map[string]string{"validationCode": code, "validationUrl": "https://rp-westeurope.eventgrid.azure.net/eventsubscriptions/" + seed.Name + "/validate?id=" + code})
	e := event{id: uuid.NewString(), topic: seed.Source, kind: "Microsoft.EventGrid.SubscriptionValidationEvent", time: stamp(s.clock.Now()), dataVersion: "2", data: data}
	body := encode([]json.RawMessage{e.in(EventGridSchema)})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, seed.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("aeg-event-type", "SubscriptionValidation")
	r.Header.Set("aeg-subscription-name", strings.ToUpper(seed.Name))
	resp, err := s.do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		ValidationResponse string `json:"validationResponse"`
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxRequest))
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if resp.StatusCode != http.StatusOK || err != nil || answer.ValidationResponse != code {
		return fmt.Errorf("the answer %d does not echo the validation code", resp.StatusCode)
	}
	return nil
}

// https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
func (s *Service) askPermission(ctx context.Context, seed Subscription) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodOptions, seed.Endpoint, nil)
	if err != nil {
		return err
	}
	r.Header.Set("WebHook-Request-Origin", origin)
	resp, err := s.do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	allowed := resp.Header.Get("WebHook-Allowed-Origin")
	if resp.StatusCode != http.StatusOK || allowed != origin && allowed != "*" {
		return fmt.Errorf("the answer %d does not allow the origin %s", resp.StatusCode, origin)
	}
	return nil
}
