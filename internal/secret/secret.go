// Package secret holds a value that will not print.
//
// A client secret passes through many hands: structs that are logged, errors
// that are wrapped, rows that are marshalled. Value makes all of them print
// [redacted]; the text itself comes out of Reveal alone, and Reveal belongs in
// the very call that sends it.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Value is a piece of text that must not be seen. The zero Value is empty.
type Value struct{ text string }

// New wraps text.
func New(text string) Value { return Value{text} }

// Reveal returns the text. Call it only where the text is sent.
func (v Value) Reveal() string { return v.text }

// IsZero reports whether there is no text.
func (v Value) IsZero() bool { return v.text == "" }

// Equal compares in a time that does not tell where two texts of a length differ.
func (v Value) Equal(other Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.text), []byte(other.text)) == 1
}

// String implements fmt.Stringer without the text.
func (Value) String() string { return redacted }

// Format keeps every fmt verb, %#v and %x included, from reaching the text.
func (Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue implements slog.LogValuer without the text.
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps encoders (JSON, XML, YAML) from the text.
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
