import { placeOf, spansOf, type Span } from "./citations";
import type { Reply } from "./reply";
import { sourceId } from "./Sources";

/** What the avatar said, with its citations as small numbers that lead to the sources below. */
export function ReplyText({ reply }: { reply: Reply }) {
  return (
    <p class={reply.ending ? "reply-text" : "reply-text reply-text-under-way"}>
      {spansOf(reply).map((span, index) => (
        span.kind === "words" ? span.text : <Marker key={index} replyId={reply.id} {...span} />
      ))}
    </p>
  );
}

function Marker({ replyId, number, source }: Extract<Span, { kind: "marker" }> & { replyId: string }) {
  if (!source) return <sup class="marker">{number}</sup>;
  const id = sourceId(replyId, number);
  const label = ["Source", `${number}:`, source.title, placeOf(source)].filter(Boolean).join(" ");
  return (
    <sup class="marker">
      <a href={`#${id}`} aria-label={label} title={source.title} onClick={(event) => show(event, id)}>
        {number}
      </a>
    </sup>
  );
}

/** Without a step in the history of the page that frames this one. */
function show(event: Event, id: string): void {
  event.preventDefault();
  document.getElementById(id)?.focus();
}
