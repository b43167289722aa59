package functionshost

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// kestrelPath decodes a request's path as Kestrel does: every escape but %2F, then
// the dot segments. https://github.com/dotnet/aspnetcore, PathNormalizer and UrlDecoder
func kestrelPath(escaped string) (string, error) {
	var decoded strings.Builder
	for at := 0; at < len(escaped); at++ {
		value, isEscape := escape(escaped[at:])
		if !isEscape || value == '/' {
			decoded.WriteByte(escaped[at])
			continue
		}
		if value == 0 {
			return "", fmt.Errorf("path %q holds a null character", escaped)
		}
		decoded.WriteByte(value)
		at += 2
	}
	if !utf8.ValidString(decoded.String()) {
		return "", fmt.Errorf("path %q is not UTF-8", escaped)
	}
	return removeDotSegments(decoded.String()), nil
}

// absolutePath is what a forwarded request's path becomes: the host appends the
// decoded path to its address and reads it back through System.Uri, which ends the
// path at ? and #, takes a backslash for a slash, removes dot segments and escapes.
// https://learn.microsoft.com/dotnet/api/system.uri.absolutepath
func absolutePath(decoded string) string {
	if end := strings.IndexAny(decoded, "?#"); end >= 0 {
		decoded = decoded[:end]
	}
	decoded = strings.ReplaceAll(decoded, `\`, "/")
	decoded = strings.NewReplacer("%2e", ".", "%2E", ".").Replace(decoded)
	var escaped strings.Builder
	for at := 0; at < len(decoded); at++ {
		if _, isEscape := escape(decoded[at:]); isEscape {
			escaped.WriteByte('%')
			continue
		}
		escaped.WriteString((&url.URL{Path: "/" + decoded[at:at+1]}).EscapedPath()[1:])
	}
	return removeDotSegments(escaped.String())
}

// removeDotSegments resolves . and .. and leaves empty segments alone.
func removeDotSegments(p string) string {
	segments := strings.Split(p, "/")
	var kept []string
	for at, segment := range segments {
		last := at == len(segments)-1
		switch segment {
		case ".":
		case "..":
			if len(kept) > 1 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	if joined := strings.Join(kept, "/"); strings.HasPrefix(joined, "/") {
		return joined
	}
	return path.Join("/", strings.Join(kept, "/"))
}

// escape reads a percent escape at the beginning of s.
func escape(s string) (value byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	decoded, err := url.PathUnescape(s[:3])
	if err != nil || len(decoded) != 1 {
		return 0, false
	}
	return decoded[0], true
}

// forwardedQuery rebuilds a query as the host does: one parameter for each name, in
// any case, its values joined by commas.
func forwardedQuery(raw string) string {
	var names []string
	values := map[string][]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		key := strings.ToLower(name)
		if values[key] == nil {
			names = append(names, name)
		}
		values[key] = append(values[key], value)
	}
	for at, name := range names {
		names[at] = escapeQuery(name) + "=" + escapeQuery(strings.Join(values[strings.ToLower(name)], ","))
	}
	return strings.Join(names, "&")
}

func unescapeQuery(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
