import { expect, it } from "vitest";

import { asFailure, failureFrom, UNREACHABLE } from "./failure";

it("reads the server's code and its wish to wait", () => {
  const failure = failureFrom({ message: "Slow down.", extensions: { code: "RATE_LIMIT_EXCEEDED", retryAfter: 12 } });
  expect(failure).toMatchObject({ message: "Slow down.", code: "RATE_LIMIT_EXCEEDED", retryAfter: 12 });
});

it("manages without extensions", () => {
  expect(failureFrom({ message: "Oops." })).toMatchObject({ code: "INTERNAL_ERROR", retryAfter: null });
});

it("takes anything unforeseen for an unreachable server", () => {
  expect(asFailure(new TypeError("Failed to fetch")).code).toBe(UNREACHABLE);
});
