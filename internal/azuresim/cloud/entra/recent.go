package entra

import (
	"strconv"
	"strings"
	"sync"
)

// recent keeps the tokens that were issued last: all that say the same time. A
// signature is by far the most expensive part of an answer.
type recent struct {
	mu     sync.Mutex
	issued int64
	tokens map[string]string
}

func (r *recent) issue(c claims, sign func(claims) (string, error)) (string, error) {
	key := strings.Join(append([]string{c.ObjectID, c.Audience, c.AppIDACR, c.AzpACR, c.Version, strconv.FormatInt(c.Expires, 10)}, c.Roles...), "|")
	r.mu.Lock()
	if c.IssuedAt != r.issued {
		r.issued, r.tokens = c.IssuedAt, map[string]string{}
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
	if c.IssuedAt == r.issued {
		r.tokens[key] = token
	}
	return token, nil
}
