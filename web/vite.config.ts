import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const PAGES = ["index", "sign-in", "chat", "graphiql"];

const pathOf = (page: string) => fileURLToPath(new URL(`${page}.html`, import.meta.url));

/** Makes the text of an operation its id: the server has the same files. */
const storedOperations: Plugin = {
  name: "stored-operations",
  transform: {
    filter: { id: /\.graphql$/ },
    handler: (text) => {
      const hash = createHash("sha256").update(text).digest("hex");
      return { code: `export default "sha256:${hash}"`, moduleType: "js", map: null };
    },
  },
};

export default defineConfig({
  base: "/",
  plugins: [storedOperations],
  build: {
    assetsDir: "assets",
    rolldownOptions: {
      input: PAGES.map(pathOf),
      // GraphiQL's dependencies say "use client" a hundred times, which means nothing here.
      checks: { moduleLevelDirective: false },
    },
    modulePreload: { polyfill: false },
    // GraphiQL is one large chunk; it is served in development only.
    chunkSizeWarningLimit: 2000,
  },
  test: { include: ["src/**/*.test.ts"] },
});
