// The note that says when the page is cut off from the portal, and what happens then.

const PATIENCE = 1500; // milliseconds: a reconnect that is quicker is nobody's business

const note = document.getElementById("connection");
let timer;

export function lost(message = "Connection lost. Trying again…") {
  clearTimeout(timer);
  timer = setTimeout(() => show(message), PATIENCE);
}

export function back() {
  clearTimeout(timer);
  note.hidden = true;
}

// Nothing more will come: said at once, and it stays.
export function ended(message) {
  clearTimeout(timer);
  show(message);
}

function show(message) {
  note.textContent = message;
  note.hidden = false;
}
