import type { Reply } from "./reply/reply";
import { Sources } from "./reply/Sources";
import { ReplyText } from "./reply/ReplyText";
import { canRetry, replyOf, type Turn } from "./conversation/turns";

interface TurnViewProps {
  turn: Turn;
  /** Null while another reply is under way. */
  retry: (() => void) | null;
}

export function TurnView({ turn, retry }: TurnViewProps) {
  const reply = replyOf(turn);
  return (
    <>
      <p class={turn.delivery.kind === "unsent" ? "words words-unsent" : "words"}>
        <span class="visually-hidden">You said: </span>
        {turn.words}
      </p>
      {turn.delivery.kind === "sending" && <Thinking />}
      {reply && <ReplyView reply={reply} />}
      <Trouble turn={turn} retry={retry} />
    </>
  );
}

function ReplyView({ reply }: { reply: Reply }) {
  if (!reply.text && !reply.ending) return <Thinking />;
  return (
    <div class="reply">
      {reply.text && <ReplyText reply={reply} />}
      {reply.ending?.kind === "done" && reply.ending.interrupted && <p class="aside">Stopped.</p>}
      {reply.sources.length > 0 && <Sources replyId={reply.id} sources={reply.sources} />}
    </div>
  );
}

function Trouble({ turn, retry }: TurnViewProps) {
  const problem = problemOf(turn);
  if (!problem) return null;
  const isUnsent = turn.delivery.kind === "unsent";
  return (
    <p class={isUnsent ? "trouble trouble-unsent" : "trouble"}>
      {isUnsent && <strong>Not sent. </strong>}
      {problem}
      {retry && canRetry(turn) && (
        <button class="button button-small" onClick={retry}>
          Retry
        </button>
      )}
    </p>
  );
}

function problemOf(turn: Turn): string | null {
  if (turn.delivery.kind === "unsent") return turn.delivery.problem;
  const ending = replyOf(turn)?.ending;
  return ending?.kind === "failed" ? ending.reason : null;
}

function Thinking() {
  return (
    <p class="thinking">
      <span class="visually-hidden">Thinking…</span>
      <i />
      <i />
      <i />
    </p>
  );
}
