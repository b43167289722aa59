package rotation

import (
	"maps"
	"slices"
	"strings"
)

func (s TaskStep) check(c *checker) {
	c.matches(".name", s.Name, stepName, "1 to 60 letters, digits, blanks, dots, hyphens and underscores, with no blank at an end")
	if s.TimeoutMinutes < 0 || s.TimeoutMinutes > mostMinutes {
		c.wrong(".timeoutMinutes", "must be 1 to %d", mostMinutes)
	}
	kinds := 0
	if s.RunCommand != nil {
		kinds++
		s.RunCommand.check(c, ".runCommand")
	}
	if s.Runbook != nil {
		kinds++
		s.Runbook.check(c, ".runbook")
	}
	if s.PowerShell != nil {
		kinds++
		s.PowerShell.check(c, ".powershell")
	}
	if kinds != 1 {
		c.wrong("", "must have exactly one of runCommand, runbook and powershell")
	}
}

func (r RunCommandStep) check(outer *checker, field string) {
	c := outer.in(field)
	c.resource(".vm", r.VM, vmID, "Microsoft.Compute/virtualMachines")
	if r.Shell != "" && r.Shell != ShellPowerShell && r.Shell != ShellBash {
		c.wrong(".shell", "must be %q or %q", ShellPowerShell, ShellBash)
	}
	c.script(r.Script, r.Format)
	c.parameters(r.Parameters, ParameterCredential, ParameterAppID, ParameterTenantID, ParameterKeyID)
	outer.with(c)
}

func (r RunbookStep) check(outer *checker, field string) {
	c := outer.in(field)
	c.resource(".account", r.Account, accountID, "Microsoft.Automation/automationAccounts")
	c.matches(".runbook", r.Runbook, runbookName, "the name of a runbook")
	c.matches(".vault", r.Vault, vaultName, "the name of the Key Vault where the runbook finds the credential")
	c.matches(".secretName", r.SecretName, secretName, "the name of the secret, or the certificate, that a Key Vault target delivers to")
	if r.RunOn != "" {
		c.matches(".runOn", r.RunOn, workerGroup, "the name of a group of hybrid workers")
	}
	c.parameters(r.Parameters, ParameterCredential, ParameterSecretID)
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		if strings.Contains(r.Parameters[name], PlaceCredential) {
			c.wrong(".parameters."+name, "must not hold %s: everyone who can see the job can read it; the runbook gets the secret's id as %s", PlaceCredential, ParameterSecretID)
		}
	}
	outer.with(c)
}

func (p PowerShellStep) check(outer *checker, field string) {
	c := outer.in(field)
	c.script(p.Script, p.Format)
	c.parameters(p.Parameters, ParameterCredential, ParameterAppID, ParameterTenantID, ParameterKeyID)
	switch p.Where {
	case PlaceVM:
		c.resource(".vm", p.VM, vmID, "Microsoft.Compute/virtualMachines")
		if p.Container != nil {
			c.wrong(".container", "must be left out of a script that runs on a virtual machine")
		}
	case PlaceContainer:
		if p.VM != "" {
			c.wrong(".vm", "must be left out of a script that runs in a container")
		}
		if beginsFile.MatchString(p.Script) {
			c.wrong(".script", "must not have using or #Requires statements in a container, where it becomes a part of another script")
		}
		p.Container.check(c, ".container")
	default:
		c.wrong(".where", "must be %q or %q", PlaceVM, PlaceContainer)
	}
	outer.with(c)
}

func (p *Container) check(outer *checker, field string) {
	c := outer.in(field)
	if p == nil {
		outer.wrong(field, "must be there: where the script runs, and as whom")
		return
	}
	c.matches(".resourceGroup", p.ResourceGroup, groupID, "the resource id of one: /subscriptions/<id>/resourceGroups/<group>")
	c.matches(".location", p.Location, locationName, "the name of a region, westeurope for example")
	c.resource(".storageAccount", p.StorageAccount, storageID, "Microsoft.Storage/storageAccounts")
	c.resource(".identity", p.Identity, identityID, "Microsoft.ManagedIdentity/userAssignedIdentities")
	if p.AzPowerShellVersion != "" {
		c.matches(".azPowerShellVersion", p.AzPowerShellVersion, versionName, "a version of Azure PowerShell, 10.0 for example")
	}
	outer.with(c)
}

func (c *checker) script(script string, format CertificateFormat) {
	if strings.TrimSpace(script) == "" {
		c.wrong(".script", "must be there")
	}
	if format != "" && format != FormatPFX && format != FormatPEM {
		c.wrong(".format", "must be %q or %q", FormatPFX, FormatPEM)
	}
}

// CheckParameters returns everything that is wrong with parameters that a target
// adds to those of its task.
func CheckParameters(given map[string]string) []Problem {
	c := &checker{}
	c.parameters(given, ParameterCredential, ParameterAppID, ParameterTenantID, ParameterKeyID, ParameterSecretID)
	return c.problems
}

// parameters checks names and templates. Names know no case in PowerShell.
func (c *checker) parameters(given map[string]string, reserved ...string) {
	if len(given) > parameterMost {
		c.wrong(".parameters", "must be %d at most", parameterMost)
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field := ".parameters." + name
		switch {
		case !parameterName.MatchString(name):
			c.wrong(field, "must be named with letters, digits and underscores")
		case slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }):
			c.wrong(field, "is given by rekey itself")
		case seen[strings.ToLower(name)]:
			c.wrong(field, "is there twice but for the case")
		case given[name] == "":
			c.wrong(field, "must not be empty: Azure takes no empty parameter")
		}
		seen[strings.ToLower(name)] = true
		if err := CheckTemplate(given[name]); err != nil {
			c.wrong(field, "%s", err)
		}
	}
}
