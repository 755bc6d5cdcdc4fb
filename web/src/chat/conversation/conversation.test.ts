import { beforeEach, describe, expect, it } from "vitest";

import { RequestFailed } from "../../graphql/failure";
import { Conversation, GO_ON, type Transcript } from "./conversation";
import { FakeChatApi } from "./fake-chat-api";
import type { ReplyEvent } from "../reply/reply";
import { canContinue, canRetry, replyOf, wasInterrupted, wasStopped } from "./turns";

const BLANK: Transcript = { sessionId: null, greeting: "Hello!", turns: [] };

const chunk = (seq: number, text: string): ReplyEvent => ({ __typename: "ReplyChunk", seq, text });
const done = (seq: number, text: string): ReplyEvent => ({
  __typename: "ReplyDone",
  seq,
  text,
  sources: [],
  interrupted: false,
});
const brokenOff = (seq: number): ReplyEvent => ({ __typename: "ReplyFailed", seq, reason: "Sorry.", retryable: true });
const refusal = (code: string, retryAfter: number | null = null) => new RequestFailed("No.", code, retryAfter);

let api: FakeChatApi;
let idsGiven: number;

beforeEach(() => {
  api = new FakeChatApi();
  idsGiven = 0;
});

const conversationFrom = (saved: Transcript, hasPassword = false) =>
  new Conversation(api, () => `m${++idsGiven}`, saved, hasPassword);

const turnsOf = (conversation: Conversation) =>
  conversation.state.turns.map((turn) => [turn.words, turn.delivery.kind, replyOf(turn)?.text ?? null]);

describe("talking", () => {
  it("opens a session with the first message, and keeps it", async () => {
    const conversation = conversationFrom(BLANK);
    expect(api.sessions).toHaveLength(0);
    await conversation.send("Hi");
    api.speak(chunk(1, "Good "), done(2, "Good day."));
    await conversation.send("Bye");
    expect(api.received.map((message) => message.sessionId)).toEqual(["session-1", "session-1"]);
    expect(turnsOf(conversation)).toEqual([
      ["Hi", "accepted", "Good day."],
      ["Bye", "accepted", ""],
    ]);
  });

  it("does not send while a reply is under way", async () => {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Hi");
    await conversation.send("And another thing");
    expect(api.received).toHaveLength(1);
  });
});

describe("a message that was not acknowledged", () => {
  it("is shown as unsent and retried with the same id, so that nothing is doubled", async () => {
    const conversation = conversationFrom(BLANK);
    api.losesAcknowledgement = true;
    await conversation.send("Hi");
    expect(turnsOf(conversation)).toEqual([["Hi", "unsent", null]]);
    api.losesAcknowledgement = false;
    await conversation.retry("m1");
    expect(api.received).toEqual([{ sessionId: "session-1", content: "Hi", clientMessageId: "m1" }]);
    expect(turnsOf(conversation)).toEqual([["Hi", "accepted", ""]]);
  });

  it("tells how long to wait when the server asks for patience", async () => {
    const conversation = conversationFrom(BLANK);
    api.sessionFailures.push(refusal("RATE_LIMIT_EXCEEDED", 30));
    await conversation.send("Hi");
    expect(conversation.state.turns[0]?.delivery).toMatchObject({ problem: expect.stringContaining("30 s") });
  });

  it("is sent again after a reload that interrupted it", async () => {
    const interrupted = conversationFrom(BLANK);
    const sending = interrupted.send("Hi");
    const saved = interrupted.state;
    await sending;
    await conversationFrom(saved).resume();
    expect(api.received.map((message) => message.clientMessageId)).toEqual(["m1"]);
  });
});

describe("a reply that failed", () => {
  it("is asked for again with a new id, in the place of the failed one", async () => {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Hi");
    api.speak(chunk(1, "Well"), brokenOff(2));
    await conversation.retry("m1");
    api.speak(done(1, "Hello."));
    expect(api.received.map((message) => message.clientMessageId)).toEqual(["m1", "m2"]);
    expect(turnsOf(conversation)).toEqual([["Hi", "accepted", "Hello."]]);
  });

  it("cannot be retried when that would not help", async () => {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Hi");
    api.speak({ __typename: "ReplyFailed", seq: 1, reason: "Quota used up.", retryable: false });
    await conversation.retry("m1");
    expect(api.received).toHaveLength(1);
  });
});

describe("a reply that was cut short", () => {
  const cutShort = (seq: number, text: string): ReplyEvent => ({ ...done(seq, text), interrupted: true } as ReplyEvent);

  async function interrupted(text = "One, two"): Promise<Conversation> {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Count");
    api.speak(cutShort(1, text));
    return conversation;
  }

  const lastOf = (conversation: Conversation) => conversation.state.turns.at(-1)!;

  it("was stopped when the visitor pressed Stop, and offers nothing", async () => {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Count");
    await conversation.stop();
    api.speak(cutShort(1, "One"));
    const turn = lastOf(conversation);
    expect([wasStopped(turn), wasInterrupted(turn), canRetry(turn), canContinue(turn)]).toEqual([
      true, false, false, false,
    ]);
  });

  it("was interrupted when nobody stopped it, and can be continued and retried", async () => {
    const turn = lastOf(await interrupted());
    expect([wasStopped(turn), wasInterrupted(turn), canRetry(turn), canContinue(turn)]).toEqual([
      false, true, true, true,
    ]);
  });

  it("is known as interrupted after a reload", async () => {
    const before = await interrupted();
    expect(wasInterrupted(lastOf(conversationFrom(structuredClone(before.state))))).toBe(true);
  });

  it("goes on when the visitor asks for it, and keeps what was said", async () => {
    const conversation = await interrupted();
    await conversation.goOn();
    api.speak(done(1, "three."));
    expect(api.received.map((message) => message.content)).toEqual(["Count", GO_ON]);
    expect(turnsOf(conversation)).toEqual([
      ["Count", "accepted", "One, two"],
      [GO_ON, "accepted", "three."],
    ]);
  });

  it("is retried with the same words under a new id", async () => {
    const conversation = await interrupted();
    await conversation.retry("m1");
    expect(api.received.map(({ content, clientMessageId }) => [content, clientMessageId])).toEqual([
      ["Count", "m1"],
      ["Count", "m2"],
    ]);
  });

  it("cannot be continued where nothing was said", async () => {
    const conversation = await interrupted("");
    await conversation.goOn();
    expect(api.received).toHaveLength(1);
    expect(canRetry(lastOf(conversation))).toBe(true);
  });

  it("cannot be continued from the middle of a conversation", async () => {
    const conversation = await interrupted();
    await conversation.send("Hi");
    api.speak(done(1, "Hello."));
    await conversation.goOn();
    expect(api.received).toHaveLength(2);
  });
});

