import type { RefObject } from "preact";
import { useCallback, useLayoutEffect, useRef } from "preact/hooks";

const CLOSE_TO_END_PX = 80;

/** Keeps a scrolled box at its end while its content grows, unless the reader has scrolled up since the last turn. */
export function useStickToEnd<Box extends HTMLElement>(
  content: unknown,
  turn: unknown,
): { box: RefObject<Box | null>; onScroll: () => void } {
  const box = useRef<Box>(null);
  const sticks = useRef(true);
  const onScroll = useCallback(() => {
    const { scrollHeight, scrollTop, clientHeight } = box.current!;
    sticks.current = scrollHeight - scrollTop - clientHeight < CLOSE_TO_END_PX;
  }, []);
  useLayoutEffect(() => {
    sticks.current = true;
  }, [turn]);
  useLayoutEffect(() => {
    if (sticks.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [content]);
  return { box, onScroll };
}
