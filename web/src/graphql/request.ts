/** Queries and mutations: one POST each, answered with data or with a RequestFailed. */
import { failureFrom, RequestFailed, type GraphQLErrorEntry } from "./failure";

const PATIENCE_MS = 20_000;

interface GraphQLResponse<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLErrorEntry[];
}

export async function request<Data>(
  documentId: string,
  variables: Readonly<Record<string, unknown>> = {},
  token: string | null = null,
): Promise<Data> {
  const { data, errors } = await post<Data>(JSON.stringify({ documentId, variables }), token);
  const error = errors?.[0];
  if (error) throw failureFrom(error);
  if (!data) throw RequestFailed.unreachable();
  return data;
}

async function post<Data>(body: string, token: string | null): Promise<GraphQLResponse<Data>> {
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: headers(token),
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return (await response.json()) as GraphQLResponse<Data>;
  } catch {
    throw RequestFailed.unreachable();
  }
}

function headers(token: string | null): Record<string, string> {
  return {
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json, application/json",
    ...(token && { Authorization: `Bearer ${token}` }),
  };
}
