package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

func (s *session) doctor() *cobra.Command {
	return &cobra.Command{
		Use: "doctor [APP]", Short: "Check the installation or an application, and say what is wrong and what to do", Args: cobra.MaximumNArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			query := url.Values{}
			if len(args) == 1 {
				id, err := s.app(c.Context(), args[0])
				if err != nil {
					return err
				}
				query.Set("app", id)
			}
			answer, err := s.get(c.Context(), client.Path("doctor"), query)
			if err != nil {
				return err
			}
			diagnosis, err := read(answer.Body)
			if err != nil {
				return err
			}
			if err := s.show(answer.Body, showDiagnosis); err != nil {
				return err
			}
			if ill(diagnosis) {
				return errors.New("something is wrong")
			}
			return nil
		},
	}
}

// ill reports whether anything is an error, of the installation or of an application.
func ill(diagnosis record) bool {
	isError := func(finding record) bool { return finding.text("severity") == "error" }
	return diagnosis.at("ok") == false || slices.ContainsFunc(diagnosis.list("applications.items"), isError)
}

func showDiagnosis(p *page, diagnosis record) {
	var checks, findings []record
	for _, check := range diagnosis.list("checks") {
		found := check.list("findings")
		result := "ok"
		if len(found) > 0 {
			result = fmt.Sprintf("%d found", len(found))
		}
		checks = append(checks, record{"check": check["check"], "result": result, "what": check["what"]})
		findings = append(findings, found...)
	}
	findings = append(findings, diagnosis.list("applications.items")...)
	p.table(checks, "Nothing was checked.", column{"CHECK", "check", nil}, column{"RESULT", "result", nil}, column{"WHAT WAS TESTED", "what", nil})
	if len(findings) > 0 {
		p.title("FINDINGS")
		p.table(findings, "",
			column{"SEVERITY", "severity", nil}, column{"CHECK", "check", nil}, column{"APPLICATION", "appId", nil}, column{"SUBJECT", "subject", nil},
			column{"SINCE", "since", when}, column{"FINDING", "finding", nil}, column{"REMEDY", "remedy", nil})
	}
}
