package customhandler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// drain is how long calls in flight may take once the process was told to stop. The
// host gives no such time, it kills: this is for people who press Ctrl-C.
const drain = 5 * time.Second

// ListenAndServe serves the host on 127.0.0.1 and the port that it passed in
// FUNCTIONS_CUSTOMHANDLER_PORT, until ctx ends. Nobody but this machine can reach it.
func (s *Server) ListenAndServe(ctx context.Context, port string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return fmt.Errorf("customhandler: listen on port %q: %w", port, err)
	}
	return s.Serve(ctx, listener)
}

// Serve is ListenAndServe on a listener that is open already; it closes it.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	unhook := context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		stopped <- server.Shutdown(deadline)
	})
	err := server.Serve(listener)
	if unhook() || !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("customhandler: serve: %w", err)
	}
	return <-stopped
}
