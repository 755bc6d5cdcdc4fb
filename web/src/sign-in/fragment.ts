/** The token of a sign-in link such as `/sign-in#token=…`: a fragment is never sent to a server or logged. */
export function tokenIn(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("token") || null;
}
