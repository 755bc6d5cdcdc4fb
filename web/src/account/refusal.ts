import { type RequestFailed } from "../graphql/failure";

const REFUSALS = new Set(["UNAUTHORIZED", "TOKEN_EXPIRED", "TOKEN_INVALID", "INVALID_API_KEY"]);

/** Whether the token itself is at fault, so that keeping it is of no use. */
export function isTokenRefused(failure: RequestFailed): boolean {
  return REFUSALS.has(failure.code);
}
