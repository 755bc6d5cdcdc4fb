import type { ComponentChildren } from "preact";
import { useLayoutEffect } from "preact/hooks";

import type { PublicAvatar } from "./conversation/api";
import { Chat } from "./Chat";
import { themeFor } from "./theme";
import { useAvatar, type AvatarLoad } from "./use-avatar";
import type { Visit } from "./visit";

export function ChatPage({ visit }: { visit: Visit }) {
  const { load, tryAgain } = useAvatar(visit.shortId);
  const avatar = load.kind === "loaded" ? load.avatar : null;
  useTheme(avatar);
  return (
    <div class="chat-page">
      {avatar ? <Chat avatar={avatar} visit={visit} /> : <NoAvatarYet load={load} tryAgain={tryAgain} />}
      <p class="disclosure">You are talking to an AI.</p>
    </div>
  );
}

function useTheme(avatar: PublicAvatar | null): void {
  useLayoutEffect(() => {
    if (!avatar) return;
    const { background, tone, contrast } = themeFor(avatar.backgroundColor);
    const root = document.documentElement;
    root.style.setProperty("--page", background);
    Object.assign(root.dataset, { tone, contrast });
    document.title = avatar.name;
  }, [avatar]);
}

function NoAvatarYet({ load, tryAgain }: { load: AvatarLoad; tryAgain: () => void }) {
  if (load.kind === "unknown") {
    return (
      <Notice title="There is no avatar here">
        <p>The link may be mistyped, or the avatar is no longer public.</p>
      </Notice>
    );
  }
  if (load.kind === "failed") {
    return (
      <Notice title="The avatar could not be loaded">
        <p>{load.problem}</p>
        <button class="button" onClick={tryAgain}>
          Try again
        </button>
      </Notice>
    );
  }
  return <Skeleton />;
}

function Notice({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="notice">
      <h1>{title}</h1>
      {children}
    </main>
  );
}

function Skeleton() {
  return (
    <main class="skeleton" aria-busy="true" aria-label="Loading">
      <div class="skeleton-header">
        <span class="bone bone-portrait" />
        <span class="bone bone-name" />
      </div>
      <span class="bone bone-line" />
      <span class="bone bone-line bone-line-short" />
    </main>
  );
}
