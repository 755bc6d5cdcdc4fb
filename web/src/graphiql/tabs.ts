/** The operations that GraphiQL opens with: enough to talk to the demo avatar by hand. */

const DEMO_AVATAR = `# The demo avatar, as a visitor sees it.
# Press Ctrl-Enter to ask.
query DemoAvatar {
  publicAvatar(shortId: "DemoAvatar1") {
    shortId
    name
    tagline
    greeting
    backgroundColor
    hasPassword
    allowEmbedding
  }
}
`;

const START_SESSION = `# Opens a session.
# Copy its id into the next tab's variables.
mutation StartSession($input: StartSessionInput!) {
  startSession(input: $input) {
    session {
      id
      greeting
    }
  }
}
`;

const CHAT = `# Put the session's id into the variables.
# A new message needs a new clientMessageId.
subscription Chat($input: SendMessageInput!) {
  chat(input: $input) {
    __typename
    ... on ReplyStarted { seq replyId }
    ... on ReplyChunk { seq text }
    ... on EmotionChanged { seq emotion }
    ... on ProviderSwitched { seq }
    ... on ReplyDone {
      seq
      text
      sources { title relevance }
    }
    ... on ReplyFailed { seq code reason }
  }
}
`;

const AVATARS = `# Your own avatars. Sign in first.
query Avatars {
  avatars(first: 20) {
    edges {
      node {
        id
        name
        tagline
        url
        status
      }
    }
  }
}
`;

const prettyJson = (value: unknown) => JSON.stringify(value, null, 2);

export const READY_MADE_TABS = [
  { query: DEMO_AVATAR },
  { query: START_SESSION, variables: prettyJson({ input: { shortId: "DemoAvatar1" } }) },
  {
    query: CHAT,
    variables: prettyJson({ input: { sessionId: "", content: "What can you do?", clientMessageId: "1" } }),
  },
  { query: AVATARS },
];
