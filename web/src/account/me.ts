/** Who a token belongs to. */
import ME from "../../operations/Me.graphql";
import SIGN_IN from "../../operations/SignIn.graphql";
import { RequestFailed } from "../graphql/failure";
import { request } from "../graphql/request";

export interface Account {
  readonly id: string;
  readonly email: string;
}

export interface Session {
  readonly token: string;
  readonly account: Account;
}

/** What a sign-in link's token is exchanged for. */
export async function signIn(linkToken: string): Promise<Session> {
  const data = await request<{ signIn: Session }>(SIGN_IN, {}, linkToken);
  return data.signIn;
}

/** Throws when the server cannot be asked, or does not accept the token. */
export async function fetchAccount(token: string): Promise<Account> {
  const { me } = await request<{ me: Account | null }>(ME, {}, token);
  if (!me) throw new RequestFailed("The server does not know this token.", "UNAUTHORIZED");
  return me;
}
