// Package vercel answers for api.vercel.com: teams, projects, environment
// variables and deployments, as far as a program needs them that keeps a variable
// up to date and redeploys.
//
// It promises what the reference and the official clients say:
//
//   - every call needs a token, and every call for a team's project its teamId; a
//     token may be limited to teams, expired, revoked or read-only;
//   - a variable is named by key, environments and branch together: what overlaps
//     is ENV_CONFLICT, also for an upsert unless the environments are the same, and
//     several variables in one request are answered by 201 with created and failed;
//   - custom environments have ids of their own, beside the three that all have;
//   - a sensitive value is never read back and never on development; an encrypted
//     one is shown when decrypt is asked for;
//   - values reach the deployments made afterwards and no others;
//   - a redeployment without a target is a preview, and one without forceNew=1 is
//     the deployment that is there already;
//   - lists are newest first and end a page with the next to ask for.
//
// Facts come from
//   - https://vercel.com/docs/rest-api
//   - https://vercel.com/docs/rest-api/errors
//   - https://vercel.com/docs/environment-variables
//   - https://vercel.com/docs/environment-variables/sensitive-environment-variables
//
// Where they are silent, these choices were made:
//
//   - What a token may not see does not exist (404), but a team that it may not see
//     is refused (403), as the official client expects of scopes.
//   - PATCH takes targets without a value, so that an entry can be narrowed whose
//     value nobody can read; it makes an encrypted variable sensitive, and never a
//     sensitive one anything else.
//   - A custom environment's deployments are listed by its slug or its id as target.
//   - No two deployments are made in the same millisecond, so that pages lose none.
//   - Properties that the reference does not have are refused, in bodies alone.
package vercel
