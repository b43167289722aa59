package odata

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	end tokenKind = iota
	open
	closing
	word     // a property's name or an operator
	constant // its value is in token.value
)

type token struct {
	kind  tokenKind
	text  string
	value any
	at    int
}

// tooBig is a whole number beyond Edm.Int32 without the suffix that would make it
// an Edm.Int64. No property has its type.
type tooBig struct{}

type lexer struct {
	input string
	at    int
}

func (l *lexer) next() (token, error) {
	l.at += len(l.input[l.at:]) - len(strings.TrimLeft(l.input[l.at:], " \t\r\n"))
	if l.at == len(l.input) {
		return token{at: l.at}, nil
	}
	start := l.at
	first, size := utf8.DecodeRuneInString(l.input[start:])
	switch {
	case first == '(':
		l.at += size
		return token{kind: open, text: "(", at: start}, nil
	case first == ')':
		l.at += size
		return token{kind: closing, text: ")", at: start}, nil
	case first == '\'':
		text, err := l.quoted()
		return token{kind: constant, value: text, text: text, at: start}, err
	case first == '-' || isDigit(first):
		return l.number()
	case isNameStart(first):
		return l.word()
	}
	return token{}, fmt.Errorf("unexpected %q at %d", first, start)
}

// quoted reads a string in single quotes, in which a doubled one stands for itself.
func (l *lexer) quoted() (string, error) {
	start := l.at
	var text strings.Builder
	for i := start + 1; i < len(l.input); i++ {
		if l.input[i] != '\'' {
			text.WriteByte(l.input[i])
			continue
		}
		if i+1 == len(l.input) || l.input[i+1] != '\'' {
			l.at = i + 1
			return text.String(), nil
		}
		text.WriteByte('\'')
		i++
	}
	return "", fmt.Errorf("string at %d has no end", start)
}

func (l *lexer) number() (token, error) {
	start := l.at
	for l.at++; l.at < len(l.input); l.at++ {
		c := l.input[l.at]
		sign := (c == '-' || c == '+') && strings.ContainsRune("eE", rune(l.input[l.at-1]))
		if !sign && c != '.' && !isNamePart(rune(c)) {
			break
		}
	}
	text := l.input[start:l.at]
	value, err := parseNumber(text)
	if err != nil {
		return token{}, fmt.Errorf("%q at %d is not a number", text, start)
	}
	return token{kind: constant, text: text, value: value, at: start}, nil
}

func parseNumber(text string) (any, error) {
	if digits, ok := strings.CutSuffix(strings.ToUpper(text), "L"); ok {
		return strconv.ParseInt(digits, 10, 64)
	}
	if !strings.ContainsAny(text, ".eEdDfF") {
		n, err := strconv.ParseInt(text, 10, 32)
		if errors.Is(err, strconv.ErrRange) {
			return tooBig{}, nil
		}
		return int32(n), err
	}
	if text == "-INF" {
		return math.Inf(-1), nil
	}
	text = strings.TrimRight(text, "dDfF")
	if strings.Trim(text, "0123456789.eE+-") != "" {
		return nil, strconv.ErrSyntax // a form that Go knows and OData does not
	}
	return strconv.ParseFloat(text, 64)
}

func (l *lexer) word() (token, error) {
	start := l.at
	for l.at < len(l.input) {
		r, size := utf8.DecodeRuneInString(l.input[l.at:])
		if !isNamePart(r) {
			break
		}
		l.at += size
	}
	text := l.input[start:l.at]
	if l.at < len(l.input) && l.input[l.at] == '\'' {
		quoted, err := l.quoted()
		if err != nil {
			return token{}, err
		}
		value, err := typed(text, quoted)
		return token{kind: constant, text: text, value: value, at: start}, err
	}
	if value, ok := named(text); ok {
		return token{kind: constant, text: text, value: value, at: start}, nil
	}
	return token{kind: word, text: text, at: start}, nil
}

// named are the constants that look like names.
func named(text string) (any, bool) {
	switch text {
	case "true", "false":
		return text == "true", true
	case "NaN":
		return math.NaN(), true
	case "INF":
		return math.Inf(1), true
	}
	return nil, false
}

// typed reads a constant such as datetime'...'.
func typed(prefix, text string) (any, error) {
	switch prefix {
	case "datetime":
		return ParseDateTime(text)
	case "guid":
		return ParseGUID(text)
	case "X", "binary":
		value, err := hex.DecodeString(text)
		if err != nil && prefix == "binary" {
			value, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil {
			return nil, fmt.Errorf("%q is not binary", text)
		}
		return value, nil
	}
	return nil, fmt.Errorf("%q is not a type of constant", prefix)
}

func isDigit(r rune) bool     { return r >= '0' && r <= '9' }
func isNameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func isNamePart(r rune) bool  { return isNameStart(r) || unicode.IsDigit(r) }
