package graph

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

const base = "https://graph.microsoft.com/v1.0/"

// rawObject is a JSON value that is decoded later; null leaves it nil.
type rawObject = json.RawMessage

func metadata(of string) string { return base + "$metadata#" + of }

// timestamp is a time with up to seven digits of a second.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z07:00") }

// showApplication renders an application; keys are left out of its certificates.
func showApplication(a entra.Application) map[string]any {
	return map[string]any{
		"id":                  a.ObjectID,
		"appId":               a.AppID,
		"displayName":         a.DisplayName,
		"description":         null(a.Description),
		"notes":               null(a.Notes),
		"signInAudience":      a.SignInAudience,
		"tags":                list(a.Tags),
		"identifierUris":      list(a.IdentifierURIs),
		"createdDateTime":     a.CreatedAt.UTC().Format(time.RFC3339),
		"deletedDateTime":     nil,
		"passwordCredentials": showAll(a.Passwords, showPassword),
		"keyCredentials":      showAll(a.Keys, showKey),
	}
}

func showPassword(p entra.Password) map[string]any {
	return map[string]any{
		"customKeyIdentifier": nil,
		"displayName":         null(p.DisplayName),
		"startDateTime":       timestamp(p.Start),
		"endDateTime":         timestamp(p.End),
		"hint":                p.Hint,
		"keyId":               p.KeyID,
		"secretText":          nil,
	}
}

func showKey(k entra.Key) map[string]any {
	return map[string]any{
		"customKeyIdentifier": null(k.CustomKeyIdentifier),
		"displayName":         null(k.DisplayName),
		"startDateTime":       timestamp(k.Start),
		"endDateTime":         timestamp(k.End),
		"key":                 nil,
		"keyId":               k.KeyID,
		"type":                k.Type,
		"usage":               k.Usage,
	}
}

func showKeyWithValue(k entra.Key) map[string]any {
	shown := showKey(k)
	shown["key"] = base64.StdEncoding.EncodeToString(k.Certificate.Raw)
	return shown
}

func showPrincipal(sp entra.ServicePrincipal) map[string]any {
	return map[string]any{
		"id":                   sp.ObjectID,
		"appId":                sp.AppID,
		"displayName":          sp.DisplayName,
		"appDisplayName":       sp.DisplayName,
		"servicePrincipalType": sp.Type,
		"accountEnabled":       !sp.Disabled,
		"createdDateTime":      sp.CreatedAt.UTC().Format(time.RFC3339),
		"deletedDateTime":      nil,
		"passwordCredentials":  []any{},
		"keyCredentials":       []any{},
	}
}

func showAll[T any](all []T, show func(T) map[string]any) []map[string]any {
	shown := make([]map[string]any, 0, len(all))
	for _, one := range all {
		shown = append(shown, show(one))
	}
	return shown
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list(all []string) []string { return append([]string{}, all...) }
