// Styles first: those of pages and parts come after them and have the last word.
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/parts.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { followOtherTabs } from "./settings/settings";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no `#root`");
followOtherTabs();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
