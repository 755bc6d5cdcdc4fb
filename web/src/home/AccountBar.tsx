import type { SignedIn } from "./use-signed-in";

export function AccountBar({ signedIn, signOut }: { signedIn: SignedIn; signOut: () => void }) {
  return (
    <div class="account" aria-live="polite">
      {describe(signedIn)}
      {signedIn.kind === "in" && (
        <button class="button button-quiet" onClick={signOut}>
          Sign out
        </button>
      )}
    </div>
  );
}

function describe(signedIn: SignedIn) {
  switch (signedIn.kind) {
    case "asking":
      return null;
    case "in":
      return <span class="email">{signedIn.email}</span>;
    case "unknown":
      return <span>{signedIn.problem}</span>;
    case "out":
      return <span>{signedIn.expired ? "Your sign-in has expired." : "Not signed in"}</span>;
  }
}
