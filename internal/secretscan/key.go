package secretscan

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

// chunk is how much of a private key is looked for: less than a line of PEM has,
// so that line ends hide nothing.
const chunk = 16

// AddKey lets the scanner find a private key: its exponent and its primes, which
// PEM, DER and JSON Web Keys hold as bytes and careless printing as digits. The
// modulus is public, and no part of it is looked for.
func (s *Scanner) AddKey(name string, key *rsa.PrivateKey) {
	s.name(name)
	for part, number := range parts(key) {
		s.addChunks(name, part, number.Bytes())
		s.addChunks(name, part+", in digits", []byte(number.String()))
	}
}

func parts(key *rsa.PrivateKey) map[string]*big.Int {
	all := map[string]*big.Int{"its private exponent": key.D}
	for i, prime := range key.Primes {
		all[fmt.Sprintf("its prime %d", i+1)] = prime
	}
	return all
}

// AddSealed lets the scanner find bytes of which every part is as bad as the whole:
// a PFX whose password is empty or known.
func (s *Scanner) AddSealed(name string, sealed []byte) {
	s.name(name)
	s.addChunks(name, "a part", sealed)
}

// addChunks adds the whole chunks of bytes.
func (s *Scanner) addChunks(name, piece string, text []byte) {
	for ; len(text) >= chunk; text = text[chunk:] {
		s.addPiece(name, piece, string(text[:chunk]), binaries)
	}
}
