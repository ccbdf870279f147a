// Keeps a page as the server would render it now.
//
// Each event of the stream, and each reconnect, fetches the page again and takes over the parts that
// are marked `data-live` and have changed. So every sentence is written once, on the server, and a
// page that was cut off for an hour is right again after one request.

import { config } from "./config.js";
import * as connection from "./connection.js";
import { get, LoggedOut, Refused } from "./requests.js";
import { showTimes } from "./times.js";

const GATHER = 150; // milliseconds: several events in a row are one refresh
const POSITIONS = 4000; // milliseconds: places in the queue change without an event of one's own
const LOOK = 10000; // milliseconds: on pages that no stream tells of news
const TRY_AGAIN = 3000; // milliseconds

const seen = new Map(); // what the server last rendered, by the id of the part
let source, timer, reopening;
let running = false;
let again = false;
let tries = 0;

// For pages about nothing that moves: they only say whether the scheduler is there.
export function keepFresh() {
  watch();
  setInterval(() => document.hidden || refreshSoon(), LOOK);
  document.addEventListener("visibilitychange", () => document.hidden || refreshSoon());
}

export function keepLive() {
  watch();
  open();
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : open()));
}

function watch() {
  for (const part of parts(document)) seen.set(part.id, part.innerHTML);
  setInterval(() => {
    if (!document.hidden && document.querySelector("[data-waiting]")) refreshSoon();
  }, POSITIONS);
}

// A browser has six connections for all its tabs: one that nobody looks at holds none.
function rest() {
  source?.close();
  clearTimeout(reopening);
}

function open() {
  if (ended() || document.hidden) return;
  source?.close();
  source = new EventSource(`${config.events}?_xsrf=${encodeURIComponent(config.xsrf)}`);
  source.onopen = () => {
    tries = 0;
    refreshSoon();
  };
  source.addEventListener("execution", refreshSoon);
  source.addEventListener("scheduler", refreshSoon);
  source.onerror = () => {
    connection.lost();
    refreshSoon();
    // A refused connection stays closed; an interrupted one is opened again by the browser.
    if (source.readyState === EventSource.CLOSED) reopen();
  };
}

function reopen() {
  clearTimeout(reopening);
  reopening = setTimeout(open, 1000 * Math.min(30, 2 ** tries++));
}

function refreshSoon() {
  if (running) {
    again = true;
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, GATHER);
}

async function refresh() {
  running = true;
  try {
    const response = await get(location.href);
    update(new DOMParser().parseFromString(await response.text(), "text/html"));
    connection.back();
  } catch (error) {
    if (error instanceof LoggedOut) stop(error.message);
    else {
      connection.lost(error instanceof Refused ? `${error.message} Trying again…` : undefined);
      clearTimeout(timer);
      timer = setTimeout(() => document.hidden || refresh(), TRY_AGAIN);
    }
  } finally {
    running = false;
    if (again) {
      again = false;
      refreshSoon();
    }
  }
}

function update(page) {
  for (const fresh of parts(page)) {
    const part = document.getElementById(fresh.id);
    if (part && seen.get(fresh.id) !== fresh.innerHTML) {
      seen.set(fresh.id, fresh.innerHTML);
      swap(part, fresh);
    }
  }
  showTimes();
  document.dispatchEvent(new Event("zoe:refreshed"));
  if (ended()) source?.close();
}

// Takes over what is new; who stands on a button with the keyboard stays there.
function swap(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
}

function parts(page) {
  return page.querySelectorAll("[data-live]");
}

function ended() {
  return document.querySelector("[data-final]") !== null;
}

function stop(message) {
  source?.close();
  clearTimeout(reopening);
  connection.ended(message);
}
