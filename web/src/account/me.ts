/** Who the kept token belongs to. */
import ME from "../../operations/Me.graphql";
import { RequestFailed } from "../graphql/failure";
import { request } from "../graphql/request";

export interface Account {
  readonly email: string;
}

/** Throws when the server cannot be asked, or does not accept the token. */
export async function fetchAccount(token: string): Promise<Account> {
  const { me } = await request<{ me: Account | null }>(ME, {}, token);
  if (!me) throw new RequestFailed("The server does not know this token.", "UNAUTHORIZED");
  return me;
}
