import { useEffect, useState } from "preact/hooks";

import { fetchAccount } from "../account/me";
import { isTokenRefused } from "../account/refusal";
import { forgetToken, readToken } from "../account/token";
import { asFailure } from "../graphql/failure";

export type SignedIn =
  | { readonly kind: "asking" }
  | { readonly kind: "out"; readonly expired: boolean }
  | { readonly kind: "in"; readonly email: string; readonly token: string }
  | { readonly kind: "unknown"; readonly problem: string };

export function useSignedIn(): { signedIn: SignedIn; signOut: () => void } {
  const [signedIn, setSignedIn] = useState<SignedIn>({ kind: "asking" });
  useEffect(() => void askWhoIsSignedIn().then(setSignedIn), []);
  const signOut = () => {
    forgetToken();
    setSignedIn({ kind: "out", expired: false });
  };
  return { signedIn, signOut };
}

async function askWhoIsSignedIn(): Promise<SignedIn> {
  const token = readToken();
  if (!token) return { kind: "out", expired: false };
  try {
    const { email } = await fetchAccount(token);
    return { kind: "in", email, token };
  } catch (reason) {
    const failure = asFailure(reason);
    if (!isTokenRefused(failure)) return { kind: "unknown", problem: failure.message };
    forgetToken();
    return { kind: "out", expired: true };
  }
}
