/** Subscriptions over graphql-transport-ws. Reconnecting is left to the caller, who knows where to resume. */
import { CloseCode, createClient, type Client } from "graphql-ws/client";

import { failureFrom, RequestFailed, type GraphQLErrorEntry } from "./failure";

export interface StreamListener<Data> {
  /** The socket is up; the server may still be silent. */
  connected(): void;
  next(data: Data): void;
  /** The server closed the stream in an orderly way. */
  ended(): void;
  /** The connection broke: asking again may help. */
  dropped(): void;
  /** The server said no: asking again the same way cannot help. */
  refused(failure: RequestFailed): void;
}

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const IDLE_SOCKET_MS = 30_000;

const HOPELESS_CLOSE_CODES = new Set<number>([
  CloseCode.BadRequest,
  CloseCode.Unauthorized,
  CloseCode.Forbidden,
  CloseCode.SubprotocolNotAcceptable,
]);

let sharedClient: Client | undefined;
let isConnected = false;

/** Listens until the returned function is called; the listener hears nothing after that. */
export function subscribe<Data>(
  documentId: string,
  variables: Readonly<Record<string, unknown>>,
  listener: StreamListener<Data>,
): () => void {
  sharedClient ??= connect();
  let finished = false;
  const finish = (tell: () => void) => {
    if (finished) return;
    finished = true;
    forgetConnection();
    tell();
    unsubscribe();
  };
  const forgetConnection = sharedClient.on("connected", () => listener.connected());
  if (isConnected) listener.connected();
  // graphql-ws's type asks for a query; an empty one is none.
  const operation = { query: "", documentId, variables };
  const unsubscribe = sharedClient.subscribe<Data>(operation, {
    next: ({ data, errors }) => {
      const error = errors?.[0];
      if (error) finish(() => listener.refused(failureFrom(error)));
      else if (data && !finished) listener.next(data);
    },
    error: (reason) => finish(() => tellFailure(reason, listener)),
    complete: () => finish(() => listener.ended()),
  });
  return () => finish(() => undefined);
}

function tellFailure(reason: unknown, listener: StreamListener<never>): void {
  const [error] = Array.isArray(reason) ? (reason as GraphQLErrorEntry[]) : [];
  if (error) listener.refused(failureFrom(error));
  else if (isHopeless(reason)) listener.refused(new RequestFailed("The server refused to stream.", "FORBIDDEN"));
  else listener.dropped();
}

function isHopeless(reason: unknown): boolean {
  return reason instanceof CloseEvent && HOPELESS_CLOSE_CODES.has(reason.code);
}

function connect(): Client {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: new URL("/graphql", location.href.replace(/^http/, "ws")).href,
    retryAttempts: 0,
    lazyCloseTimeout: IDLE_SOCKET_MS,
    connectionAckWaitTimeout: PONG_WITHIN_MS,
    keepAlive: PING_EVERY_MS,
    on: {
      connected: () => (isConnected = true),
      // A network that vanished closes no socket by itself: an unanswered ping does.
      ping: (received) => {
        if (!received) silence = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: () => clearTimeout(silence),
      closed: () => {
        isConnected = false;
        clearTimeout(silence);
      },
    },
  });
  return client;
}
