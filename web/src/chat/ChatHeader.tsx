import type { PublicAvatar } from "./conversation/api";
import { isBusy, replyOf, type Turn } from "./conversation/turns";

interface ChatHeaderProps {
  avatar: PublicAvatar;
  lastTurn: Turn | undefined;
  /** Null while there is nothing to start over from. */
  startOver: (() => void) | null;
}

export function ChatHeader({ avatar, lastTurn, startOver }: ChatHeaderProps) {
  const reply = lastTurn && replyOf(lastTurn);
  const speaking = lastTurn !== undefined && isBusy(lastTurn);
  return (
    <header class="chat-header">
      <span
        class={speaking ? "portrait portrait-speaking" : "portrait"}
        data-emotion={reply?.emotion ?? "neutral"}
        aria-hidden="true"
      >
        {avatar.name.slice(0, 1)}
      </span>
      <div class="chat-title">
        <h1>{avatar.name}</h1>
        {avatar.tagline && <p>{avatar.tagline}</p>}
      </div>
      {startOver && (
        <button class="button button-quiet" onClick={startOver}>
          Start over
        </button>
      )}
    </header>
  );
}
