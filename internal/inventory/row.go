package inventory

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/rekey-dev/rekey/internal/engine"
)

// longestProperty is below the 64 KiB that a text may take in UTF-16:
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const longestProperty = 30_000

// mostPieces is far more than what Graph lets an application have: it holds some
// hundreds of credentials and a hundred owners. More would not fit into one row.
const mostPieces = 16

// encode turns an application into a row's properties. Lists are JSON, in pieces
// where one property cannot hold them.
func encode(a Application, generation int64) map[string]any {
	properties := map[string]any{
		"appId": a.AppID, "name": a.Name, "readAt": a.ReadAt, "generation": generation,
	}
	inPieces(properties, "owners", a.Owners)
	inPieces(properties, "credentials", a.Credentials)
	return properties
}

// inPieces ends with an empty piece, behind which an older, longer list may go on.
func inPieces(properties map[string]any, name string, list any) {
	text, _ := json.Marshal(list) // texts and times: it cannot fail
	for n := range mostPieces {
		size := min(len(text), longestProperty)
		for size < len(text) && !utf8.RuneStart(text[size]) {
			size--
		}
		properties[name+strconv.Itoa(n)] = string(text[:size])
		if size == 0 {
			return
		}
		text = text[size:]
	}
}

// decode reads an application's row. Whatever is not as it was written is an error.
func decode(row engine.Row) (a Application, err error) {
	a.ObjectID = row.Row
	for name, field := range map[string]*string{"appId": &a.AppID, "name": &a.Name} {
		text, ok := row.Properties[name].(string)
		if !ok {
			return a, unreadable(row, name)
		}
		*field = text
	}
	if a.ReadAt, err = timeIn(row, "readAt"); err != nil {
		return a, err
	}
	if err := fromPieces(row, "owners", &a.Owners); err != nil {
		return a, err
	}
	if err := fromPieces(row, "credentials", &a.Credentials); err != nil {
		return a, err
	}
	return a, nil
}

func fromPieces(row engine.Row, name string, list any) error {
	var text []byte
	for n := range mostPieces {
		piece, _ := row.Properties[name+strconv.Itoa(n)].(string)
		if piece == "" {
			break
		}
		text = append(text, piece...)
	}
	if err := json.Unmarshal(text, list); err != nil {
		return unreadable(row, name)
	}
	return nil
}

// timeIn reads a time that may be missing.
func timeIn(row engine.Row, name string) (time.Time, error) {
	switch value := row.Properties[name].(type) {
	case time.Time:
		return value, nil
	case nil:
		return time.Time{}, nil
	}
	return time.Time{}, unreadable(row, name)
}

func unreadable(row engine.Row, property string) error {
	return fmt.Errorf("inventory: row %q of %q: %w: property %q", row.Row, row.Partition, engine.ErrUnreadable, property)
}
