import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/player.css";
import "./styles/overlays.css";
import "./styles/watch.css";
import "./styles/directory.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { startRouter } from "./router.ts";
import { startTheme } from "./theme.ts";

startTheme();
startRouter();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
