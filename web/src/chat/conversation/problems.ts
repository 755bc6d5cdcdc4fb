/** What a failed request means for the visitor. */
import { UNREACHABLE, type RequestFailed } from "../../graphql/failure";

const SESSION_IS_OVER = new Set(["SESSION_EXPIRED", "SESSION_ENDED", "NOT_FOUND"]);
const NEEDS_PASSWORD = new Set(["PASSWORD_REQUIRED", "INVALID_PASSWORD"]);

export function sessionIsOver(failure: RequestFailed): boolean {
  return SESSION_IS_OVER.has(failure.code);
}

export function needsPassword(failure: RequestFailed): boolean {
  return NEEDS_PASSWORD.has(failure.code);
}

export function explain(failure: RequestFailed): string {
  if (failure.code === UNREACHABLE) return "The server could not be reached.";
  if (needsPassword(failure)) return "This avatar asks for a password.";
  if (failure.retryAfter !== null) return `Too many messages. Try again in ${failure.retryAfter} s.`;
  return failure.message;
}
