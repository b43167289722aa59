// Package yamldoc reads YAML documents of which every mistake is to be told with its
// line, and writes such documents. JSON is YAML, so it reads that as well.
//
// A document is read in sections: what stands in it is parsed when it is asked for,
// a part of MostAtOnce bytes at a time, because a parsed text takes forty times its
// size. A document that is larger must be in block style, as Write writes it, down to
// sections of that size: where one entry of a mapping ends and the next begins is then
// seen by the indentation of lines alone. Should a line be mistaken for a new entry,
// the one before is left without its end and does not parse, so nothing is ever read
// in a way that YAML does not mean.
//
// What it reads is what JSON can say: mappings with texts as keys, lists, texts,
// numbers, truth values and null. Dates stay texts. Refused, each with its line, are
// keys that are there twice, tags other than those of these types, merge keys, more
// than one document, aliases that repeat too much, and what is nested too deep.
//
// https://yaml.org/spec/1.2.2/, read by go.yaml.in/yaml/v3.
package yamldoc
