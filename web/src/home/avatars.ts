import AVATARS from "../../operations/Avatars.graphql";
import { request } from "../graphql/request";

export interface OwnAvatar {
  readonly id: string;
  readonly name: string;
  readonly tagline: string | null;
  readonly url: string;
  readonly status: string;
}

interface AvatarsData {
  readonly avatars: { readonly edges: readonly { readonly node: OwnAvatar }[] };
}

export async function fetchAvatars(token: string): Promise<OwnAvatar[]> {
  const data = await request<AvatarsData>(AVATARS, {}, token);
  return data.avatars.edges.map((edge) => edge.node);
}
