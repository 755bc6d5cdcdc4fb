import { linkOf, placeOf } from "./citations";
import type { Source } from "./reply";

/** Where a source is listed, so that the numbers in the text can lead to it. */
export function sourceId(replyId: string, number: number): string {
  return `source-${replyId}-${number}`;
}

export function Sources({ replyId, sources }: { replyId: string; sources: readonly Source[] }) {
  return (
    <ul class="sources" aria-label="Sources">
      {sources.map((source) => (
        <li key={source.number} id={sourceId(replyId, source.number)} tabIndex={-1}>
          <span class="source-number">{source.number}</span>
          <Title source={source} />
          {source.page !== null && <span class="source-place">{placeOf(source)}</span>}
        </li>
      ))}
    </ul>
  );
}

function Title({ source }: { source: Source }) {
  const link = linkOf(source);
  if (!link) return <>{source.title}</>;
  return (
    <a href={link} target="_blank" rel="noopener noreferrer nofollow">
      {source.title}
      <span class="visually-hidden"> (opens in a new tab)</span>
    </a>
  );
}
