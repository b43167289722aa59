package entra

import (
	"strings"
	"sync"
)

// recent keeps the tokens of the current second. Claims count in seconds, so
// whoever asks again within one would get the same token but for its id; a
// signature is by far the most expensive part of an answer.
type recent struct {
	mu     sync.Mutex
	second int64
	tokens map[string]string
}

func (r *recent) issue(c claims, sign func(any) (string, error)) (string, error) {
	key := strings.Join(append([]string{c.ObjectID, c.Audience, c.AppIDACR}, c.Roles...), "|")
	r.mu.Lock()
	if c.IssuedAt != r.second {
		r.second, r.tokens = c.IssuedAt, map[string]string{}
	}
	token, known := r.tokens[key]
	r.mu.Unlock()
	if known {
		return token, nil
	}
	token, err := sign(c)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.IssuedAt == r.second {
		r.tokens[key] = token
	}
	return token, nil
}
