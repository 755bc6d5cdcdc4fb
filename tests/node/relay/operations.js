// What an application built with Relay would ask: the compiler must accept it against our printed schema.
graphql`
  query operationsNodeQuery($id: ID!) {
    node(id: $id) {
      id
      ... on Avatar {
        name
      }
    }
  }
`;

graphql`
  query operationsAvatarsQuery {
    ...operations_avatars
  }
`;

graphql`
  fragment operations_avatars on Query
  @refetchable(queryName: "operationsAvatarsPageQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 20 }, after: { type: "String" }) {
    avatars(first: $first, after: $after) @connection(key: "operations_avatars") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

graphql`
  fragment operations_session on Session
  @refetchable(queryName: "operationsSessionPageQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 50 }, after: { type: "String" }) {
    messages(first: $first, after: $after) @connection(key: "operations_messages") {
      edges {
        node {
          id
          content
        }
      }
    }
  }
`;

graphql`
  mutation operationsStartMutation($input: StartSessionInput!) {
    startSession(input: $input) {
      session {
        id
        ...operations_session
      }
    }
  }
`;

graphql`
  subscription operationsReplySubscription($id: ID!, $after: Int) {
    reply(replyId: $id, afterSeq: $after) {
      __typename
      ... on ReplyChunk {
        seq
        text
      }
      ... on ReplyDone {
        message {
          id
        }
      }
    }
  }
`;
