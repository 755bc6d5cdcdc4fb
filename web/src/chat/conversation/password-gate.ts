/** The state of the password prompt. */
import { UNREACHABLE, type RequestFailed } from "../../graphql/failure";

export interface PasswordGate {
  readonly problem: string | null;
  /** Whole seconds to wait before the next attempt. */
  readonly retryAfter: number | null;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  INVALID_PASSWORD: "That is not the password.",
  PASSWORD_REQUIRED: "Enter the password.",
  RATE_LIMIT_EXCEEDED: "Too many attempts.",
  [UNREACHABLE]: "The server could not be reached. Try again.",
};

export function refusalOfPassword(failure: RequestFailed): PasswordGate {
  return { problem: PROBLEMS[failure.code] ?? failure.message, retryAfter: failure.retryAfter };
}
