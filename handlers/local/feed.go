package main

import (
	"encoding/json"
	"io"
	"time"
)

// entry is one line of the handler's log, as far as it tells of a rotation.
type entry struct {
	Time     time.Time `json:"time"`
	Level    string    `json:"level"`
	Detail   string    `json:"msg"`
	App      string    `json:"app"`
	What     string    `json:"what"`
	Rotation string    `json:"rotation"`
	Target   string    `json:"target"`
}

// feed receives the handler's lines, one at a time: each goes to the file, and
// what tells of a rotation to whoever watches.
type feed struct {
	file    io.Writer
	entries chan entry
}

func newFeed(file io.Writer) *feed {
	return &feed{file: file, entries: make(chan entry, 4096)}
}

func (f *feed) Write(line []byte) (int, error) {
	var e entry
	if json.Unmarshal(line, &e) == nil && e.What != "" {
		select {
		case f.entries <- e:
		default: // nobody watches: the file has it
		}
	}
	return f.file.Write(line)
}
