// Package secretscan finds secrets in text, however they are spelled: what a run of
// the system leaves behind is searched for every credential that it made.
//
// A secret is found by either half of it, forward or reversed, in each of the
// encodings of spell.go; base64 at every alignment, because what stands before the
// secret decides which characters it becomes. A private key is found by any 16 bytes
// of its private parts, which is less than a line of PEM or a cut error message has.
//
// Spellings are found by their first eight bytes, looked up at each position of the
// text behind a filter that knows most positions to be harmless. So secrets may be
// added at any time, and the number of them hardly matters.
package secretscan

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Scanner knows secrets and finds them. The zero value knows none. It may search in
// several goroutines at once, but not while a secret is added.
type Scanner struct {
	known    map[string]bool // the names of the secrets
	patterns map[uint64][]pattern
	filter   []uint64 // bits of hashed beginnings
	longest  int
}

// pattern is one spelling of one piece of a secret.
type pattern struct {
	text, secret, piece, encoding string
}

// Finding says that a secret was found. It never holds the secret itself.
type Finding struct {
	Secret string // its name
	How    string // which piece of it, in which encoding
	At     int64  // the position in the text, in bytes
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s, at byte %d", f.Secret, f.How, f.At) }

const (
	// begins is how many bytes of a spelling are looked up.
	begins = 8
	// Shortest is the least length of a secret: half of it is looked for, and what
	// is shorter than that is found by chance.
	Shortest   = 2 * begins
	filterBits = 22
)

// Len is how many secrets are known.
func (s *Scanner) Len() int { return len(s.known) }

// Knows reports whether a secret of this name was added.
func (s *Scanner) Knows(name string) bool { return s.known[name] }

// Add lets the scanner find a secret. The name is what findings call it.
func (s *Scanner) Add(name, value string) error {
	if len(value) < Shortest {
		return fmt.Errorf("secretscan: add %q: %d bytes are too short to be told from chance; at least %d are needed", name, len(value), Shortest)
	}
	s.name(name)
	first, second := halves(value)
	s.addPiece(name, "its first half", first, textual)
	s.addPiece(name, "its second half", second, textual)
	return nil
}

func (s *Scanner) name(name string) {
	if s.known == nil {
		s.known, s.patterns, s.filter = map[string]bool{}, map[uint64][]pattern{}, make([]uint64, 1<<filterBits/64)
	}
	s.known[name] = true
}

// halves cuts a text in two, not within a character.
func halves(value string) (first, second string) {
	middle := len(value) / 2
	for middle > begins && value[middle]&0xC0 == 0x80 {
		middle--
	}
	return value[:middle], value[middle:]
}

func (s *Scanner) addPiece(secret, name, piece string, encodings []encoding) {
	for name, piece := range map[string]string{name: piece, name + ", reversed": reversed(piece)} {
		for _, e := range encodings {
			for _, text := range e.spell(piece) {
				s.addPattern(pattern{text, secret, name, e.name})
			}
		}
	}
}

// addPattern leaves out what another encoding spells the same.
func (s *Scanner) addPattern(p pattern) {
	if len(p.text) < begins {
		return
	}
	start := binary.LittleEndian.Uint64([]byte(p.text[:begins]))
	same := func(known pattern) bool { return known.text == p.text && known.secret == p.secret }
	if slices.ContainsFunc(s.patterns[start], same) {
		return
	}
	s.patterns[start] = append(s.patterns[start], p)
	bit := hash(start)
	s.filter[bit/64] |= 1 << (bit % 64)
	s.longest = max(s.longest, len(p.text))
}

// hash spreads eight bytes over the filter, by Fibonacci's multiplication.
func hash(start uint64) uint64 { return start * 0x9E3779B97F4A7C15 >> (64 - filterBits) }

// Find returns what a text has of the secrets, each spelling once, in their order.
func (s *Scanner) Find(text []byte) []Finding {
	found := findings{}
	s.find(text, 0, found)
	return found.sorted()
}

// FindIn is Find for a text of any length.
func (s *Scanner) FindIn(r io.Reader) ([]Finding, error) {
	found := findings{}
	window := make([]byte, 0, 1<<20+0)
	for offset := int64(0); ; {
		n, err := io.ReadFull(r, window[len(window):cap(window)])
		window = window[:len(window)+n]
		s.find(window, offset, found)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found.sorted(), nil
		}
		if err != nil {
			return found.sorted(), err
		}
		// A spelling may begin here and end in what comes next.
		rest := min(len(window), s.longest)
		offset += int64(len(window) - rest)
		window = window[:copy(window, window[len(window)-rest:])]
	}
}

func (s *Scanner) find(text []byte, offset int64, found findings) {
	if s.Len() == 0 {
		return
	}
	for i := 0; i+begins <= len(text); i++ {
		start := binary.LittleEndian.Uint64(text[i:])
		if bit := hash(start); s.filter[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, p := range s.patterns[start] {
			if rest := text[i:]; len(rest) >= len(p.text) && string(rest[:len(p.text)]) == p.text {
				found.add(p, offset+int64(i))
			}
		}
	}
}

// findings are the first places of each secret and spelling.
type findings map[[2]string]int64

func (f findings) add(p pattern, at int64) {
	key := [2]string{p.secret, p.piece + " in " + p.encoding}
	if _, known := f[key]; !known {
		f[key] = at
	}
}

func (f findings) sorted() (all []Finding) {
	for key, at := range f {
		all = append(all, Finding{key[0], key[1], at})
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Secret, b.Secret), strings.Compare(a.How, b.How))
	})
	return all
}
