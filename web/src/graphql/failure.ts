/** The code of a request that got no answer we could read: offline, timed out, a proxy's error page. */
export const UNREACHABLE = "UNREACHABLE";

/** Why a GraphQL operation gave no data. `code` is the server's own, or UNREACHABLE. */
export class RequestFailed extends Error {
  constructor(
    message: string,
    readonly code: string,
    /** Whole seconds after which the server is willing to try again. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  static unreachable(): RequestFailed {
    return new RequestFailed("The server could not be reached.", UNREACHABLE);
  }
}

/** An entry of a GraphQL response's `errors`. */
export interface GraphQLErrorEntry {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

export function failureFrom({ message, extensions = {} }: GraphQLErrorEntry): RequestFailed {
  const { code, retryAfter } = extensions;
  return new RequestFailed(
    message,
    typeof code === "string" ? code : "INTERNAL_ERROR",
    typeof retryAfter === "number" ? retryAfter : null,
  );
}

export function asFailure(reason: unknown): RequestFailed {
  return reason instanceof RequestFailed ? reason : RequestFailed.unreachable();
}
