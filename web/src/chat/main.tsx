import { render } from "preact";

import "../styles/base.css";
import "../styles/chat.css";
import "../styles/messages.css";
import { ChatPage } from "./ChatPage";
import { visitAt } from "./visit";

render(<ChatPage visit={visitAt(location.pathname, window.parent !== window)} />, document.getElementById("page")!);
