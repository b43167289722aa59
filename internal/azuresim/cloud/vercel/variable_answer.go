package vercel

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

type variableAnswer struct {
	ID           string   `json:"id"`
	Key          string   `json:"key"`
	Type         string   `json:"type"`
	Value        *string  `json:"value,omitempty"`
	Target       []string `json:"target"`
	Branch       string   `json:"gitBranch,omitempty"`
	Environments []string `json:"customEnvironmentIds"`
	Comment      string   `json:"comment,omitempty"`
	Created      int64    `json:"createdAt"`
	Updated      int64    `json:"updatedAt"`
	Decrypted    bool     `json:"decrypted"`
	System       bool     `json:"system"`
}

// answer shows a variable. Its value is in clear where it is no secret, or where
// that is asked for and the type allows it.
func (v *variable) answer(decrypt bool) variableAnswer {
	answer := variableAnswer{
		ID: v.id, Key: v.Key, Type: v.Type, Target: orEmpty(v.Targets), Branch: v.Branch, Environments: orEmpty(v.Environments),
		Comment: v.Comment, Created: v.created, Updated: v.updated, System: v.Type == System,
	}
	switch {
	case v.Type == Sensitive:
		answer.Value = new("")
	case v.Type == Plain || v.Type == System || decrypt:
		answer.Value, answer.Decrypted = new(v.Value), true
	default:
		answer.Value = new(v.ciphertext())
	}
	return answer
}

// ciphertext stands for the encrypted value: different after every edit, and
// nothing that could be turned back.
func (v *variable) ciphertext() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", v.id, v.updated))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (v Variable) digest() string {
	sum := sha256.Sum256([]byte(v.Value))
	return hex.EncodeToString(sum[:])
}

func orEmpty(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}
