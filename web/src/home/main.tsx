import { render } from "preact";

import "../styles/base.css";
import "../styles/home.css";
import { HomePage } from "./HomePage";

const offersGraphiQL = document.querySelector<HTMLMetaElement>('meta[name="graphiql"]')?.content === "on";

render(<HomePage offersGraphiQL={offersGraphiQL} />, document.getElementById("page")!);
