package functionshost

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

// lines cuts a stream into lines and hands each over whole: to a writer that others
// may share, or to the log. The end of a stream may lack its newline.
type lines struct {
	emit    func(line []byte)
	mu      sync.Mutex
	pending []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, p...)
	for {
		end := bytes.IndexByte(l.pending, '\n')
		if end < 0 {
			return len(p), nil
		}
		l.emit(l.pending[:end+1])
		l.pending = l.pending[end+1:]
	}
}

// toWriter emits to w, one line at a time across all that share the mutex.
func toWriter(w io.Writer, mu *sync.Mutex) func([]byte) {
	return func(line []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write(line)
	}
}

func toLog(log *slog.Logger, level slog.Level) func([]byte) {
	return func(line []byte) {
		log.Log(context.Background(), level, "handler", "line", string(bytes.TrimRight(line, "\r\n")))
	}
}
