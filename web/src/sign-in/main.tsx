import { render } from "preact";

import { keepToken, readToken } from "../account/token";
import "../styles/base.css";
import { tokenIn } from "./fragment";
import { SignInPage } from "./SignInPage";

const token = tokenIn(location.hash);
if (token) {
  keepToken(token);
  history.replaceState(null, "", location.pathname);
}

// A second link pasted into this page changes only the fragment, which loads nothing by itself.
addEventListener("hashchange", () => location.reload());

render(<SignInPage token={token ?? readToken()} />, document.getElementById("page")!);
