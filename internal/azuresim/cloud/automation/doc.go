// Package automation is Microsoft.Automation as far as jobs need it: accounts,
// runbooks and jobs. It is mounted into package resourcemanager.
//
// What a runbook does is decided by its seed, a function of the parameters that
// arrived.
//
// It promises that
//
//   - a job's parameters are shown to everyone who may read the job, and in State,
//     for that is what the service does: a secret must never be one;
//   - a job's name is its identity: a second PUT of the same name is a Conflict and
//     starts nothing;
//   - a job goes through its states on the simulated clock, and its output is plain
//     text that is complete once it ended;
//   - the provider's own refusals are {"code","message"} without the envelope that
//     Resource Manager's have.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/automation/job
//   - https://learn.microsoft.com/rest/api/automation/runbook
//   - https://learn.microsoft.com/azure/automation/automation-runbook-execution#job-statuses
//   - https://learn.microsoft.com/azure/automation/runbook-input-parameters
//   - https://github.com/Azure/azure-powershell/issues/8921 (a job's name that is taken)
//
// Where they are silent, these choices were made:
//
//   - A parameter that is JSON is decoded before the runbook sees it, any other text
//     arrives as it is. Names know no case.
//   - A runbook that declares parameters refuses a job without a mandatory one, and
//     ignores no name: one that it does not declare is refused too.
//   - A runbook's effect takes place when it starts to run; a job that is stopped
//     before has none.
//   - Stopping a job that has ended is a Conflict.
package automation
