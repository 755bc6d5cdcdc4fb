import { chatApi, type PublicAvatar } from "./api";
import { Conversation } from "./conversation";
import type { ChatMemory } from "./memory";
import { newMessageId } from "./message-id";
import type { Visit } from "../visit";

/** Takes up the conversation this tab remembers, or prepares a new one. */
export function openConversation(avatar: PublicAvatar, visit: Visit, memory: ChatMemory): Conversation {
  const blank = { sessionId: null, greeting: avatar.greeting, turns: [] };
  const conversation = new Conversation(
    chatApi(avatar.shortId, visit.source),
    newMessageId,
    memory.load() ?? blank,
    avatar.hasPassword,
  );
  conversation.watch((state) => memory.save(state));
  addEventListener("pagehide", () => memory.flush());
  void conversation.resume();
  return conversation;
}
