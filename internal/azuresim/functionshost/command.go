package functionshost

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// handlerEnvironment is what every process of the handler gets.
func handlerEnvironment(dir string, o Options) []string {
	environment := slices.Clone(o.Env)
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		environment = append(environment, name+"="+o.Settings[name])
	}
	return append(environment, "FUNCTIONS_APP_ROOT_PATH="+dir)
}

// command returns what starts a process. A grandchild that keeps the output open
// must not keep the host waiting, hence the delay.
func (a app) command(environment []string, o Options, log *slog.Logger, stdout *sync.Mutex) func(port string) *exec.Cmd {
	return func(port string) *exec.Cmd {
		cmd := exec.Command(a.executable, a.arguments...)
		cmd.Dir = a.dir
		cmd.Env = append(slices.Clone(environment),
			"FUNCTIONS_CUSTOMHANDLER_PORT="+port,
			fmt.Sprintf("FUNCTIONS_CUSTOMHANDLER_WORKER_ID=%s", uuid.NewString()))
		cmd.Stdout = output(o.Stdout, stdout, log, slog.LevelInfo)
		cmd.Stderr = output(o.Stdout, stdout, log, slog.LevelError)
		cmd.SysProcAttr = dieWithHost()
		cmd.WaitDelay = time.Second
		return cmd
	}
}

func output(shared io.Writer, mu *sync.Mutex, log *slog.Logger, level slog.Level) io.Writer {
	if shared == nil {
		return &lines{emit: toLog(log, level)}
	}
	return &lines{emit: toWriter(shared, mu)}
}
