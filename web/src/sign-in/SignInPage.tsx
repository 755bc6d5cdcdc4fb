import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";

import { fetchAccount, signIn } from "../account/me";
import { keepToken, readToken } from "../account/token";
import { followLink, type Outcome } from "./follow-link";

export function SignInPage({ token }: { token: string | null }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const follow = useCallback(() => {
    if (!token) return;
    setOutcome(null);
    void followLink({ signIn, fetchAccount }, token, readToken()).then(setOutcome);
  }, [token]);
  useEffect(follow, [follow]);
  useEffect(() => {
    if (outcome?.kind === "in") enter(outcome.offered.token);
  }, [outcome]);
  if (!token) return <NoToken />;
  return outcome ? <Result outcome={outcome} tryAgain={follow} /> : <Notice title="Signing in…" busy />;
}

function enter(token: string): void {
  keepToken(token);
  location.replace("/");
}

function Result({ outcome, tryAgain }: { outcome: Outcome; tryAgain: () => void }) {
  switch (outcome.kind) {
    case "in":
      return <Notice title="Signing in…" busy />;
    case "asks":
      return <Question outcome={outcome} />;
    case "expired":
      return (
        <Notice title="This link has expired">
          <AnotherLink />
          <Home />
        </Notice>
      );
    case "refused":
      return (
        <Notice title="The server refused this link">
          <p>It may have been cut short, or the server’s secret has changed since.</p>
          <AnotherLink />
          <Home />
        </Notice>
      );
    case "failed":
      return (
        <Notice title="Signing in did not work">
          <p>{outcome.problem}</p>
          <button class="button" onClick={tryAgain}>
            Try again
          </button>
          <Home />
        </Notice>
      );
  }
}

function Question({ outcome: { offered, present } }: { outcome: Extract<Outcome, { kind: "asks" }> }) {
  return (
    <Notice title="Sign in as somebody else?">
      <p>
        You are signed in as <strong>{present.email}</strong>. This link signs you in as{" "}
        <strong>{offered.account.email}</strong>. If you did not ask for it, stay as you are.
      </p>
      <button class="button button-strong" onClick={() => location.replace("/")}>
        Stay signed in as {present.email}
      </button>
      <button class="button" onClick={() => enter(offered.token)}>
        Sign in as {offered.account.email}
      </button>
    </Notice>
  );
}

function NoToken() {
  return (
    <Notice title="This link has no token">
      <p>A sign-in link ends with #token=… and may have been cut short.</p>
      <AnotherLink />
      <Home />
    </Notice>
  );
}

function AnotherLink() {
  return (
    <p>
      This command prints another, on the server, in Avatarium’s folder:
      <code class="command">make link EMAIL=you@example.com</code>
    </p>
  );
}

function Home() {
  return <a href="/">Go to the start page</a>;
}

interface NoticeProps {
  title: string;
  busy?: boolean;
  children?: ComponentChildren;
}

function Notice({ title, busy = false, children }: NoticeProps) {
  return (
    <main class="notice" aria-live="polite" aria-busy={busy}>
      <h1>{title}</h1>
      {children}
    </main>
  );
}
