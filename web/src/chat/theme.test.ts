import { describe, expect, it } from "vitest";

import { DEFAULT_BACKGROUND, themeFor } from "./theme";

describe("the theme", () => {
  it.each([
    ["#0A0A0F", "dark", "ample"],
    ["#fff", "light", "ample"],
    ["#1e3a8a", "dark", "ample"],
    ["#FFD166", "light", "ample"],
    ["#777777", "light", "scarce"],
    ["#D00000", "dark", "scarce"],
  ])("of %s has %s tones and %s contrast", (color, tone, contrast) => {
    expect(themeFor(color)).toEqual({ background: color, tone, contrast });
  });

  it.each([null, "", "red", "#12345", "#0A0A0F; background: url(//evil)"])("falls back for %s", (color) => {
    expect(themeFor(color).background).toBe(DEFAULT_BACKGROUND);
  });
});