describe("a session that is over", () => {
  it.each(["SESSION_EXPIRED", "SESSION_ENDED", "NOT_FOUND"])("is replaced unnoticed after %s", async (code) => {
    const conversation = conversationFrom({ ...BLANK, sessionId: "old" });
    api.sendFailures.push(refusal(code));
    await conversation.send("Hi");
    expect(api.received).toEqual([{ sessionId: "session-1", content: "Hi", clientMessageId: "m1" }]);
    expect(conversation.state.sessionId).toBe("session-1");
  });

  it("is not replaced for ever", async () => {
    const conversation = conversationFrom({ ...BLANK, sessionId: "old" });
    api.sendFailures.push(refusal("SESSION_EXPIRED"), refusal("SESSION_EXPIRED"));
    await conversation.send("Hi");
    expect(turnsOf(conversation)).toEqual([["Hi", "unsent", null]]);
  });

  it("asks for the password again after a reload, then sends what was waiting", async () => {
    const conversation = conversationFrom({ ...BLANK, sessionId: "old" }, true);
    api.sendFailures.push(refusal("SESSION_EXPIRED"));
    api.sessionFailures.push(refusal("PASSWORD_REQUIRED"));
    await conversation.send("Hi");
    expect(conversation.state.gate).not.toBeNull();
    await conversation.unlock("secret");
    expect(conversation.state.gate).toBeNull();
    expect(turnsOf(conversation)).toEqual([["Hi", "accepted", ""]]);
  });
});

describe("a password", () => {
  it("is asked for first, and remembered for the next session", async () => {
    const conversation = conversationFrom(BLANK, true);
    expect(conversation.state.gate).not.toBeNull();
    await conversation.unlock("secret");
    api.sendFailures.push(refusal("SESSION_EXPIRED"));
    await conversation.send("Hi");
    expect(api.sessions).toEqual([{ password: "secret" }, { password: "secret" }]);
  });

  it("that is wrong keeps the gate closed and says why", async () => {
    const conversation = conversationFrom(BLANK, true);
    api.sessionFailures.push(refusal("INVALID_PASSWORD"), refusal("RATE_LIMIT_EXCEEDED", 42));
    await conversation.unlock("guess");
    expect(conversation.state.gate?.problem).toMatch(/not the password/);
    await conversation.unlock("guess");
    expect(conversation.state.gate?.retryAfter).toBe(42);
  });
});

describe("stopping", () => {
  it("stops the reply that is under way", async () => {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Hi");
    await conversation.stop();
    expect(api.stopped).toEqual(["reply-to-m1"]);
  });

  it("takes effect once the message is accepted", async () => {
    const conversation = conversationFrom(BLANK);
    const sending = conversation.send("Hi");
    await conversation.stop();
    await sending;
    expect(api.stopped).toEqual(["reply-to-m1"]);
  });

  it("can be asked for again when the request was lost", async () => {
    const conversation = conversationFrom(BLANK);
    api.stopFailures.push(RequestFailed.unreachable());
    await conversation.send("Hi");
    await conversation.stop();
    expect(conversation.state.turns[0]?.stopRequested).toBe(false);
    await conversation.stop();
    expect(api.stopped).toEqual(["reply-to-m1"]);
  });
});

describe("a reload", () => {
  it("resumes a reply where it was left", async () => {
    const before = conversationFrom(BLANK);
    await before.send("Hi");
    api.speak(chunk(1, "Good "));
    const after = conversationFrom(structuredClone(before.state));
    await after.resume();
    api.speak(chunk(2, "day."), done(3, "Good day."));
    expect(api.openedAfter).toEqual([0, 1]);
    expect(turnsOf(after)).toEqual([["Hi", "accepted", "Good day."]]);
  });
});

describe("starting over", () => {
  it("ends the session and forgets the turns", async () => {
    const conversation = conversationFrom(BLANK);
    await conversation.send("Hi");
    conversation.startOver();
    expect(api.ended).toEqual(["session-1"]);
    expect(conversation.state).toMatchObject({ sessionId: null, turns: [], greeting: "Hello!" });
  });

  it("leaves no trace of a message that was still on its way", async () => {
    const conversation = conversationFrom(BLANK);
    const sending = conversation.send("Hi");
    conversation.startOver();
    await sending;
    expect(conversation.state.turns).toEqual([]);
    expect(api.listener).toBeNull();
  });
});
