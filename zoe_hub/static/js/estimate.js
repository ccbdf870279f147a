// The launch form answers before the click: what it needs and when it would start as it is filled
// in, and with other numbers of instances, each of which is a button that takes it. The form for own
// descriptions asks for what is wrong, too.

import { send } from "./requests.js";

const QUIET = 350; // milliseconds without a change before the scheduler is asked
const AGAIN = 30_000; // milliseconds: the answer changes by itself, too
const PRESSED = 100; // milliseconds between two looks whether a button is still down

const form = document.querySelector("form[data-estimate]");
const place = document.getElementById("estimate");
let asking, timer, showing;

export function answerBeforeTheClick() {
  if (!form) return;
  place.hidden = false;
  form.addEventListener("input", askSoon);
  form.addEventListener("submit", stop);
  place.addEventListener("click", take);
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : ask()));
  addEventListener("pageshow", ask); // also after the browser's back button
}

function askSoon() {
  stop();
  place.setAttribute("aria-busy", "true");
  timer = setTimeout(ask, QUIET);
}

function stop() {
  clearTimeout(timer);
  clearTimeout(showing);
  asking?.abort();
}

async function ask() {
  stop();
  asking = new AbortController();
  const { signal } = asking;
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await send(form.dataset.estimate, body, { signal });
    show(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch (error) {
    if (signal.aborted) return;
    show(nothing());
  }
  place.removeAttribute("aria-busy");
  timer = setTimeout(() => document.hidden || ask(), AGAIN);
}

// What stands in for an answer.
function nothing() {
  const part = document.createElement("div");
  part.innerHTML = '<p id="estimate-when"></p><div id="estimate-others"></div>';
  part.firstChild.textContent = form.dataset.noEstimate;
  return part;
}

function show(part) {
  let pressed = false;
  for (const id of ["estimate-when", "estimate-others", "needs", "problems"]) {
    const fresh = part.querySelector(`#${id}`);
    const shown = document.getElementById(id);
    if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) continue;
    // What is needed is not known of a launch that would be refused: what was known stays.
    if (id === "needs" && !fresh.children.length) continue;
    // A button that is replaced while it is down is never clicked.
    if (shown.matches(":active")) pressed = true;
    else replace(shown, fresh.cloneNode(true));
  }
  if (pressed) showing = setTimeout(() => show(part), PRESSED);
}

// Who stands on a button with the keyboard stays there; if it has gone, she is where it led.
function replace(shown, fresh) {
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  shown.replaceChildren(...fresh.childNodes);
  if (!focused) return;
  const next = document.getElementById(focused.id) ?? form.elements[focused.dataset.take];
  next?.focus({ preventScroll: true });
}

function take(event) {
  const button = event.target.closest("[data-take]");
  if (!button) return;
  const input = form.elements[button.dataset.take];
  input.value = button.dataset.value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus(); // the button may be gone in a moment
}
