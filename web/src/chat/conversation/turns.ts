/** A turn: what the visitor said, how far it got, and what the avatar answered. */
import { awaitedReply, type Reply } from "../reply/reply";

export type Delivery =
  | { readonly kind: "sending" }
  | { readonly kind: "unsent"; readonly problem: string }
  | { readonly kind: "accepted"; readonly reply: Reply };

export interface Turn {
  /** The server answers each id once, so sending it twice is safe. */
  readonly clientMessageId: string;
  readonly words: string;
  readonly delivery: Delivery;
  readonly stopRequested: boolean;
}

export function newTurn(clientMessageId: string, words: string): Turn {
  return { clientMessageId, words, delivery: { kind: "sending" }, stopRequested: false };
}

export function accepted(turn: Turn, replyId: string): Turn {
  return withReply(turn, awaitedReply(replyId));
}

export function withReply(turn: Turn, reply: Reply): Turn {
  return { ...turn, delivery: { kind: "accepted", reply } };
}

export function unsent(turn: Turn, problem: string): Turn {
  return { ...turn, delivery: { kind: "unsent", problem }, stopRequested: false };
}

export function withStopRequest(turn: Turn, stopRequested: boolean): Turn {
  return { ...turn, stopRequested };
}

/** The server may have taken an unsent message without our hearing of it: only that one keeps its id. */
export function retried(turn: Turn, freshId: string): Turn {
  return newTurn(turn.delivery.kind === "unsent" ? turn.clientMessageId : freshId, turn.words);
}

export function replyOf(turn: Turn): Reply | null {
  return turn.delivery.kind === "accepted" ? turn.delivery.reply : null;
}

export function isBusy(turn: Turn): boolean {
  return turn.delivery.kind === "sending" || replyOf(turn)?.ending === null;
}

export function wasStopped(turn: Turn): boolean {
  return isCutShort(turn) && turn.stopRequested;
}

/** It was cut short though nobody pressed Stop here: by a restart, a crash, or because nobody listened for long. */
export function wasInterrupted(turn: Turn): boolean {
  return isCutShort(turn) && !turn.stopRequested;
}

function isCutShort(turn: Turn): boolean {
  const ending = replyOf(turn)?.ending;
  return ending?.kind === "done" && ending.interrupted;
}

export function canRetry(turn: Turn): boolean {
  const ending = replyOf(turn)?.ending;
  const isUnsent = turn.delivery.kind === "unsent";
  return isUnsent || wasInterrupted(turn) || (ending?.kind === "failed" && ending.retryable);
}

/** An avatar can go on only from words that were said. */
export function canContinue(turn: Turn): boolean {
  return wasInterrupted(turn) && replyOf(turn)?.text !== "";
}
