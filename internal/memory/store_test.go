package memory_test

import (
	"testing"

	"github.com/rekey-dev/rekey/internal/conformance"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
)

func TestStoreConforms(t *testing.T) {
	conformance.Store(t, func(*testing.T) engine.Store { return &memory.Store{} })
}
