/** What a tab remembers of a conversation, so that a reload loses nothing. */
import type { Transcript } from "./conversation";

const SAVE_WITHIN_MS = 200;

export interface ChatMemory {
  load(): Transcript | null;
  /** Saves soon; `flush` saves now. */
  save(transcript: Transcript): void;
  flush(): void;
  loadDraft(): string;
  saveDraft(draft: string): void;
}

export function chatMemory(shortId: string): ChatMemory {
  const transcriptKey = `avatarium.chat.v2.${shortId}`;
  const draftKey = `avatarium.draft.${shortId}`;
  let unsaved: Transcript | null = null;

  const flush = () => {
    if (!unsaved) return;
    const { sessionId, greeting, turns } = unsaved;
    unsaved = null;
    write(transcriptKey, JSON.stringify({ sessionId, greeting, turns }));
  };

  return {
    load: () => parse(read(transcriptKey)),
    save(transcript) {
      if (!unsaved) setTimeout(flush, SAVE_WITHIN_MS);
      unsaved = transcript;
    },
    flush,
    loadDraft: () => read(draftKey) ?? "",
    saveDraft: (draft) => write(draftKey, draft),
  };
}

function parse(json: string | null): Transcript | null {
  try {
    return json === null ? null : (JSON.parse(json) as Transcript);
  } catch {
    return null;
  }
}

// A page framed by another site may be denied storage: it then talks without remembering.
function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    return;
  }
}
