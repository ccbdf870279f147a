// Searches the log that is shown: marks what matches, and goes from one match to the next.

const MOST = 2000; // matches that are marked

const pane = document.getElementById("log");
const input = document.getElementById("log-find");
const matches = document.getElementById("log-matches");
const buttons = { previous: document.getElementById("log-previous"), next: document.getElementById("log-next") };
const marks = globalThis.CSS?.highlights; // without it the match is selected instead

let found = [];
let current = -1;

// `leaveEnd` is called when a match is shown, so that following does not scroll away from it.
export function searchLog(leaveEnd) {
  input.addEventListener("input", () => {
    find();
    if (found.length) go(found.length - 1, leaveEnd); // the newest
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    go(current + (event.shiftKey ? -1 : 1), leaveEnd);
  });
  buttons.previous.addEventListener("click", () => go(current - 1, leaveEnd));
  buttons.next.addEventListener("click", () => go(current + 1, leaveEnd));
}

// The text was painted anew: the same place counts on.
export function searchAgain() {
  if (!input.value) return;
  const before = current;
  find();
  current = Math.min(before, found.length - 1);
  mark();
}

function find() {
  const wanted = input.value.toLowerCase();
  const text = pane.firstChild?.data.toLowerCase() ?? "";
  found = [];
  current = -1;
  for (let at = wanted ? text.indexOf(wanted) : -1; at >= 0 && found.length < MOST; ) {
    found.push(at);
    at = text.indexOf(wanted, at + wanted.length);
  }
  mark();
}

function go(number, leaveEnd) {
  if (!found.length) return;
  current = (number + found.length) % found.length;
  mark();
  leaveEnd();
  const place = range(found[current]).getBoundingClientRect();
  const frame = pane.getBoundingClientRect();
  pane.scrollTop += place.top - frame.top - frame.height / 2;
}

function mark() {
  const some = found.length >= MOST ? `${MOST} or more` : found.length;
  matches.textContent = !input.value ? "" : found.length ? `${current + 1} of ${some}` : "Nothing";
  for (const button of Object.values(buttons)) button.disabled = !found.length;
  if (marks) {
    marks.set("zoe-match", new Highlight(...found.map(range)));
    marks.set("zoe-match-current", new Highlight(...(current < 0 ? [] : [range(found[current])])));
  } else if (current >= 0) {
    getSelection().removeAllRanges();
    getSelection().addRange(range(found[current]));
  }
}

function range(at) {
  const made = new Range();
  made.setStart(pane.firstChild, at);
  made.setEnd(pane.firstChild, at + input.value.length);
  return made;
}
