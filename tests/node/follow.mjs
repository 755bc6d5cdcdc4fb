// Follows a reply with npm's graphql-ws or graphql-sse, drops the connection after every chunk, and resumes.
// node follow.mjs ws|sse <address of /graphql> <reply id>: prints each event as a line of JSON.
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

const [transport, url, replyId] = process.argv.slice(2);
const query = `subscription ($id: ID!, $after: Int) {
  reply(replyId: $id, afterSeq: $after) {
    __typename
    ... on ReplyStarted { seq }
    ... on ReplyChunk { seq text }
    ... on ReplyDone { seq text }
    ... on ReplyFailed { seq code }
  }
}`;

function openClient() {
  if (transport === "sse") {
    return createSseClient({ url, retryAttempts: 0 });
  }
  return createWsClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0, lazy: true });
}

function drop(client) {
  if (transport === "ws") {
    client.terminate();
  }
  client.dispose();
}

// Resolves with the last event that arrived before the drop or the end.
function followUntilDrop(after) {
  return new Promise((resolve, reject) => {
    const client = openClient();
    let last;
    let dropped = false;
    const finish = () => resolve(last);
    client.subscribe(
      { query, variables: { id: replyId, after } },
      {
        next({ data, errors }) {
          if (dropped) return;
          if (errors) return reject(new Error(JSON.stringify(errors)));
          last = data.reply;
          console.log(JSON.stringify(last));
          if (last.__typename === "ReplyChunk") {
            dropped = true;
            drop(client);
            finish();
          }
        },
        error: (error) => (dropped ? finish() : reject(error)),
        complete: finish,
      },
    );
  });
}

let last = { seq: 0 };
while (last.__typename !== "ReplyDone" && last.__typename !== "ReplyFailed") {
  last = await followUntilDrop(last.seq);
}
process.exit(0);
