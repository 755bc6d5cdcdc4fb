/** A reply's words, cut at the numbers in brackets that name its sources. */
import type { Reply, Source } from "./reply";

export type Span =
  | { readonly kind: "words"; readonly text: string }
  /** `source` is null while the reply is under way: the sources come with its end. */
  | { readonly kind: "marker"; readonly number: number; readonly source: Source | null };

// Each pattern takes time in proportion to the text, whatever the text is: no run is looked at twice.
const CODE_OR_LINE = /(`+|\n)/;
const MARKER = /\[(\d{1,3})\]/g;
const MAY_BECOME_MARKER = /\[\d{0,3}$/;
const BLOCK = "```";

export function spansOf(reply: Reply): Span[] {
  const { text, sources, ending } = reply;
  if (!ending) return cut(withoutBeginning(text), (number) => ({ kind: "marker", number, source: null }));
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

function withoutBeginning(text: string): string {
  const start = text.search(MAY_BECOME_MARKER);
  return start < 0 ? text : withoutBlanks(text.slice(0, start));
}

function cut(text: string, markerOf: (number: number) => Span | null): Span[] {
  const spans: Span[] = [];
  let words = "";
  for (const { part, isCode } of partsOf(text)) {
    if (isCode) {
      words += part;
      continue;
    }
    let end = 0;
    for (const found of part.matchAll(MARKER)) {
      words = withoutBlanks(words + part.slice(end, found.index));
      end = found.index + found[0].length;
      const marker = markerOf(Number(found[1]));
      if (!marker) continue;
      if (words) spans.push({ kind: "words", text: words });
      spans.push(marker);
      words = "";
    }
    words += part.slice(end);
  }
  return words ? [...spans, { kind: "words", text: words }] : spans;
}

/** Code between backticks may hold numbers in brackets that cite nothing. In a line it ends with the line. */
function* partsOf(text: string): Generator<{ part: string; isCode: boolean }> {
  let fence = "";
  for (const part of text.split(CODE_OR_LINE)) {
    if (part.startsWith("`")) {
      yield { part, isCode: true };
      fence = part === fence ? "" : fence || part;
    } else {
      if (part === "\n" && !fence.startsWith(BLOCK)) fence = "";
      yield { part, isCode: fence !== "" };
    }
  }
}

function withoutBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && " \t".includes(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
}
