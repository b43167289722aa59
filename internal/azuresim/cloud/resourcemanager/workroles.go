package resourcemanager

import "slices"

// Identifiers of the built-in roles of who runs scripts and jobs.
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
const (
	VirtualMachineContributor = "9980e02c-c2be-4d73-94e8-173b1dc7cf3c"
	AutomationOperator        = "d3881f73-407a-4167-8283-e981cbba0404"
	AutomationJobOperator     = "4fe576fe-1146-4730-92eb-48519fa6bf9f"
)

// workRoles are those of who runs scripts on machines and jobs of Automation. Of
// the actions of other providers only those are listed that something here asks for.
func workRoles() []role {
	jobs := []string{
		"Microsoft.Authorization/*/read", "Microsoft.Resources/deployments/*",
		"Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",
		"Microsoft.Automation/automationAccounts/jobs/read", "Microsoft.Automation/automationAccounts/jobs/resume/action",
		"Microsoft.Automation/automationAccounts/jobs/stop/action", "Microsoft.Automation/automationAccounts/jobs/streams/read",
		"Microsoft.Automation/automationAccounts/jobs/suspend/action", "Microsoft.Automation/automationAccounts/jobs/write",
		"Microsoft.Automation/automationAccounts/jobs/output/read",
		"Microsoft.Automation/automationAccounts/hybridRunbookWorkerGroups/read",
	}
	operator := append(slices.Clone(jobs),
		"Microsoft.Automation/automationAccounts/jobSchedules/read", "Microsoft.Automation/automationAccounts/jobSchedules/write",
		"Microsoft.Automation/automationAccounts/linkedWorkspace/read", "Microsoft.Automation/automationAccounts/read",
		"Microsoft.Automation/automationAccounts/runbooks/read", "Microsoft.Automation/automationAccounts/schedules/read",
		"Microsoft.Automation/automationAccounts/schedules/write", "Microsoft.ResourceHealth/availabilityStatuses/read")
	return []role{
		{id: AutomationJobOperator, name: "Automation Job Operator", permission: permission{Actions: jobs}},
		{id: AutomationOperator, name: "Automation Operator", permission: permission{Actions: operator}},
		{id: VirtualMachineContributor, name: "Virtual Machine Contributor", permission: permission{Actions: []string{
			"Microsoft.Authorization/*/read", "Microsoft.Compute/availabilitySets/*", "Microsoft.Compute/locations/*",
			"Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachineScaleSets/*", "Microsoft.Compute/disks/write",
			"Microsoft.Compute/disks/read", "Microsoft.Compute/disks/delete", "Microsoft.ResourceHealth/availabilityStatuses/read",
			"Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read",
			"Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/read", "Microsoft.Support/*"}}},
	}
}
