// The page of one execution.

import "./confirm.js";
import { keepLive } from "./live.js";
import { showLogs } from "./log.js";
import { showUse } from "./use.js";

// The whole state is replaced when it changes; only its headline is worth reading out.
function announce() {
  const headline = document.getElementById("story").textContent;
  const announcement = document.getElementById("announcement");
  if (announcement.textContent !== headline) announcement.textContent = headline;
}

document.addEventListener("zoe:refreshed", announce);
keepLive();
showLogs();
showUse();
