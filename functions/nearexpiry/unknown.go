package nearexpiry

import (
	"errors"

	"github.com/rekey-dev/rekey/internal/engine"
)

func isUnknown(err error) bool {
	return errors.Is(err, engine.ErrUnknownTarget) || errors.Is(err, engine.ErrUnknownApplication)
}
