package rotation

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the kind of a credential.
type Kind string

// The kinds that Entra ID knows for an application.
const (
	Secret      Kind = "secret"
	Certificate Kind = "certificate"
)

// Kinds lists every kind, in the order in which they take turns.
func Kinds() []Kind { return []Kind{Secret, Certificate} }

// ParseKind reads a kind.
func ParseKind(text string) (Kind, error) {
	switch k := Kind(text); k {
	case Secret, Certificate:
		return k, nil
	}
	return "", fmt.Errorf("kind %q: must be %q or %q", text, Secret, Certificate)
}

// ID names one rotation: which application, which kind, which generation.
type ID struct {
	AppID      string
	Kind       Kind
	Generation int
}

// String returns the id as users and messages see it: appId.kind.generation.
func (id ID) String() string {
	return fmt.Sprintf("%s.%s.%d", id.AppID, id.Kind, id.Generation)
}

// ParseID reads what String wrote.
func ParseID(text string) (ID, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] == "" {
		return ID{}, fmt.Errorf("rotation id %q: must look like <appId>.<kind>.<generation>", text)
	}
	kind, err := ParseKind(parts[1])
	if err != nil {
		return ID{}, fmt.Errorf("rotation id %q: %w", text, err)
	}
	generation, err := strconv.Atoi(parts[2])
	if err != nil || generation < 1 || strconv.Itoa(generation) != parts[2] {
		return ID{}, fmt.Errorf("rotation id %q: the generation must be a whole number from 1", text)
	}
	return ID{AppID: parts[0], Kind: kind, Generation: generation}, nil
}

// MarshalText writes the id as String does.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the id as ParseID does.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}
