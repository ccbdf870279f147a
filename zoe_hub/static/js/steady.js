// Keeps rows where they are while somebody is about to press something in a list that changes by
// itself: a row that moves at that moment has the wrong one pressed.
//
// Somebody is at a list, which is marked `data-steady`, while her mouse or pen is over it and has
// moved there, for a while after her finger touched it, and while the keyboard is in it; who then does
// nothing for a while has left it. A mouse that has only been left where a button was does not count:
// what that button did is to be seen.

const RESTED = 15_000; // milliseconds: who neither moves the mouse nor types looks elsewhere by then
const TOUCHED = 4000; // milliseconds: who scrolls with a finger presses something soon after

// Something that holds for a while after it was set.
class Lasting {
  value = null;

  constructor(milliseconds) {
    this.milliseconds = milliseconds;
  }

  set(value) {
    clearTimeout(this.timer);
    const left = this.value && this.value !== value;
    this.value = value;
    if (value) this.timer = setTimeout(() => this.set(null), this.milliseconds);
    if (left) then();
  }
}

const under = new Lasting(RESTED); // the list that the mouse is over
const touched = new Lasting(TOUCHED); // the list that a finger has touched
const typed = new Lasting(RESTED); // whether keys are pressed
const waiters = []; // what is called then
let pressed = false;

// Calls `again` whenever what had to wait may be possible.
export function whenPossible(again) {
  waiters.push(again);
}

function then() {
  for (const again of waiters) again();
}

// Makes a change to a part of the page and says whether it stays. It is undone at once, before anybody
// has seen it, if it moves or removes what can be pressed in the list that somebody is at.
export function makeSteadily(part, change, undo) {
  const list = attended();
  // A button that is replaced while it is down is never clicked.
  if (pressed && list?.contains(part)) return false;
  const before = list && places(list);
  change();
  if (!list || isSteady(before, places(list))) return true;
  undo();
  return false;
}

function attended() {
  const focused = typed.value && document.querySelector(":focus-visible");
  return [under.value, touched.value, focused].map(listOf).find(Boolean);
}

function listOf(element) {
  return element?.isConnected ? element.closest("[data-steady]") : null;
}

// Where on the screen everything is that can be pressed, by what it says and does.
function places(list) {
  const found = new Map();
  for (const each of list.querySelectorAll("a[href], button, summary, input, select")) {
    const does = each.getAttribute("href") ?? each.form?.getAttribute("action") ?? "";
    found.set(`${does} ${each.textContent.trim()}`, each.getBoundingClientRect());
  }
  return found;
}

function isSteady(before, after) {
  for (const [key, was] of before) {
    const is = after.get(key);
    if (!is || Math.abs(is.x - was.x) > 1 || Math.abs(is.y - was.y) > 1) return false;
  }
  return true;
}

function notice(event) {
  const list = event.target.closest?.("[data-steady]");
  if (event.pointerType !== "touch") under.set(list);
  else if (list) touched.set(list);
  if (event.type === "pointerdown" && event.button === 0) pressed = Boolean(list);
  if (event.type === "pointermove" && event.buttons === 0 && pressed) release();
}

function release() {
  setTimeout(() => { // the click comes first
    pressed = false;
    then();
  });
}

function leave() {
  for (const each of [under, touched, typed]) each.set(null);
  release();
}

for (const kind of ["pointerdown", "pointermove", "pointerup", "wheel"]) {
  document.addEventListener(kind, notice, { passive: true });
}
for (const kind of ["pointerup", "pointercancel", "contextmenu"]) {
  document.addEventListener(kind, release);
}
addEventListener("blur", release);
document.addEventListener("visibilitychange", leave);
document.documentElement.addEventListener("pointerleave", () => under.set(null));
document.addEventListener("keydown", () => typed.set(true));
document.addEventListener("focusout", () => setTimeout(() => attended() || then()));
