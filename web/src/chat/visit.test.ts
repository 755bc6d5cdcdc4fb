import { expect, it } from "vitest";

import { visitAt } from "./visit";

it.each([
  ["/a/DemoAvatar1", false, { shortId: "DemoAvatar1", source: "link" }],
  ["/a/DemoAvatar1/", false, { shortId: "DemoAvatar1", source: "link" }],
  ["/a/DemoAvatar1/embed", false, { shortId: "DemoAvatar1", source: "link" }],
  ["/a/DemoAvatar1/embed", true, { shortId: "DemoAvatar1", source: "embed" }],
  ["/a/DemoAvatar1", true, { shortId: "DemoAvatar1", source: "embed" }],
])("reads %s, framed: %s", (pathname, isFramed, visit) => {
  expect(visitAt(pathname, isFramed)).toEqual(visit);
});
