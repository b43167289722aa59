package secretscan

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// encoding is one way to write a text, or several that go by one name.
type encoding struct {
	name  string
	spell func(string) []string
}

// binaries are the encodings of bytes that need not be characters.
var binaries = []encoding{
	{"plain text", plain},
	{"hexadecimal", hexadecimal},
	{"base64", base64s},
}

// textual are the encodings of text.
var textual = append(slices.Clip(binaries),
	encoding{"JSON", inJSON},
	encoding{"Go", func(text string) []string { return []string{unquoted(strconv.Quote(text))} }},
	encoding{"a URL's query", percent(url.QueryEscape)},
	encoding{"a URL's path", percent(url.PathEscape)},
	encoding{"HTML", func(text string) []string { return []string{html.EscapeString(text)} }},
	encoding{"UTF-16", func(text string) []string { return []string{asUTF16(text)} }},
	// PowerShell's -EncodedCommand, and [Convert]::ToBase64String of a .NET string.
	encoding{"base64 of UTF-16", func(text string) []string { return base64s(asUTF16(text)) }},
)

func plain(text string) []string { return []string{text} }

func hexadecimal(text string) []string {
	lower := hex.EncodeToString([]byte(text))
	return []string{lower, strings.ToUpper(lower)}
}

// base64s are those characters of base64, standard and of URLs, that do not depend
// on what stands before and behind the text.
func base64s(text string) (spelled []string) {
	for before := range 3 {
		padded := append(make([]byte, before), text...)
		dependent := (before*8 + 5) / 6 // the characters that the bytes before have a part in
		whole := len(padded) * 8 / 6
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			spelled = append(spelled, alphabet.EncodeToString(padded)[min(dependent, whole):whole])
		}
	}
	return spelled
}

// inJSON is with and without the escapes that keep HTML out.
func inJSON(text string) []string {
	careful, _ := json.Marshal(text) // a string has no error
	var simple bytes.Buffer
	encoder := json.NewEncoder(&simple)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text)
	return []string{unquoted(string(careful)), unquoted(strings.TrimSpace(simple.String()))}
}

// unquoted cuts off the quotes, and leaves those that belong to the text.
func unquoted(quoted string) string { return quoted[1 : len(quoted)-1] }

// percent is an escape with its hexadecimal digits in capitals and in small letters.
func percent(escape func(string) string) func(string) []string {
	return func(text string) []string {
		var small strings.Builder
		escaped := escape(text)
		for i := 0; i < len(escaped); i++ {
			if escaped[i] == '%' {
				small.WriteString(strings.ToLower(escaped[i : i+3]))
				i += 2
				continue
			}
			small.WriteByte(escaped[i])
		}
		return []string{escaped, small.String()}
	}
}

// asUTF16 is what .NET and Windows have in memory, little end first.
func asUTF16(text string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = binary.LittleEndian.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

func reversed(text string) string {
	runes := []rune(text)
	if string(runes) != text { // not characters
		b := []byte(text)
		slices.Reverse(b)
		return string(b)
	}
	slices.Reverse(runes)
	return string(runes)
}
