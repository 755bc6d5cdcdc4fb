/** A server for tests: it answers each client message id once, and fails when it is told to. */
import { RequestFailed } from "../../graphql/failure";
import type { StreamListener } from "../../graphql/subscription";
import type { ChatApi } from "./conversation";
import type { ReplyEvent } from "../reply/reply";

export class FakeChatApi implements ChatApi {
  /** Failures to come, in order, for each operation. Null lets one call pass. */
  readonly sessionFailures: (RequestFailed | null)[] = [];
  readonly sendFailures: (RequestFailed | null)[] = [];
  readonly stopFailures: (RequestFailed | null)[] = [];
  /** The server takes the message, but its answer is lost on the way. */
  losesAcknowledgement = false;

  readonly sessions: { password: string | null }[] = [];
  readonly received: { sessionId: string; content: string; clientMessageId: string }[] = [];
  readonly stopped: string[] = [];
  readonly ended: string[] = [];
  listener: StreamListener<ReplyEvent> | null = null;
  openedAfter: number[] = [];

  async startSession(password: string | null) {
    failIfTold(this.sessionFailures);
    const count = this.sessions.push({ password });
    return { id: `session-${count}`, greeting: null };
  }

  async sendMessage(sessionId: string, content: string, clientMessageId: string) {
    failIfTold(this.sendFailures);
    const isKnown = this.received.some((message) => message.clientMessageId === clientMessageId);
    if (!isKnown) this.received.push({ sessionId, content, clientMessageId });
    if (this.losesAcknowledgement) throw RequestFailed.unreachable();
    return `reply-to-${clientMessageId}`;
  }

  async stopReply(replyId: string) {
    failIfTold(this.stopFailures);
    this.stopped.push(replyId);
  }

  async endSession(sessionId: string) {
    this.ended.push(sessionId);
  }

  openReply = (_replyId: string, afterSeq: number, listener: StreamListener<ReplyEvent>) => {
    this.openedAfter.push(afterSeq);
    this.listener = listener;
    return () => (this.listener = null);
  };

  speak(...events: ReplyEvent[]): void {
    for (const event of events) this.listener?.next(event);
  }
}

function failIfTold(failures: (RequestFailed | null)[]): void {
  const failure = failures.shift();
  if (failure) throw failure;
}
