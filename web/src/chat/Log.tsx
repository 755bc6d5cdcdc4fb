import { TurnView } from "./TurnView";
import type { Turn } from "./conversation/turns";
import { useStickToEnd } from "./use-stick-to-end";

interface LogProps {
  avatarName: string;
  greeting: string | null;
  turns: readonly Turn[];
  /** While a reply grows, screen readers wait and then read it whole. */
  busy: boolean;
  retry: (clientMessageId: string) => void;
  goOn: () => void;
}

export function Log({ avatarName, greeting, turns, busy, retry, goOn }: LogProps) {
  const { box, onScroll } = useStickToEnd<HTMLDivElement>(turns, turns.at(-1)?.clientMessageId);
  return (
    <div
      class="log"
      role="log"
      aria-live="polite"
      aria-busy={busy}
      aria-label={`Conversation with ${avatarName}`}
      tabIndex={0}
      ref={box}
      onScroll={onScroll}
    >
      {greeting && <p class="reply-text">{greeting}</p>}
      {turns.map((turn) => (
        <TurnView
          key={turn.clientMessageId}
          turn={turn}
          isLast={turn === turns.at(-1)}
          retry={busy ? null : () => retry(turn.clientMessageId)}
          goOn={goOn}
        />
      ))}
    </div>
  );
}
