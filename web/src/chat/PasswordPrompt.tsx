import { useEffect, useState } from "preact/hooks";

import type { PasswordGate } from "./conversation/password-gate";

interface PasswordPromptProps {
  gate: PasswordGate;
  unlock: (password: string) => Promise<void>;
}

export function PasswordPrompt({ gate, unlock }: PasswordPromptProps) {
  const [password, setPassword] = useState("");
  const [checking, setChecking] = useState(false);
  const secondsLeft = useCountdown(gate);

  const submit = async (event: Event) => {
    event.preventDefault();
    setChecking(true);
    await unlock(password);
    setChecking(false);
  };

  return (
    <form class="password" onSubmit={(event) => void submit(event)}>
      <label for="password">This avatar is protected by a password.</label>
      <div class="password-row">
        <input
          id="password"
          type="password"
          autocomplete="current-password"
          required
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
          aria-describedby="password-problem"
        />
        <button class="button button-strong" disabled={checking || secondsLeft > 0}>
          {checking ? "Checking…" : "Continue"}
        </button>
      </div>
      <p class="problem">
        <span id="password-problem" role="alert">
          {gate.problem}
        </span>
        {secondsLeft > 0 && ` Try again in ${secondsLeft} s.`}
      </p>
    </form>
  );
}

function useCountdown(gate: PasswordGate): number {
  const [secondsLeft, setSecondsLeft] = useState(0);
  useEffect(() => {
    setSecondsLeft(gate.retryAfter ?? 0);
    const ticking = setInterval(() => setSecondsLeft((seconds) => Math.max(0, seconds - 1)), 1000);
    return () => clearInterval(ticking);
  }, [gate]);
  return secondsLeft;
}
