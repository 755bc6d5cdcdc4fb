import { describe, expect, it } from "vitest";

import { awaitedReply, failed, hear, type Reply, type ReplyEvent } from "./reply";

const SOURCES = [{ number: 1, title: "Opening hours", url: null, page: null }];

const EVENTS: readonly ReplyEvent[] = [
  { __typename: "ReplyStarted", seq: 1 },
  { __typename: "ReplyChunk", seq: 2, text: "We open " },
  { __typename: "EmotionChanged", seq: 3, emotion: "happy" },
  { __typename: "ReplyChunk", seq: 4, text: "at nine" },
  { __typename: "ProviderSwitched", seq: 5 },
  { __typename: "ReplyChunk", seq: 6, text: " — 日曜 too 🙂." },
  { __typename: "ReplyDone", seq: 7, text: "We open at nine — 日曜 too 🙂.", sources: SOURCES, interrupted: false },
];

const hearAll = (events: readonly ReplyEvent[], start: Reply = awaitedReply("r1")) => events.reduce(hear, start);

describe("a reply", () => {
  it("gathers its text, emotion and sources", () => {
    expect(hearAll(EVENTS)).toEqual({
      id: "r1",
      lastSeq: 7,
      text: "We open at nine — 日曜 too 🙂.",
      emotion: "happy",
      sources: SOURCES,
      ending: { kind: "done", interrupted: false },
    });
  });

  it("ignores events that it has heard already", () => {
    const doubled = EVENTS.flatMap((event) => [event, event]);
    expect(hearAll(doubled)).toEqual(hearAll(EVENTS));
    expect(hearAll([...EVENTS.slice(0, 5), ...EVENTS])).toEqual(hearAll(EVENTS));
  });

  it("stays the same object when there is no news", () => {
    const reply = hearAll(EVENTS.slice(0, 4));
    expect(hear(reply, EVENTS[1]!)).toBe(reply);
  });

  it("accepts chunks that the server merged, which leave gaps between numbers", () => {
    const merged: ReplyEvent = { __typename: "ReplyChunk", seq: 6, text: "at nine — 日曜 too 🙂." };
    const reply = hearAll([...EVENTS.slice(0, 2), merged]);
    expect(reply.text).toBe("We open at nine — 日曜 too 🙂.");
    expect(reply.lastSeq).toBe(6);
  });

  it("ignores kinds of events that it did not ask for", () => {
    const unasked = { __typename: "SpeechSegment" } as unknown as ReplyEvent;
    const reply = hearAll(EVENTS.slice(0, 2));
    expect(hear(reply, unasked)).toBe(reply);
  });

  it("keeps what was said before it failed", () => {
    const failure: ReplyEvent = { __typename: "ReplyFailed", seq: 3, reason: "No provider answered.", retryable: true };
    const reply = hearAll([...EVENTS.slice(0, 2), failure]);
    expect(reply.text).toBe("We open ");
    expect(reply.ending).toEqual({ kind: "failed", reason: "No provider answered.", retryable: true });
  });

  it.each([
    ["shorter", "We open at nine — 日"],
    ["empty", ""],
  ])("does not shrink when a crash kept a %s text than was heard", (_, text) => {
    const heard = hearAll(EVENTS.slice(0, 6));
    const cut: ReplyEvent = { __typename: "ReplyDone", seq: 7, text, sources: [], interrupted: true };
    expect(hear(heard, cut).text).toBe(heard.text);
  });

  it("takes the longer text of an interrupted reply, and the stored one of a whole reply", () => {
    const heard = hearAll(EVENTS.slice(0, 2));
    const longer: ReplyEvent = { __typename: "ReplyDone", seq: 3, text: "We open at", sources: [], interrupted: true };
    expect(hear(heard, longer).text).toBe("We open at");
    const whole: ReplyEvent = { __typename: "ReplyDone", seq: 3, text: "We", sources: [], interrupted: false };
    expect(hear(heard, whole).text).toBe("We");
  });

  it("hears nothing after its end", () => {
    const lost = failed(hearAll(EVENTS.slice(0, 2)), "Lost.", true);
    expect(hearAll(EVENTS, lost)).toBe(lost);
  });
});
