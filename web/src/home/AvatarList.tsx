import { useCallback, useEffect, useState } from "preact/hooks";

import { asFailure } from "../graphql/failure";
import { fetchAvatars, type OwnAvatar } from "./avatars";

type Load =
  | { readonly kind: "loading" }
  | { readonly kind: "failed"; readonly problem: string }
  | { readonly kind: "loaded"; readonly avatars: readonly OwnAvatar[] };

export function AvatarList({ token }: { token: string }) {
  const [load, setLoad] = useState<Load>({ kind: "loading" });
  const tryAgain = useCallback(() => {
    setLoad({ kind: "loading" });
    void loadAvatars(token).then(setLoad);
  }, [token]);
  useEffect(tryAgain, [tryAgain]);
  return (
    <section class="own" aria-busy={load.kind === "loading"}>
      <h2>Your avatars</h2>
      <Content load={load} tryAgain={tryAgain} />
    </section>
  );
}

async function loadAvatars(token: string): Promise<Load> {
  try {
    return { kind: "loaded", avatars: await fetchAvatars(token) };
  } catch (reason) {
    return { kind: "failed", problem: asFailure(reason).message };
  }
}

function Content({ load, tryAgain }: { load: Load; tryAgain: () => void }) {
  if (load.kind === "loading") return <p class="quiet">Loading…</p>;
  if (load.kind === "failed") {
    return (
      <p class="quiet" role="alert">
        {load.problem}{" "}
        <button class="button button-small" onClick={tryAgain}>
          Try again
        </button>
      </p>
    );
  }
  if (load.avatars.length === 0) {
    return (
      <p class="quiet">
        None yet. The mutation <code>createAvatar</code> makes the first one.
      </p>
    );
  }
  return (
    <ul class="avatars">
      {load.avatars.map((avatar) => (
        <AvatarRow key={avatar.id} avatar={avatar} />
      ))}
    </ul>
  );
}

function AvatarRow({ avatar }: { avatar: OwnAvatar }) {
  return (
    <li>
      <a href={avatar.url}>
        <span>
          <strong>{avatar.name}</strong>
          {avatar.tagline && <small>{avatar.tagline}</small>}
        </span>
        <span class="status">{avatar.status}</span>
      </a>
    </li>
  );
}
