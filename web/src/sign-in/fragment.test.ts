import { expect, it } from "vitest";

import { tokenIn } from "./fragment";

it.each([
  ["#token=abc.def-g_h", "abc.def-g_h"],
  ["#token=", null],
  ["#", null],
  ["", null],
])("finds the token in '%s'", (fragment, token) => {
  expect(tokenIn(fragment)).toBe(token);
});
