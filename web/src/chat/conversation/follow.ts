/** Follows one reply to its end, however often the connection breaks on the way. */
import type { StreamListener } from "../../graphql/subscription";
import { failed, hear, type Reply, type ReplyEvent } from "../reply/reply";

/** Streams the events after `afterSeq` until the returned function is called. */
export type OpenReply = (
  replyId: string,
  afterSeq: number,
  listener: StreamListener<ReplyEvent>,
) => () => void;

export interface ReplyWatcher {
  heard(reply: Reply): void;
  reconnecting(isReconnecting: boolean): void;
}

const PAUSES_MS = [250, 500, 1000, 2000];
const LONGEST_PAUSE_MS = 3000;
const EMPTY_STREAMS_ACCEPTED = 5;
const REST_IS_LOST = "The connection broke, and the rest of this reply is lost.";

/** Returns a function that stops following; the reply itself goes on without us. */
export function follow(reply: Reply, open: OpenReply, watcher: ReplyWatcher): () => void {
  const follower = new Follower(reply, open, watcher);
  follower.listen();
  return () => follower.leave();
}

class Follower {
  private closeStream = () => {};
  private pause: ReturnType<typeof setTimeout> | undefined;
  private attemptsWithoutNews = 0;
  private emptyStreams = 0;

  constructor(
    private reply: Reply,
    private readonly open: OpenReply,
    private readonly watcher: ReplyWatcher,
  ) {}

  listen(): void {
    this.closeStream = this.open(this.reply.id, this.reply.lastSeq, {
      connected: () => this.watcher.reconnecting(false),
      next: (event) => this.take(event),
      ended: () => this.endedEarly(),
      dropped: () => this.tryAgain(),
      refused: () => this.giveUp(),
    });
  }

  leave(): void {
    clearTimeout(this.pause);
    this.closeStream();
  }

  private take(event: ReplyEvent): void {
    this.attemptsWithoutNews = this.emptyStreams = 0;
    this.update(hear(this.reply, event));
  }

  private update(reply: Reply): void {
    if (reply === this.reply) return;
    this.reply = reply;
    this.watcher.heard(reply);
    if (reply.ending) this.leave();
  }

  /** A stream may be cut by a restarting server; one that stays empty has nothing left to tell. */
  private endedEarly(): void {
    if (this.reply.ending) return;
    this.emptyStreams += 1;
    if (this.emptyStreams > EMPTY_STREAMS_ACCEPTED) this.giveUp();
    else this.tryAgain();
  }

  private tryAgain(): void {
    if (this.reply.ending) return;
    this.watcher.reconnecting(true);
    const pause = PAUSES_MS[this.attemptsWithoutNews] ?? LONGEST_PAUSE_MS;
    this.attemptsWithoutNews += 1;
    this.pause = setTimeout(() => this.listen(), pause);
  }

  private giveUp(): void {
    this.watcher.reconnecting(false);
    this.update(failed(this.reply, REST_IS_LOST, true));
  }
}
