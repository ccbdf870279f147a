// Keeps a page as the server would render it now.
//
// Each event of the stream, and each reconnect, fetches the page again and takes over the parts that
// are marked `data-live` and have changed. So every sentence is written once, on the server, and a
// page that was cut off for an hour is right again after one request. After a sleep the stream is
// opened anew: a connection that died meanwhile may look alive for a long time.
//
// What would move a list that somebody is at waits until she leaves it (steady.js).

import { config } from "./config.js";
import * as connection from "./connection.js";
import { get, LoggedOut, Refused } from "./requests.js";
import { makeSteadily, whenPossible } from "./steady.js";
import { showTimes } from "./times.js";

const GATHER = 150; // milliseconds: several events in a row are one refresh
const POSITIONS = 4000; // milliseconds: places in the queue change without an event of one's own
const LOOK = 10000; // milliseconds: on pages that no stream tells of news
const TRY_AGAIN = 3000; // milliseconds
const TICK = 5000; // milliseconds: a clock that jumps by much more was asleep
const ASLEEP = 30_000; // milliseconds

const seen = new Map(); // what the server rendered of what is shown, by the id of the part
const waiting = new Map(); // what it rendered since then that has to wait
let source, timer, reopening;
let running = false;
let again = false;
let tries = 0;

// For pages about what moves without an event of one's own.
export function keepFresh() {
  watch();
  setInterval(() => document.hidden || refreshSoon(), LOOK);
  document.addEventListener("visibilitychange", () => document.hidden || refreshSoon());
}

export function keepLive() {
  watch();
  open();
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : open()));
  addEventListener("online", open);
  addEventListener("offline", () => connection.lost());
  wakeUp();
}

function wakeUp() {
  let last = Date.now();
  setInterval(() => {
    const slept = Date.now() - last > ASLEEP;
    last = Date.now();
    if (slept) {
      open();
      document.dispatchEvent(new Event("zoe:woke"));
    }
  }, TICK);
}

function watch() {
  for (const part of parts(document)) seen.set(part.id, part.innerHTML);
  whenPossible(() => waiting.size && takeOver([...waiting.values()]));
  setInterval(() => {
    if (!document.hidden && document.querySelector("[data-moves-silently]")) refreshSoon();
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
  const address = new URL(config.events, location.href);
  address.searchParams.set("_xsrf", config.xsrf);
  source = new EventSource(address);
  source.onopen = () => {
    tries = 0;
    refreshSoon();
  };
  source.addEventListener("execution", refreshSoon);
  source.addEventListener("scheduler", refreshSoon);
  source.addEventListener("cluster", refreshSoon);
  source.addEventListener("use", (event) => {
    document.dispatchEvent(new CustomEvent("zoe:use", { detail: JSON.parse(event.data) }));
  });
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
  timer = setTimeout(refresh, config.gather ?? GATHER);
}

async function refresh() {
  running = true;
  try {
    const response = await get(location.href);
    takeOver(parts(new DOMParser().parseFromString(await response.text(), "text/html")));
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

function takeOver(parts) {
  for (const fresh of parts) {
    const part = document.getElementById(fresh.id);
    const rendered = fresh.innerHTML;
    waiting.delete(fresh.id);
    if (!part || seen.get(fresh.id) === rendered) continue;
    if (replace(part, fresh)) seen.set(fresh.id, rendered);
    else waiting.set(fresh.id, fresh);
  }
  document.getElementById("held-back").hidden = waiting.size === 0;
  showTimes();
  document.dispatchEvent(new Event("zoe:refreshed"));
  if (ended()) source?.close();
}

// Says whether it could be done; if not, all is as before.
function replace(part, fresh) {
  const before = [...part.childNodes];
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const change = () => {
    swap(part, fresh.cloneNode(true), focused?.id);
    showTimes();
  };
  return makeSteadily(part, change, () => {
    part.replaceChildren(...before);
    focused?.focus({ preventScroll: true });
  });
}

// Who stands on a button with the keyboard stays there, and what was unfolded stays so.
function swap(part, fresh, focused) {
  const unfolded = [...part.querySelectorAll("details[open] > summary[id]")];
  part.replaceChildren(...fresh.childNodes);
  for (const { id } of unfolded) {
    document.getElementById(id)?.parentElement.setAttribute("open", "");
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
