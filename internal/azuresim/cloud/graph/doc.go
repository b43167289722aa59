// Package graph is Microsoft Graph v1.0 of the simulated cloud, as far as it
// concerns applications, their credentials, service principals and the
// organization. Everything it shows and changes is in an entra.Directory.
//
// It promises that
//   - reads come from replicas that lag, each by its own amount, and take turns
//     (Options.ReadLag); writes happen at once and the token service follows;
//   - writes to one application that overlap are lost or refused, in turn, and
//     writes that follow one another too quickly are refused (Options.WriteLatency,
//     Options.WriteWindow);
//   - PATCH replaces keyCredentials, secrets are shown once, keys only to a GET of
//     one application that selects keyCredentials;
//   - every call is checked against the app roles in its token, and with
//     Application.ReadWrite.OwnedBy against ownership too;
//   - a delta query tells of what exists as a whole and of what changed the changed
//     properties alone, may repeat itself, and says nothing of owners;
//   - mail is sent by whoever has Mail.Send, as a mailbox that exists, in JSON or in
//     MIME, and kept;
//   - bodies, filters and options are read strictly: what is not simulated is
//     refused and not ignored.
//
// Facts: the API reference (https://learn.microsoft.com/graph/api/resources/application),
// the service's throttling limits
// (https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits)
// and public issues for error bodies, named where they are used. Where these are
// silent: removePassword for an unknown keyId is a 400; an application may hold 600
// credentials; the policies of an application can be read by whoever may read both
// policies and applications, and none of their query options is simulated; a delta
// token lasts seven days; the texts for malformed credentials.
package graph
