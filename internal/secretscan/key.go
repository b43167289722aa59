package secretscan

import (
	"crypto/rsa"
	"fmt"
	"math/big"
)

const (
	// chunk is how much of a private key is looked for: less than a line of PEM has,
	// so that line ends hide nothing.
	chunk = 16
	// apart is how far the chunks of sealed bytes lie apart.
	apart = 256
)

// AddKey lets the scanner find a private key: its exponent and its primes, which
// PEM, DER and JSON Web Keys hold as bytes and careless printing as digits. The
// modulus is public, and no part of it is looked for.
func (s *Scanner) AddKey(name string, key *rsa.PrivateKey) {
	s.name(name)
	for part, number := range parts(key) {
		s.addChunks(name, part, number.Bytes(), chunk)
		digits := number.String()
		s.addPiece(name, part+" in digits", digits[:chunk], binaries)
	}
}

func parts(key *rsa.PrivateKey) map[string]*big.Int {
	all := map[string]*big.Int{"its private exponent": key.D}
	for i, prime := range key.Primes {
		all[fmt.Sprintf("its prime %d", i+1)] = prime
	}
	return all
}

// AddSealed lets the scanner find bytes that hold a secret whole: a PFX whose
// password is empty or known. It finds any few hundred of them.
func (s *Scanner) AddSealed(name string, sealed []byte) {
	s.name(name)
	s.addChunks(name, "a part of it", sealed, apart)
}

// addChunks adds a chunk of bytes every so many bytes.
func (s *Scanner) addChunks(name, piece string, text []byte, every int) {
	for i := 0; i+chunk <= len(text); i += every {
		s.addPiece(name, piece, string(text[i:i+chunk]), binaries)
	}
}
