/** What the address says about a visit: which avatar, and on a page of its own or framed by another site. */
export interface Visit {
  readonly shortId: string;
  readonly source: "link" | "embed";
}

export function visitAt(pathname: string, isFramed: boolean): Visit {
  const [, , shortId = ""] = pathname.split("/");
  return { shortId: decodeURIComponent(shortId), source: isFramed ? "embed" : "link" };
}
