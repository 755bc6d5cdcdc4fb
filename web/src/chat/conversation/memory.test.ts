import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Transcript } from "./conversation";
import { chatMemory } from "./memory";

const TRANSCRIPT: Transcript = { sessionId: "s1", greeting: "Hello!", turns: [] };

class FakeStorage {
  private readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("sessionStorage", new FakeStorage());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("remembers each avatar's conversation and draft apart", () => {
  const memory = chatMemory("A");
  memory.save(TRANSCRIPT);
  memory.saveDraft("Half a sen");
  vi.runAllTimers();
  expect(chatMemory("A").load()).toEqual(TRANSCRIPT);
  expect(chatMemory("A").loadDraft()).toBe("Half a sen");
  expect(chatMemory("B").load()).toBeNull();
  expect(chatMemory("B").loadDraft()).toBe("");
});

it("saves the latest of many changes, at once when the page goes away", () => {
  const memory = chatMemory("A");
  memory.save({ ...TRANSCRIPT, sessionId: "s1" });
  memory.save({ ...TRANSCRIPT, sessionId: "s2" });
  memory.flush();
  expect(chatMemory("A").load()?.sessionId).toBe("s2");
});

it("keeps nothing of the page's passing state", () => {
  const memory = chatMemory("A");
  const state = { ...TRANSCRIPT, isReconnecting: true };
  memory.save(state);
  memory.flush();
  expect(chatMemory("A").load()).toEqual(TRANSCRIPT);
});

it("does without when the browser denies storage", () => {
  const deny = () => {
    throw new DOMException("Denied", "SecurityError");
  };
  vi.stubGlobal("sessionStorage", { getItem: deny, setItem: deny });
  const memory = chatMemory("A");
  memory.save(TRANSCRIPT);
  memory.flush();
  memory.saveDraft("Hi");
  expect(memory.load()).toBeNull();
  expect(memory.loadDraft()).toBe("");
});
