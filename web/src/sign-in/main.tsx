import { render } from "preact";

import "../styles/base.css";
import { tokenIn } from "./fragment";
import { SignInPage } from "./SignInPage";

const token = tokenIn(location.hash);
if (token) history.replaceState(null, "", location.pathname);

// A second link pasted into this page changes only the fragment, which loads nothing by itself.
addEventListener("hashchange", () => location.reload());

render(<SignInPage token={token} />, document.getElementById("page")!);
