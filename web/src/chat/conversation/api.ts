/** The GraphQL operations of a conversation. */
import END_SESSION from "../../../operations/EndSession.graphql";
import PUBLIC_AVATAR from "../../../operations/PublicAvatar.graphql";
import REPLY from "../../../operations/Reply.graphql";
import SEND_MESSAGE from "../../../operations/SendMessage.graphql";
import START_SESSION from "../../../operations/StartSession.graphql";
import STOP_REPLY from "../../../operations/StopReply.graphql";
import { request } from "../../graphql/request";
import { subscribe } from "../../graphql/subscription";
import type { ChatApi } from "./conversation";
import type { OpenReply } from "./follow";
import type { ReplyEvent } from "../reply/reply";

export interface PublicAvatar {
  readonly shortId: string;
  readonly name: string;
  readonly tagline: string | null;
  readonly greeting: string | null;
  readonly backgroundColor: string | null;
  readonly hasPassword: boolean;
}

export async function fetchAvatar(shortId: string): Promise<PublicAvatar | null> {
  const data = await request<{ publicAvatar: PublicAvatar | null }>(PUBLIC_AVATAR, { shortId });
  return data.publicAvatar;
}

interface StartedSession {
  readonly startSession: { readonly session: { readonly id: string; readonly greeting: string | null } };
}

interface SentMessage {
  readonly sendMessage: { readonly reply: { readonly id: string } };
}

export function chatApi(shortId: string, source: "link" | "embed"): ChatApi {
  return {
    async startSession(password) {
      const data = await request<StartedSession>(START_SESSION, { input: { shortId, source, password } });
      return data.startSession.session;
    },
    async sendMessage(sessionId, content, clientMessageId) {
      const input = { sessionId, content, clientMessageId };
      const data = await request<SentMessage>(SEND_MESSAGE, { input });
      return data.sendMessage.reply.id;
    },
    async stopReply(replyId) {
      await request(STOP_REPLY, { input: { replyId } });
    },
    async endSession(sessionId) {
      await request(END_SESSION, { input: { sessionId } });
    },
    openReply,
  };
}

const openReply: OpenReply = (replyId, afterSeq, listener) =>
  subscribe<{ reply: ReplyEvent }>(REPLY, { replyId, afterSeq }, {
    ...listener,
    next: ({ reply }) => listener.next(reply),
  });
