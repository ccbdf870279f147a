// Searches the log that is shown: marks what matches, and goes from one match to the next.

const MOST = 2000; // matches that are marked

const pane = document.getElementById("log");
const input = document.getElementById("log-find");
const matches = document.getElementById("log-matches");
const buttons = { previous: document.getElementById("log-previous"), next: document.getElementById("log-next") };
const marks = globalThis.CSS?.highlights; // without it the match is selected instead

let found = []; // where each match begins, and how long it is
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
  found = [];
  current = -1;
  for (const match of input.value ? matchesOf(input.value) : []) {
    found.push({ index: match.index, length: match[0].length });
    if (found.length === MOST) break;
  }
  mark();
}

// In the text as it is: in lower case some letters are longer, and all that follows is elsewhere.
function matchesOf(wanted) {
  const literally = wanted.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return (pane.firstChild?.data ?? "").matchAll(new RegExp(literally, "giu"));
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

function range({ index, length }) {
  const made = new Range();
  made.setStart(pane.firstChild, index);
  made.setEnd(pane.firstChild, index + length);
  return made;
}
