/** What a sign-in link leads to. Whoever is signed in stays so until the link has been verified, and they agree. */
import type { Account, Session } from "../account/me";
import { isTokenRefused } from "../account/refusal";
import { asFailure } from "../graphql/failure";

export interface SignInApi {
  signIn(linkToken: string): Promise<Session>;
  fetchAccount(token: string): Promise<Account>;
}

export type Outcome =
  | { readonly kind: "in"; readonly offered: Session }
  | { readonly kind: "asks"; readonly offered: Session; readonly present: Account }
  | { readonly kind: "expired" }
  | { readonly kind: "refused" }
  | { readonly kind: "failed"; readonly problem: string };

export async function followLink(api: SignInApi, linkToken: string, presentToken: string | null): Promise<Outcome> {
  try {
    const offered = await api.signIn(linkToken);
    const present = presentToken === null ? null : await ownerOf(api, presentToken);
    if (present && present.id !== offered.account.id) return { kind: "asks", offered, present };
    return { kind: "in", offered };
  } catch (reason) {
    const failure = asFailure(reason);
    if (failure.code === "TOKEN_EXPIRED") return { kind: "expired" };
    return isTokenRefused(failure) ? { kind: "refused" } : { kind: "failed", problem: failure.message };
  }
}

/** Nobody, if the kept token is no longer good. */
async function ownerOf(api: SignInApi, token: string): Promise<Account | null> {
  try {
    return await api.fetchAccount(token);
  } catch (reason) {
    if (isTokenRefused(asFailure(reason))) return null;
    throw reason;
  }
}
