import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const PAGES = ["index", "sign-in", "chat", "graphiql"];

const pathOf = (page: string) => fileURLToPath(new URL(`${page}.html`, import.meta.url));

export default defineConfig({
  base: "/",
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
