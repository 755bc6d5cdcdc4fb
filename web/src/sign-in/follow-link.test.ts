import { expect, it } from "vitest";

import type { Account, Session } from "../account/me";
import { RequestFailed } from "../graphql/failure";
import { followLink, type SignInApi } from "./follow-link";

const ADA: Account = { id: "1", email: "ada@example.com" };
const BOB: Account = { id: "2", email: "bob@example.com" };
const ADAS: Session = { token: "lasting", account: ADA };

/** A server that knows these tokens, and answers any other as it is told. */
class FakeServer implements SignInApi {
  readonly links = new Map([["link", ADAS]]);
  readonly kept = new Map([
    ["ada", ADA],
    ["bob", BOB],
  ]);
  refusal = new RequestFailed("No.", "TOKEN_INVALID");

  signIn = async (token: string) => this.known(this.links.get(token));
  fetchAccount = async (token: string) => this.known(this.kept.get(token));

  private known<T>(found: T | undefined): T {
    if (!found) throw this.refusal;
    return found;
  }
}

const server = (code = "TOKEN_INVALID") => {
  const server = new FakeServer();
  server.refusal = new RequestFailed("No.", code);
  return server;
};

it("signs in where nobody is signed in", async () => {
  expect(await followLink(server(), "link", null)).toEqual({ kind: "in", offered: ADAS });
});

it("asks nothing of whom the link belongs to", async () => {
  expect(await followLink(server(), "link", "ada")).toEqual({ kind: "in", offered: ADAS });
});

it("asks where somebody else is signed in", async () => {
  expect(await followLink(server(), "link", "bob")).toEqual({ kind: "asks", offered: ADAS, present: BOB });
});

it.each(["TOKEN_EXPIRED", "TOKEN_INVALID", "UNAUTHORIZED"])("asks nothing for a kept token that is %s", async (code) => {
  expect(await followLink(server(code), "link", "old")).toEqual({ kind: "in", offered: ADAS });
});

it("does not replace a sign-in that cannot be checked now", async () => {
  expect(await followLink(server("SERVICE_UNAVAILABLE"), "link", "somebody's")).toMatchObject({ kind: "failed" });
});

it.each([
  ["TOKEN_EXPIRED", "expired"],
  ["TOKEN_INVALID", "refused"],
  ["UNREACHABLE", "failed"],
])("tells a link that meets %s as %s", async (code, kind) => {
  expect(await followLink(server(code), "rubbish", "bob")).toMatchObject({ kind });
});
