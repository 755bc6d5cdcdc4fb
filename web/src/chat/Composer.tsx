import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { ChatMemory } from "./conversation/memory";

interface ComposerProps {
  avatarName: string;
  memory: ChatMemory;
  /** A framed page must not take the focus from the page around it. */
  takesFocus: boolean;
  busy: boolean;
  send: (words: string) => void;
  stop: () => void;
}

export function Composer({ avatarName, memory, takesFocus, busy, send, stop }: ComposerProps) {
  const [draft, setDraft] = useState(() => memory.loadDraft());
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => fitHeight(field.current!), [draft]);
  useLayoutEffect(() => {
    if (takesFocus) field.current!.focus();
  }, [takesFocus]);

  const keep = (text: string) => {
    setDraft(text);
    memory.saveDraft(text);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    field.current!.focus();
    const words = draft.trim();
    if (busy || !words) return;
    keep("");
    send(words);
  };

  const halt = () => {
    field.current!.focus();
    stop();
  };

  return (
    <form class="composer" onSubmit={submit}>
      <label class="visually-hidden" for="words">
        Message to {avatarName}
      </label>
      <textarea
        id="words"
        ref={field}
        rows={1}
        enterkeyhint="send"
        placeholder={`Message ${avatarName}`}
        value={draft}
        onInput={(event) => keep(event.currentTarget.value)}
        onKeyDown={(event) => isSendKey(event) && submit(event)}
      />
      {busy ? <StopButton stop={halt} /> : <SendButton enabled={draft.trim() !== ""} />}
    </form>
  );
}

/** Enter that confirms a word in an input method must not send it. */
function isSendKey(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing;
}

function fitHeight(field: HTMLTextAreaElement): void {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function StopButton({ stop }: { stop: () => void }) {
  return (
    <button class="round-button" type="button" aria-label="Stop" title="Stop" onClick={stop}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <rect x="5.5" y="5.5" width="9" height="9" rx="2" fill="currentColor" />
      </svg>
    </button>
  );
}

function SendButton({ enabled }: { enabled: boolean }) {
  return (
    <button class="round-button" type="submit" aria-label="Send" title="Send" disabled={!enabled}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d="M10 16V4.5M5 9.5l5-5 5 5" fill="none" stroke="currentColor" stroke-width="2"
          stroke-linecap="round" stroke-linejoin="round" />
      </svg>
    </button>
  );
}
