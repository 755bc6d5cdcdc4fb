/** Chooses the ink that reads best on an avatar's background colour. */

export const DEFAULT_BACKGROUND = "#0A0A0F";

export type Tone = "dark" | "light";

export interface Theme {
  readonly background: string;
  readonly tone: Tone;
  /** On a middling colour even the best ink leaves no contrast to spare for softer shades. */
  readonly contrast: "ample" | "scarce";
}

const AMPLE_CONTRAST = 9;

export function themeFor(backgroundColor: string | null): Theme {
  const background = backgroundColor && channels(backgroundColor) ? backgroundColor : DEFAULT_BACKGROUND;
  const brightness = luminance(channels(background) ?? [0, 0, 0]);
  const contrastOfWhite = 1.05 / (brightness + 0.05);
  const contrastOfBlack = (brightness + 0.05) / 0.05;
  return {
    background,
    tone: contrastOfWhite >= contrastOfBlack ? "dark" : "light",
    contrast: Math.max(contrastOfWhite, contrastOfBlack) >= AMPLE_CONTRAST ? "ample" : "scarce",
  };
}

function channels(color: string): number[] | null {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color)?.[1];
  if (!hex) return null;
  const width = hex.length / 3;
  return [0, 1, 2].map((index) => {
    const digits = hex.slice(index * width, (index + 1) * width);
    return parseInt(width === 1 ? digits + digits : digits, 16) / 255;
  });
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(rgb: number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
