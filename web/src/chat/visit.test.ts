import { expect, it } from "vitest";

import { visitAt } from "./visit";

it.each([
  ["/a/DemoAvatar1", { shortId: "DemoAvatar1", source: "link" }],
  ["/a/DemoAvatar1/", { shortId: "DemoAvatar1", source: "link" }],
  ["/a/DemoAvatar1/embed", { shortId: "DemoAvatar1", source: "embed" }],
])("reads %s", (pathname, visit) => {
  expect(visitAt(pathname)).toEqual(visit);
});
