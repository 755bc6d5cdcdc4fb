/** One visitor's conversation with one avatar: the session, the turns, and what to do when either breaks. */
import { asFailure, type RequestFailed } from "../../graphql/failure";
import { follow, type OpenReply } from "./follow";
import { refusalOfPassword, type PasswordGate } from "./password-gate";
import { explain, needsPassword, sessionIsOver } from "./problems";
import type { Reply } from "../reply/reply";
import {
  accepted, canContinue, canRetry, isBusy, newTurn, replyOf, retried, unsent, withReply, withStopRequest, type Turn,
} from "./turns";

/** Said as the visitor's own words, and shown so. */
export const GO_ON = "Please go on.";

export interface ChatApi {
  startSession(password: string | null): Promise<{ id: string; greeting: string | null }>;
  /** Answers with the id of the reply. */
  sendMessage(sessionId: string, content: string, clientMessageId: string): Promise<string>;
  stopReply(replyId: string): Promise<void>;
  endSession(sessionId: string): Promise<void>;
  openReply: OpenReply;
}

/** What survives a reload. */
export interface Transcript {
  readonly sessionId: string | null;
  readonly greeting: string | null;
  readonly turns: readonly Turn[];
}

export interface ConversationState extends Transcript {
  /** Null when the visitor may talk. */
  readonly gate: PasswordGate | null;
  readonly isReconnecting: boolean;
}

export class Conversation {
  private current: ConversationState;
  private password: string | null = null;
  private stopFollowing = () => {};
  private readonly watchers = new Set<(state: ConversationState) => void>();

  constructor(
    private readonly api: ChatApi,
    private readonly newMessageId: () => string,
    saved: Transcript,
    hasPassword: boolean,
  ) {
    const gate = hasPassword && !saved.sessionId ? { problem: null, retryAfter: null } : null;
    this.current = { ...saved, gate, isReconnecting: false };
  }

  get state(): ConversationState {
    return this.current;
  }

  watch(watcher: (state: ConversationState) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Takes up what a reload interrupted. */
  async resume(): Promise<void> {
    const turn = this.lastTurn();
    const reply = turn && replyOf(turn);
    if (turn?.delivery.kind === "sending") await this.deliver(turn);
    else if (turn && reply && !reply.ending) this.followReply(turn.clientMessageId, reply);
  }

  async send(words: string): Promise<void> {
    const last = this.lastTurn();
    if (last && isBusy(last)) return;
    const turn = newTurn(this.newMessageId(), words);
    this.change({ turns: [...this.current.turns, turn] });
    await this.deliver(turn);
  }

  async retry(clientMessageId: string): Promise<void> {
    const turn = this.find(clientMessageId);
    const last = this.lastTurn();
    if (!turn || !canRetry(turn) || (last && isBusy(last))) return;
    const again = retried(turn, this.newMessageId());
    this.change({ turns: [...this.current.turns.filter((other) => other !== turn), again] });
    await this.deliver(again);
  }

  /** Asks the avatar to go on where it was interrupted. */
  async goOn(): Promise<void> {
    const last = this.lastTurn();
    if (last && canContinue(last)) await this.send(GO_ON);
  }

  async stop(): Promise<void> {
    const turn = this.lastTurn();
    if (!turn || !isBusy(turn)) return;
    this.update(turn.clientMessageId, (it) => withStopRequest(it, true));
    await this.stopIfRequested(turn.clientMessageId);
  }

  async unlock(password: string): Promise<void> {
    try {
      await this.startSession(password);
    } catch (reason) {
      this.change({ gate: refusalOfPassword(asFailure(reason)) });
      return;
    }
    this.password = password;
    this.change({ gate: null });
    const last = this.lastTurn();
    if (last?.delivery.kind === "unsent") await this.retry(last.clientMessageId);
  }

  startOver(): void {
    const { sessionId } = this.current;
    this.stopFollowing();
    this.change({ sessionId: null, turns: [], isReconnecting: false });
    // A session that cannot be ended now ends by itself when it has been idle for long enough.
    if (sessionId) this.api.endSession(sessionId).catch(() => undefined);
  }

  private async deliver({ clientMessageId, words }: Turn): Promise<void> {
    try {
      const replyId = await this.post(clientMessageId, words);
      this.update(clientMessageId, (turn) => accepted(turn, replyId));
    } catch (reason) {
      this.undelivered(clientMessageId, asFailure(reason));
      return;
    }
    const turn = this.find(clientMessageId);
    const reply = turn && replyOf(turn);
    if (reply) this.followReply(clientMessageId, reply);
    await this.stopIfRequested(clientMessageId);
  }

  private async post(clientMessageId: string, words: string): Promise<string> {
    try {
      return await this.api.sendMessage(await this.session(), words, clientMessageId);
    } catch (reason) {
      if (!this.current.sessionId || !sessionIsOver(asFailure(reason))) throw reason;
      this.change({ sessionId: null });
      return this.api.sendMessage(await this.session(), words, clientMessageId);
    }
  }

  private async session(): Promise<string> {
    return this.current.sessionId ?? this.startSession(this.password);
  }

  private async startSession(password: string | null): Promise<string> {
    const { id, greeting } = await this.api.startSession(password);
    this.change({ sessionId: id, greeting: greeting ?? this.current.greeting });
    return id;
  }

  private undelivered(clientMessageId: string, failure: RequestFailed): void {
    this.update(clientMessageId, (turn) => unsent(turn, explain(failure)));
    if (needsPassword(failure)) this.change({ gate: { problem: null, retryAfter: null } });
  }

  private followReply(clientMessageId: string, reply: Reply): void {
    this.stopFollowing();
    this.stopFollowing = follow(reply, this.api.openReply, {
      heard: (news) => this.update(clientMessageId, (turn) => withReply(turn, news)),
      reconnecting: (isReconnecting) => this.change({ isReconnecting }),
    });
  }

  private async stopIfRequested(clientMessageId: string): Promise<void> {
    const turn = this.find(clientMessageId);
    const reply = turn && replyOf(turn);
    if (!turn?.stopRequested || !reply || reply.ending) return;
    try {
      await this.api.stopReply(reply.id);
    } catch {
      this.update(clientMessageId, (it) => withStopRequest(it, false));
    }
  }

  private lastTurn(): Turn | undefined {
    return this.current.turns.at(-1);
  }

  private find(clientMessageId: string): Turn | undefined {
    return this.current.turns.find((turn) => turn.clientMessageId === clientMessageId);
  }

  private update(clientMessageId: string, next: (turn: Turn) => Turn): void {
    const turns = this.current.turns.map((turn) => (turn.clientMessageId === clientMessageId ? next(turn) : turn));
    this.change({ turns });
  }

  private change(changes: Partial<ConversationState>): void {
    this.current = { ...this.current, ...changes };
    for (const watcher of this.watchers) watcher(this.current);
  }
}
