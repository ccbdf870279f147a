// Shows what is about to be ended when its moment has come: the server says when, a timer waits. An
// event of the stream brings other moments. Every page has this script.

import { makeSteadily, whenPossible } from "./steady.js";

const LONGEST = 2 ** 31 - 1; // milliseconds that a timer can wait

let timer;

function show() {
  clearTimeout(timer);
  let next = Infinity;
  for (const warning of document.querySelectorAll("[data-warn-at]")) {
    const wait = new Date(warning.dataset.warnAt) - Date.now();
    if (warning.hidden !== wait > 0) hide(warning, wait > 0);
    if (wait > 0) next = Math.min(next, wait);
  }
  if (next < Infinity) timer = setTimeout(show, Math.min(next + 50, LONGEST));
}

// All that is below a warning makes room for it, so that it may have to wait.
function hide(warning, hidden) {
  makeSteadily(warning, () => (warning.hidden = hidden), () => (warning.hidden = !hidden));
}

whenPossible(show);
document.addEventListener("zoe:refreshed", show);
document.addEventListener("visibilitychange", () => document.hidden || show()); // timers sleep, too
show();
