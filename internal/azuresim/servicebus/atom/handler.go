// Package atom is the administration API of a simulated Service Bus namespace.
package atom

import (
	"net/http"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// NewHandler answers for a namespace.
func NewHandler(*broker.Namespace) http.Handler { return http.NotFoundHandler() }
