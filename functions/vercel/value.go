package vercel

import (
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// value is what the variable is to hold.
func (s Settings) value(d rotation.Delivery) (secret.Value, error) {
	value, err := s.formatted(d.Credential.Value)
	if err != nil {
		return value, rotation.Permanently("vercel: %w", err)
	}
	return d.Fill(s.Template, value), nil
}

func (s Settings) formatted(value secret.Value) (secret.Value, error) {
	if s.Format == "" || s.Format == FormatPEM {
		return value, nil
	}
	pair, err := certificate.Parse(value)
	if err != nil {
		return secret.Value{}, err
	}
	if s.Format == FormatPFX {
		return pair.PFX(secret.Value{})
	}
	return secret.New(pair.CER()), nil
}
