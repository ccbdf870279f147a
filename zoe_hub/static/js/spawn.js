// The Hub's page of a server that is about to start: its real state, live, and a Stop that works for
// named servers too.

const page = document.getElementById("zoe-spawn");
const headline = document.getElementById("spawn-now");
const bar = document.getElementById("spawn-bar");
const steps = document.getElementById("spawn-steps");
const stop = document.getElementById("spawn-stop");
const note = document.getElementById("connection");

let told = "";
let source;

function listen() {
  source = new EventSource(page.dataset.progress);
  source.onopen = () => (note.hidden = true);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => {
    note.hidden = false;
    // The Hub ends the stream when the server is there, or gone: it knows where to go on.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  };
}

function show(event) {
  if (event.progress !== undefined) {
    bar.style.width = `${event.progress}%`;
    bar.parentElement.setAttribute("aria-valuenow", event.progress);
  }
  if (event.message && event.message !== told) tell(event.message);
  if (event.failed) fail();
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
    const response = await fetch(page.dataset.stop, { method: "DELETE", headers });
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
