import type { Reply } from "./reply/reply";
import { Sources } from "./reply/Sources";
import { ReplyText } from "./reply/ReplyText";
import { canContinue, canRetry, replyOf, wasInterrupted, wasStopped, type Turn } from "./conversation/turns";

interface TurnViewProps {
  turn: Turn;
  isLast: boolean;
  /** Null while another reply is under way. */
  retry: (() => void) | null;
  goOn: () => void;
}

export function TurnView(props: TurnViewProps) {
  const { turn } = props;
  const reply = replyOf(turn);
  return (
    <>
      <p class={turn.delivery.kind === "unsent" ? "words words-unsent" : "words"}>
        <span class="visually-hidden">You said: </span>
        {turn.words}
      </p>
      {turn.delivery.kind === "sending" && <Thinking />}
      {reply && <ReplyView reply={reply} />}
      {wasStopped(turn) && <p class="aside">Stopped.</p>}
      {wasInterrupted(turn) ? <Interruption {...props} /> : <Trouble {...props} />}
    </>
  );
}

function ReplyView({ reply }: { reply: Reply }) {
  if (!reply.text) return reply.ending ? null : <Thinking />;
  return (
    <div class="reply">
      <ReplyText reply={reply} />
      {reply.sources.length > 0 && <Sources replyId={reply.id} sources={reply.sources} />}
    </div>
  );
}

/** Only the last words can be gone on from. */
function Interruption({ turn, isLast, retry, goOn }: TurnViewProps) {
  return (
    <p class="aside">
      This reply was interrupted.
      {isLast && canContinue(turn) && (
        <button class="button button-small" onClick={goOn}>
          Continue
        </button>
      )}
      {isLast && retry && (
        <button class="button button-small" onClick={retry}>
          Retry
        </button>
      )}
    </p>
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
