package automation

import (
	"cmp"
	"fmt"
	"strings"
)

type runCommand struct {
	ID         string `json:"id,omitempty"`
	Location   string `json:"location"`
	Properties struct {
		Source struct {
			Script string `json:"script"`
		} `json:"source"`
		ProtectedParameters []namedValue    `json:"protectedParameters,omitempty"`
		AsyncExecution      bool            `json:"asyncExecution"`
		TimeoutInSeconds    int             `json:"timeoutInSeconds"`
		ProvisioningState   string          `json:"provisioningState,omitempty"`
		InstanceView        *runCommandView `json:"instanceView,omitempty"`
	} `json:"properties"`
}

type namedValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type runCommandView struct {
	ExecutionState   string `json:"executionState"`
	ExecutionMessage string `json:"executionMessage"`
	ExitCode         int    `json:"exitCode"`
	Output           string `json:"output"`
	Error            string `json:"error"`
}

func (r runCommand) progress() progress {
	view, state := r.Properties.InstanceView, r.Properties.ProvisioningState
	if view == nil {
		view = &runCommandView{}
	}
	p := progress{found: true, ended: true, output: both(view.Output, view.Error)}
	switch {
	case view.ExecutionState == "Succeeded" && view.ExitCode == 0:
	case view.ExecutionState == "Succeeded", view.ExecutionState == "Failed":
		p.failed = fmt.Sprintf("the script ended with exit code %d: %s", view.ExitCode, cmp.Or(lastLine(view.Error), lastLine(view.Output), view.ExecutionMessage))
	case view.ExecutionState == "TimedOut":
		p.failed = "the script took longer than its timeout"
	case view.ExecutionState == "Canceled":
		p.failed = "the script was cancelled"
	case state == "Failed" || state == "Canceled":
		p.failed = "the machine did not run the script: " + cmp.Or(view.ExecutionMessage, "the run command is "+state)
	case state == "Deleting":
		return progress{}
	default:
		return progress{found: true}
	}
	return p
}

// both joins what a script printed and what it complained of.
func both(output, complaint string) string {
	output, complaint = strings.TrimSpace(output), strings.TrimSpace(complaint)
	if output != "" && complaint != "" {
		return output + "\n" + complaint
	}
	return output + complaint
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
