package cli

import (
	"github.com/spf13/cobra"
)

func (s *session) plan() *cobra.Command {
	var r request
	c := &cobra.Command{
		Use: "plan APP", Short: "Say step by step what a rotation would do, and change nothing", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := s.ask(c.Context(), args[0], r, true)
			if err != nil {
				return err
			}
			plan, err := read(answer.Body)
			if err != nil {
				return err
			}
			if err := s.show(answer.Body, showPlan); err != nil {
				return err
			}
			if refused(plan) {
				return errRefusals
			}
			return nil
		},
	}
	r.flags(c)
	return c
}

func refused(plan record) bool {
	refusals, _ := plan.at("refusals").([]any)
	for _, step := range plan.list("steps") {
		if step.text("refusal") != "" {
			return true
		}
	}
	return len(refusals) > 0
}

func showPlan(p *page, plan record) {
	p.fields(plan,
		column{"Rotation:", "rotation", nil}, column{"In flight already:", "inFlight", onlyTrue}, column{"Supersedes:", "supersedes", nil},
		column{"Refused:", "refusals", nil}, column{"Due again:", "dueAt", when}, column{"Ends:", "endsAt", when})
	p.title("STEPS")
	p.table(plan.list("steps"), "There are none.",
		column{"AT THE EARLIEST", "at", when}, column{"STEP", "step", nil}, column{"TARGET", "target", nil}, column{"KEY ID", "keyId", nil},
		column{"WHAT", "what", nil}, column{"REFUSAL", "refusal", nil}, column{"NOTES", "notes", nil})
	var calls []record
	for _, step := range plan.list("steps") {
		for _, call := range step.list("calls") {
			calls = append(calls, record{"step": step["step"], "target": step["target"], "call": map[string]any(call)})
		}
	}
	p.title("CALLS")
	p.table(calls, "There are none.",
		column{"STEP", "step", nil}, column{"TARGET", "target", nil}, column{"SERVICE", "call.service", nil}, column{"METHOD", "call.method", nil}, column{"PATH", "call.path", nil})
	p.title("KEPT")
	p.table(plan.list("kept"), "Nothing.",
		column{"KEY ID", "keyId", nil}, column{"NAME", "name", nil}, column{"ENDS", "endsAt", when}, column{"BECAUSE", "why", nil})
}
