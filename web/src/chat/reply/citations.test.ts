import { describe, expect, it } from "vitest";

import { linkOf, placeOf, spansOf } from "./citations";
import { awaitedReply, type Ending, type Reply, type Source } from "./reply";

const DONE: Ending = { kind: "done", interrupted: false };
const FAILED: Ending = { kind: "failed", reason: "Lost.", retryable: true };
const HOURS: Source = { number: 1, title: "Hours", url: null, page: null };
const PRICES: Source = { number: 3, title: "Prices", url: "https://shop.example/prices", page: 2 };

const said = (text: string, ending: Ending | null, ...sources: Source[]): Reply => ({
  ...awaitedReply("r1"),
  text,
  ending,
  sources,
});

/** Words as they stand, markers as <number>, those that lead nowhere yet as <number?>. */
const shown = (reply: Reply) =>
  spansOf(reply)
    .map((span) => (span.kind === "words" ? span.text : `<${span.number}${span.source ? "" : "?"}>`))
    .join("");

describe("the words of a reply", () => {
  it("have markers where they cite", () => {
    expect(spansOf(said("At nine [1]. It is 4.50 [3]!", DONE, HOURS, PRICES))).toEqual([
      { kind: "words", text: "At nine" },
      { kind: "marker", number: 1, source: HOURS },
      { kind: "words", text: ". It is 4.50" },
      { kind: "marker", number: 3, source: PRICES },
      { kind: "words", text: "!" },
    ]);
  });

  it.each([
    ["At nine [1][3].", "At nine<1><3>."],
    ["[1] At nine", "<1> At nine"],
    ["At nine [2], or ten [1].", "At nine, or ten<1>."],
    ["Write `a[1]` or ```\nb[3]\n``` [1]", "Write `a[1]` or ```\nb[3]\n```<1>"],
    ["[x] [1234] [] [1", "[x] [1234] [] [1"],
  ])("%j are shown as %j", (text, expected) => {
    expect(shown(said(text, DONE, HOURS, PRICES))).toBe(expected);
  });

  it("hide a marker that may still be on its way", () => {
    const whole = "At nine [1]. Bring [some] tea [12";
    const seen = [...whole].map((_, index) => shown(said(whole.slice(0, index + 1), null)));
    expect(seen.filter((text) => /\[\d*$/.test(text))).toEqual([]);
    expect(seen[whole.indexOf("]")]).toBe("At nine<1?>");
    expect(seen.at(-1)).toBe("At nine<1?>. Bring [some] tea");
  });

  it("have no markers to nowhere after a failure", () => {
    expect(shown(said("At nine [1]. Or", FAILED))).toBe("At nine. Or");
  });

  it("keep their brackets when nothing was cited", () => {
    expect(shown(said("Take a[1], the second.", DONE))).toBe("Take a[1], the second.");
  });
});

describe("a source", () => {
  it.each([
    [null, null],
    ["https://shop.example/prices?a=b#c", "https://shop.example/prices?a=b#c"],
    ["HTTP://shop.example", "HTTP://shop.example"],
    ["javascript:alert(1)", null],
    [" JavaScript:alert(1)", null],
    ["data:text/html,x", null],
    ["/prices", null],
    ["", null],
  ])("at %j links to %j", (url, expected) => {
    expect(linkOf({ ...HOURS, url })).toBe(expected);
  });

  it("tells its page", () => {
    expect([HOURS, PRICES].map(placeOf)).toEqual(["", "p. 2"]);
  });
});
