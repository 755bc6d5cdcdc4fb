import { useCallback, useEffect, useState } from "preact/hooks";

import { asFailure } from "../graphql/failure";
import { fetchAvatar, type PublicAvatar } from "./conversation/api";

export type AvatarLoad =
  | { readonly kind: "loading" }
  | { readonly kind: "unknown" }
  | { readonly kind: "failed"; readonly problem: string }
  | { readonly kind: "loaded"; readonly avatar: PublicAvatar };

export function useAvatar(shortId: string): { load: AvatarLoad; tryAgain: () => void } {
  const [load, setLoad] = useState<AvatarLoad>({ kind: "loading" });
  const tryAgain = useCallback(() => {
    setLoad({ kind: "loading" });
    void loadAvatar(shortId).then(setLoad);
  }, [shortId]);
  useEffect(tryAgain, [tryAgain]);
  return { load, tryAgain };
}

async function loadAvatar(shortId: string): Promise<AvatarLoad> {
  try {
    const avatar = await fetchAvatar(shortId);
    return avatar ? { kind: "loaded", avatar } : { kind: "unknown" };
  } catch (reason) {
    const failure = asFailure(reason);
    return failure.code === "NOT_FOUND" ? { kind: "unknown" } : { kind: "failed", problem: failure.message };
  }
}
