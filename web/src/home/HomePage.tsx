import { AccountBar } from "./AccountBar";
import { AvatarList } from "./AvatarList";
import { useSignedIn } from "./use-signed-in";

export function HomePage({ offersGraphiQL }: { offersGraphiQL: boolean }) {
  const { signedIn, signOut } = useSignedIn();
  return (
    <main class="sheet">
      <header class="home-header">
        <p class="brand">
          <img src="/favicon.svg" alt="" width="28" height="28" /> Avatarium
        </p>
        <AccountBar signedIn={signedIn} signOut={signOut} />
      </header>
      <h1>Talking avatars, on your own server.</h1>
      <p class="lead">This server gives your web site characters that talk with your visitors.</p>
      <nav class="doors" aria-label="Start here">
        <a class="door door-first" href="/a/DemoAvatar1">
          <strong>Demo avatar</strong>
          <span>Talk to it, no account needed</span>
        </a>
        {offersGraphiQL && (
          <a class="door" href="/graphql">
            <strong>GraphiQL</strong>
            <span>Try the API by hand</span>
          </a>
        )}
        <a class="door" href="/health">
          <strong>Health</strong>
          <span>How this server is doing</span>
        </a>
      </nav>
      {signedIn.kind === "in" && <AvatarList token={signedIn.token} />}
    </main>
  );
}
