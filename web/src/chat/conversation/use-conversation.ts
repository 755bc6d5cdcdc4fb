import { useEffect, useState } from "preact/hooks";

import type { Conversation, ConversationState } from "./conversation";

export function useConversation(conversation: Conversation): ConversationState {
  const [state, setState] = useState(conversation.state);
  useEffect(() => {
    setState(conversation.state);
    return conversation.watch(setState);
  }, [conversation]);
  return state;
}
