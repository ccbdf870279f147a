// The Hub's page of a server that is about to start: its real state, live, and a Stop that works for
// named servers too.

const page = document.getElementById("zoe-spawn");
const headline = document.getElementById("spawn-now");
const expected = document.getElementById("spawn-expected");
const bar = document.getElementById("spawn-bar");
const steps = document.getElementById("spawn-steps");
const stop = document.getElementById("spawn-stop");
const note = document.getElementById("connection");

const LOOK_EVERY = 2000; // milliseconds between looks while there is no stream
const PATIENCE = 60_000; // milliseconds that a Hub which is back has to launch the server again

// What the Hub says of all that waits when it is stopped itself: no failure of the server.
const CANCELLED = "Spawn cancelled";

let told = "";
let source;
let missingSince = null;

function listen() {
  source = new EventSource(page.dataset.progress);
  source.onopen = () => {
    missingSince = null;
    note.hidden = true;
  };
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => {
    note.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(look, LOOK_EVERY);
  };
}

// The Hub refuses the stream while it is away, and until it has launched the server again after a
// restart: for that long it does not even know this page. So the page stays, and asks.
async function look() {
  const server = await ask();
  if (server === null || server.pending === "check") {
    missingSince = null;
    setTimeout(look, LOOK_EVERY);
  } else if (server.pending === "spawn") {
    listen();
  } else if (server.ready || server.pending || gaveUpOn()) {
    location.reload(); // the Hub knows where to go on
  } else {
    setTimeout(look, LOOK_EVERY);
  }
}

// The Hub's word on the server; null when the Hub is away.
async function ask() {
  try {
    const headers = { "X-XSRFToken": page.dataset.xsrf };
    const response = await fetch(page.dataset.server, { headers });
    return response.ok ? await response.json() : response.status < 500 ? {} : null;
  } catch {
    return null;
  }
}

function gaveUpOn() {
  missingSince ??= Date.now();
  return Date.now() - missingSince > PATIENCE;
}

function show(event) {
  if (event.progress !== undefined) {
    bar.style.width = `${event.progress}%`;
    bar.parentElement.setAttribute("aria-valuenow", event.progress);
  }
  // Its line stays when nothing is expected, so that nothing moves.
  expected.classList.toggle("invisible", !event.expected);
  expected.querySelector("span").textContent = event.expected ?? "…";
  if (event.message && event.message !== told && event.message !== CANCELLED) tell(event.message);
  if (event.failed && event.message === CANCELLED) {
    source.close();
    note.hidden = false;
    setTimeout(look, LOOK_EVERY);
  } else if (event.failed) {
    fail();
  }
  if (event.ready) {
    source.close();
    location.reload(); // the Hub leads on to the server
  }
}

function tell(message) {
  told = message;
  headline.textContent = message;
  const step = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString();
  step.append(time, ` ${message}`);
  steps.append(step);
}

function fail() {
  source.close();
  document.getElementById("spawn-progress").hidden = true;
  document.getElementById("spawn-failed").hidden = false;
  document.getElementById("spawn-details").open = true;
  stop.hidden = true;
}

stop.addEventListener("click", async () => {
  stop.disabled = true;
  stop.textContent = "Stopping…";
  const headers = { "X-XSRFToken": page.dataset.xsrf };
  try {
    const response = await fetch(page.dataset.server, { method: "DELETE", headers });
    if (!response.ok) throw new Error((await response.json()).message);
    source.close();
    location.assign(page.dataset.home);
  } catch (error) {
    stop.disabled = false;
    stop.textContent = "Stop";
    headline.textContent = `It could not be stopped: ${error.message}`;
  }
});

listen();
