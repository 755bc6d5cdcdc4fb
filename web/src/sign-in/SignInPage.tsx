import { useCallback, useEffect, useState } from "preact/hooks";

import { fetchAccount } from "../account/me";
import { isTokenRefused } from "../account/refusal";
import { forgetToken } from "../account/token";
import { asFailure } from "../graphql/failure";

interface Obstacle {
  readonly title: string;
  readonly advice: string;
  readonly canTryAgain: boolean;
}

const MAKE_A_LINK = "Run “make link EMAIL=you@example.com” on the server for a new link.";

const NO_TOKEN: Obstacle = {
  title: "This link has no token",
  advice: `A sign-in link ends with #token=… and may have been cut short. ${MAKE_A_LINK}`,
  canTryAgain: false,
};

export function SignInPage({ token }: { token: string | null }) {
  const [obstacle, setObstacle] = useState<Obstacle | null>(token ? null : NO_TOKEN);
  const verify = useCallback(() => {
    if (!token) return;
    setObstacle(null);
    fetchAccount(token).then(
      () => location.replace("/"),
      (reason: unknown) => setObstacle(obstacleFrom(reason)),
    );
  }, [token]);
  useEffect(verify, [verify]);
  return (
    <main class="notice" aria-live="polite" aria-busy={!obstacle}>
      <h1>{obstacle?.title ?? "Signing in…"}</h1>
      {obstacle && <p>{obstacle.advice}</p>}
      {obstacle?.canTryAgain && (
        <button class="button" onClick={verify}>
          Try again
        </button>
      )}
      {obstacle && <a href="/">Go to the start page</a>}
    </main>
  );
}

function obstacleFrom(reason: unknown): Obstacle {
  const failure = asFailure(reason);
  if (!isTokenRefused(failure)) {
    return { title: "Signing in did not work", advice: failure.message, canTryAgain: true };
  }
  forgetToken();
  return failure.code === "TOKEN_EXPIRED"
    ? { title: "This link has expired", advice: MAKE_A_LINK, canTryAgain: false }
    : { title: "The server refused this link", advice: MAKE_A_LINK, canTryAgain: false };
}
