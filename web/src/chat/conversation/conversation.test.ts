import { beforeEach, describe, expect, it } from "vitest";

import { RequestFailed } from "../../graphql/failure";
import { Conversation, type Transcript } from "./conversation";
import { FakeChatApi } from "./fake-chat-api";
import type { ReplyEvent } from "../reply/reply";
import { replyOf } from "./turns";

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
