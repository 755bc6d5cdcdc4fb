/** An operation that the server has stored: what is imported is its id. */
declare module "*.graphql" {
  const documentId: string;
  export default documentId;
}
