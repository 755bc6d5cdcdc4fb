import { useState } from "preact/hooks";

import type { PublicAvatar } from "./conversation/api";
import { ChatHeader } from "./ChatHeader";
import { Composer } from "./Composer";
import { Log } from "./Log";
import { chatMemory } from "./conversation/memory";
import { openConversation } from "./conversation/open-conversation";
import { PasswordPrompt } from "./PasswordPrompt";
import { isBusy } from "./conversation/turns";
import { useConversation } from "./conversation/use-conversation";
import type { Visit } from "./visit";

export function Chat({ avatar, visit }: { avatar: PublicAvatar; visit: Visit }) {
  const [memory] = useState(() => chatMemory(visit.shortId));
  const [conversation] = useState(() => openConversation(avatar, visit, memory));
  const state = useConversation(conversation);
  const lastTurn = state.turns.at(-1);
  const busy = lastTurn !== undefined && isBusy(lastTurn);

  return (
    <main class="chat">
      <ChatHeader
        avatar={avatar}
        lastTurn={lastTurn}
        startOver={state.turns.length > 0 ? () => conversation.startOver() : null}
      />
      <Log
        avatarName={avatar.name}
        greeting={state.greeting}
        turns={state.turns}
        busy={busy}
        retry={(clientMessageId) => void conversation.retry(clientMessageId)}
        goOn={() => void conversation.goOn()}
      />
      <p class="banner" role="status">
        {state.isReconnecting && "Reconnecting…"}
      </p>
      {state.gate ? (
        <PasswordPrompt gate={state.gate} unlock={(password) => conversation.unlock(password)} />
      ) : (
        <Composer
          avatarName={avatar.name}
          memory={memory}
          takesFocus={visit.source === "link"}
          busy={busy}
          send={(words) => void conversation.send(words)}
          stop={() => void conversation.stop()}
        />
      )}
    </main>
  );
}
