import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { createClient } from "graphql-ws/client";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

import { readToken } from "../account/token";
import "../styles/graphiql.css";
import { READY_MADE_TABS } from "./tabs";

const url = new URL("/graphql", location.href).href;

function authorization(): Record<string, string> {
  const token = readToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

const fetcher = createGraphiQLFetcher({
  url,
  fetch: (input, init) =>
    fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), ...authorization() } }),
  wsClient: createClient({ url: url.replace(/^http/, "ws"), connectionParams: authorization }),
});

createRoot(document.getElementById("page")!).render(
  createElement(GraphiQL, { fetcher, defaultTabs: READY_MADE_TABS, defaultEditorToolsVisibility: "variables" }),
);
