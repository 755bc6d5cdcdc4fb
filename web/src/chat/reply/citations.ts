/** A reply's words, cut at the numbers in brackets that name its sources. */
import type { Reply, Source } from "./reply";

export type Span =
  | { readonly kind: "words"; readonly text: string }
  /** `source` is null while the reply is under way: the sources come with its end. */
  | { readonly kind: "marker"; readonly number: number; readonly source: Source | null };

// Code between backticks may hold numbers in brackets that cite nothing.
const CODE_OR_MARKER = /(`+)[^]*?\1|[ \t]*\[(\d{1,3})\]/g;
const MAY_BECOME_MARKER = /[ \t]*\[\d{0,3}$/;

export function spansOf(reply: Reply): Span[] {
  const { text, sources, ending } = reply;
  if (!ending) return cut(text.replace(MAY_BECOME_MARKER, ""), (number) => ({ kind: "marker", number, source: null }));
  // An avatar that cited nothing means its brackets as they stand.
  if (ending.kind === "done" && sources.length === 0) return text ? [{ kind: "words", text }] : [];
  return cut(text, (number) => {
    const source = sources.find((each) => each.number === number);
    return source ? { kind: "marker", number, source } : null;
  });
}

/** The address of a source that a visitor may follow: no other scheme than the web's. */
export function linkOf(source: Source): string | null {
  return source.url && /^https?:\/\//i.test(source.url) ? source.url : null;
}

export function placeOf(source: Source): string {
  return source.page === null ? "" : `p. ${source.page}`;
}

function cut(text: string, markerOf: (number: number) => Span | null): Span[] {
  const spans: Span[] = [];
  let words = "";
  let end = 0;
  for (const found of text.matchAll(CODE_OR_MARKER)) {
    const number = found[2];
    words += text.slice(end, found.index) + (number ? "" : found[0]);
    end = found.index + found[0].length;
    const marker = number ? markerOf(Number(number)) : null;
    if (!marker) continue;
    if (words) spans.push({ kind: "words", text: words });
    spans.push(marker);
    words = "";
  }
  words += text.slice(end);
  return words ? [...spans, { kind: "words", text: words }] : spans;
}
