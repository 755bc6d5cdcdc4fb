/** What the address says about a visit: which avatar, and on a page of its own or framed by another site. */
export interface Visit {
  readonly shortId: string;
  readonly source: "link" | "embed";
}

export function visitAt(pathname: string): Visit {
  const [, , shortId = "", view] = pathname.split("/");
  return { shortId: decodeURIComponent(shortId), source: view === "embed" ? "embed" : "link" };
}
