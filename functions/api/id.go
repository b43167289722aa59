package api

import (
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	guid            = `[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`
	appPattern      = `^` + guid + `$`
	rotationPattern = `^` + guid + `\.(secret|certificate)\.[1-9][0-9]{0,8}$`
	targetPattern   = `^[a-z0-9](-?[a-z0-9]){0,62}$`
)

// appID is a client id in a path. GUIDs know no case; rows have the lower one.
type appID string

// rotationID is a rotation's id in a path.
type rotationID string

// targetID is a target's id in a path, as the user chose it.
type targetID string

var (
	_ huma.SchemaProvider = appID("")
	_ huma.SchemaProvider = rotationID("")
	_ huma.SchemaProvider = targetID("")
)

// Schema implements huma.SchemaProvider.
func (appID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: appPattern, PatternDescription: "the application's client id, a GUID"}
}

// Schema implements huma.SchemaProvider.
func (rotationID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: rotationPattern, PatternDescription: "a rotation's id, <appId>.<kind>.<generation>"}
}

// Schema implements huma.SchemaProvider.
func (targetID) Schema(huma.Registry) *huma.Schema {
	longest := 63
	return &huma.Schema{Type: huma.TypeString, Pattern: targetPattern, MaxLength: &longest,
		PatternDescription: "1 to 63 lower-case letters, digits and single hyphens between them"}
}

func (id appID) String() string { return strings.ToLower(string(id)) }

func (id rotationID) parse() (rotation.ID, error) {
	parsed, err := rotation.ParseID(strings.ToLower(string(id)))
	if err != nil {
		return parsed, invalid(rotation.Problem{Field: "path.id", Detail: err.Error()})
	}
	return parsed, nil
}

const logName = `[0-9]{19}\.[0-9]{2}\.[a-z2-7]{6}`

// The forms of what the engine gives as next.
var (
	applicationCursor = regexp.MustCompile(appPattern)
	rotationCursor    = regexp.MustCompile(rotationPattern)
	logCursor         = regexp.MustCompile(`^` + logName + `$`)
	tenantLogCursor   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}\.(` + logName + `(\.` + guid + `)?)?$`)
)
