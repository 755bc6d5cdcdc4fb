import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { RequestFailed } from "../../graphql/failure";
import type { StreamListener } from "../../graphql/subscription";
import { follow } from "./follow";
import { awaitedReply, hear, type Reply, type ReplyEvent } from "../reply/reply";

const LOG: readonly ReplyEvent[] = [
  { __typename: "ReplyStarted", seq: 1 },
  { __typename: "ReplyChunk", seq: 2, text: "One " },
  { __typename: "ReplyChunk", seq: 3, text: "two " },
  { __typename: "EmotionChanged", seq: 4, emotion: "happy" },
  { __typename: "ReplyChunk", seq: 5, text: "three." },
  { __typename: "ReplyDone", seq: 6, text: "One two three.", sources: [], interrupted: false },
];

const WHOLE = LOG.reduce(hear, awaitedReply("r1"));

/** A connection under the test's control: it remembers every stream that was opened. */
class FakeConnection {
  readonly openedAfter: number[] = [];
  readonly closed: number[] = [];
  listener!: StreamListener<ReplyEvent>;

  open = (_replyId: string, afterSeq: number, listener: StreamListener<ReplyEvent>) => {
    const stream = this.openedAfter.push(afterSeq);
    this.listener = listener;
    return () => void this.closed.push(stream);
  };

  play(events: readonly ReplyEvent[]): void {
    events.forEach((event) => this.listener.next(event));
  }
}

function startFollowing(reply: Reply = awaitedReply("r1")) {
  const connection = new FakeConnection();
  const heard: Reply[] = [];
  const reconnecting: boolean[] = [];
  const leave = follow(reply, connection.open, {
    heard: (news) => heard.push(news),
    reconnecting: (is) => reconnecting.push(is),
  });
  return { connection, heard, reconnecting, leave };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("following a reply", () => {
  it.each(LOG.slice(0, -1).map((event) => event.seq))("resumes identically when dropped after event %i", (seq) => {
    const { connection, heard } = startFollowing();
    connection.play(LOG.slice(0, seq));
    connection.listener.dropped();
    vi.runAllTimers();
    expect(connection.openedAfter).toEqual([0, seq]);
    connection.play(LOG.slice(seq));
    expect(heard.at(-1)).toEqual(WHOLE);
  });

  it("resumes identically when dropped after every event", () => {
    const { connection, heard } = startFollowing();
    for (const event of LOG) {
      connection.play([event]);
      connection.listener.dropped();
      vi.runAllTimers();
    }
    expect(connection.openedAfter).toEqual([0, 1, 2, 3, 4, 5]);
    expect(heard.at(-1)).toEqual(WHOLE);
  });

  it("survives a server that replays from the beginning", () => {
    const { connection, heard } = startFollowing();
    connection.play(LOG.slice(0, 3));
    connection.listener.dropped();
    vi.runAllTimers();
    connection.play(LOG);
    expect(heard.at(-1)).toEqual(WHOLE);
  });

  it("takes up a reply that a reload interrupted", () => {
    const { connection, heard } = startFollowing(LOG.slice(0, 3).reduce(hear, awaitedReply("r1")));
    expect(connection.openedAfter).toEqual([3]);
    connection.play(LOG.slice(3));
    expect(heard.at(-1)).toEqual(WHOLE);
  });

  it("tells when it reconnects and when it is back", () => {
    const { connection, reconnecting } = startFollowing();
    connection.listener.dropped();
    expect(reconnecting).toEqual([true]);
    vi.runAllTimers();
    connection.listener.connected();
    expect(reconnecting).toEqual([true, false]);
  });

  it("keeps trying for as long as the network is down", () => {
    const { connection } = startFollowing();
    for (let attempt = 0; attempt < 50; attempt++) {
      connection.listener.dropped();
      vi.runAllTimers();
    }
    expect(connection.openedAfter).toHaveLength(51);
  });

  it("closes its stream at the end, and opens no other", () => {
    const { connection } = startFollowing();
    connection.play(LOG);
    connection.listener.ended();
    vi.runAllTimers();
    expect(connection.openedAfter).toEqual([0]);
    expect(connection.closed).toEqual([1]);
  });

  it("resumes when a stream ends before the reply does", () => {
    const { connection, heard } = startFollowing();
    connection.play(LOG.slice(0, 3));
    connection.listener.ended();
    vi.runAllTimers();
    connection.play(LOG.slice(3));
    expect(heard.at(-1)).toEqual(WHOLE);
  });

  it("gives up on a reply of which the server has nothing more to tell", () => {
    const { connection, heard } = startFollowing();
    connection.play(LOG.slice(0, 3));
    for (let stream = 0; stream < 6; stream++) {
      connection.listener.ended();
      vi.runAllTimers();
    }
    expect(heard.at(-1)).toMatchObject({ text: "One two ", ending: { kind: "failed", retryable: true } });
  });

  it("gives up at once when the server no longer knows the reply", () => {
    const { connection, heard, reconnecting } = startFollowing();
    connection.play(LOG.slice(0, 2));
    connection.listener.refused(new RequestFailed("No such reply.", "NOT_FOUND"));
    vi.runAllTimers();
    expect(heard.at(-1)).toMatchObject({ text: "One ", ending: { kind: "failed", retryable: true } });
    expect(reconnecting.at(-1)).toBe(false);
    expect(connection.openedAfter).toEqual([0]);
  });

  it("stops trying when it is left", () => {
    const { connection, leave } = startFollowing();
    connection.listener.dropped();
    leave();
    vi.runAllTimers();
    expect(connection.openedAfter).toEqual([0]);
  });
});
