// Package compute is the part of Microsoft.Compute that runs scripts on virtual
// machines: machines with their power state, and managed Run Commands. It is
// mounted into package resourcemanager.
//
// What a script does is decided by the machine's seed, a function of the
// parameters that arrived; the script's text is kept and shown in State.
//
// It promises that
//
//   - a protected parameter can be read nowhere, State included, which has its
//     SHA-256;
//   - whether a script failed stands in the instance view alone:
//     provisioningState is Succeeded all the same, and the instance view comes
//     only where $expand asks for it;
//   - output and error are cut to their last 4096 bytes;
//   - a machine that does not run takes no command;
//   - what takes time takes it on the simulated clock.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands
//   - https://learn.microsoft.com/rest/api/compute/virtual-machines
//   - https://learn.microsoft.com/azure/virtual-machines/windows/run-command-managed
//   - https://learn.microsoft.com/azure/virtual-machines/linux/run-command-managed
//   - https://github.com/Azure/run-command-handler-linux/blob/main/internal/exec/exec.go
//     (named parameters are a script's environment on Linux)
//   - https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_functions_advanced_parameters
//
// Where they are silent, these choices were made:
//
//   - Every PUT runs the script again, also one that changes nothing: a caller that
//     wants it to run once has to look first.
//   - On Windows parameters are bound as PowerShell binds named ones: a script whose
//     param() block has attributes refuses names that the block does not declare,
//     and a mandatory one that is missing; both before its first line. On Linux
//     nothing is refused.
//   - A script's effect takes place when it starts. One that takes longer than its
//     timeout has had its effect, and is TimedOut.
//   - Deleting a command that waits keeps it from starting.
//   - Members of a body that nobody knows are refused, as this provider does.
package compute
