// Package vercel is the Azure function "vercel": it delivers credentials to
// environment variables of projects at Vercel, and redeploys what runs with them.
//
// It promises that
//
//   - the variable has the credential in exactly the chosen environments. An entry
//     that covers others as well is narrowed to those, which keep its id and value,
//     and the chosen ones get an entry of their own: nobody needs to know the old
//     value for that, so it works for sensitive entries too;
//   - entries of a Git branch are left alone;
//   - a delivery is confirmed when every chosen environment runs with the credential:
//     its newest deployment is READY and younger than the edit. Where redeploying is
//     chosen, rekey begins that deployment, once for each delivery; where it is not,
//     people do, and the delivery waits as long as it takes. An environment without
//     any deployment has nothing to wait for, and development never has;
//   - what was being built when the variable was edited is waited for first, because
//     it would come into use afterwards with the old value, and because redeploying
//     something older would take it back;
//   - neither the credential nor the access token is in any error, also where Vercel
//     repeats it, and a redirect is not followed.
//
// Between narrowing an entry and making the new one, the chosen environments have
// no value for the length of one call. Where the new one is refused, the entry is
// put back as it was; where rekey is stopped in between, the next try makes it.
//
// Facts come from
//   - https://vercel.com/docs/rest-api
//   - https://vercel.com/docs/environment-variables
//   - https://vercel.com/docs/environment-variables/sensitive-environment-variables
//   - https://vercel.com/docs/deployments/managing-deployments
//
// Where they are silent, these choices were made:
//
//   - An edit keeps an entry's type, except that a plain one becomes encrypted and,
//     where that is chosen, any becomes sensitive; a sensitive one stays so.
//   - A redeployment is found again by the meta entry rekeyDelivery.
//   - In preview the newest deployment stands for all branches.
package vercel
