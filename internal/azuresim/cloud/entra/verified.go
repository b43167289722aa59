package entra

import "sync"

// verified remembers the tokens whose signature was found to be ours, because a
// client sends the same one with every request. Whether a token has expired, or
// is for somebody else, is asked anew each time.
type verified struct {
	mu     sync.Mutex
	tokens map[string]claims
}

// mostVerified bounds the memory: the clients of a simulation use far fewer.
const mostVerified = 1000

func (v *verified) claims(bearer string, verify func(string) (claims, error)) (claims, error) {
	v.mu.Lock()
	c, known := v.tokens[bearer]
	v.mu.Unlock()
	if known {
		return c, nil
	}
	c, err := verify(bearer)
	if err != nil {
		return c, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil || len(v.tokens) == mostVerified {
		v.tokens = map[string]claims{}
	}
	v.tokens[bearer] = c
	return c, nil
}
