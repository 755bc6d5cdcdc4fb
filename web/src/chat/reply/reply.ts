/** A reply as it is heard: a pure fold over the events of its log. */

export interface Source {
  /** The text cites it by this, as `[1]`. */
  readonly number: number;
  readonly title: string;
  readonly url: string | null;
  readonly page: number | null;
}

export type ReplyEvent =
  | { readonly __typename: "ReplyStarted"; readonly seq: number }
  | { readonly __typename: "ReplyChunk"; readonly seq: number; readonly text: string }
  | { readonly __typename: "EmotionChanged"; readonly seq: number; readonly emotion: string }
  | { readonly __typename: "ProviderSwitched"; readonly seq: number }
  | {
      readonly __typename: "ReplyDone";
      readonly seq: number;
      readonly text: string;
      readonly sources: readonly Source[];
      readonly interrupted: boolean;
    }
  | {
      readonly __typename: "ReplyFailed";
      readonly seq: number;
      readonly reason: string;
      readonly retryable: boolean;
    };

export type Ending =
  | { readonly kind: "done"; readonly interrupted: boolean }
  | { readonly kind: "failed"; readonly reason: string; readonly retryable: boolean };

export interface Reply {
  readonly id: string;
  /** Where to resume: `text` holds everything up to this event, and nothing after it. */
  readonly lastSeq: number;
  readonly text: string;
  readonly emotion: string;
  readonly sources: readonly Source[];
  readonly ending: Ending | null;
}

export function awaitedReply(id: string): Reply {
  return { id, lastSeq: 0, text: "", emotion: "neutral", sources: [], ending: null };
}

/** Events already heard are ignored, and so are kinds of events that this page does not ask for. */
export function hear(reply: Reply, event: ReplyEvent): Reply {
  const isNews = event.seq > reply.lastSeq && !reply.ending;
  return isNews ? { ...reply, lastSeq: event.seq, ...changes(reply, event) } : reply;
}

export function failed(reply: Reply, reason: string, retryable: boolean): Reply {
  return { ...reply, ending: { kind: "failed", reason, retryable } };
}

function changes(reply: Reply, event: ReplyEvent): Partial<Reply> {
  switch (event.__typename) {
    case "ReplyChunk":
      return { text: reply.text + event.text };
    case "EmotionChanged":
      return { emotion: event.emotion };
    case "ReplyDone":
      return {
        text: finalText(reply, event),
        sources: event.sources,
        ending: { kind: "done", interrupted: event.interrupted },
      };
    case "ReplyFailed":
      return { ending: { kind: "failed", reason: event.reason, retryable: event.retryable } };
    default:
      return {};
  }
}

/** A server that crashed stored up to a second less than it had said: what was heard stays. */
function finalText(reply: Reply, { text, interrupted }: { text: string; interrupted: boolean }): string {
  return interrupted && text.length < reply.text.length ? reply.text : text;
}
