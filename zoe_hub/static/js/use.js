// Memory and CPU of the instances over time: what was measured so far, then each new sample.

import { config } from "./config.js";
import { chart } from "./chart.js";
import { get } from "./requests.js";

const MOST = 480; // samples of one instance: twice what the portal tells, which merges old ones
const GB = 2 ** 30;
const MB = 2 ** 20;

const section = document.getElementById("use");
const charts = document.getElementById("use-charts");
const known = new Map(); // by instance and attempt
let asking = false;

export function showUse() {
  document.addEventListener("zoe:use", (event) => take(event.detail));
  document.addEventListener("zoe:refreshed", () => {
    if (rows().some((row) => row.hasAttribute("data-runs") && !known.has(keyOf(row)))) read();
  });
  document.addEventListener("visibilitychange", () => document.hidden || read());
  if (rows().length) read();
}

function rows() {
  return [...document.querySelectorAll("[data-instance]")];
}

function keyOf(row) {
  return `${row.dataset.instance}#${row.dataset.attempt}`;
}

// The whole past, also of what was missed. Nobody knows it while the scheduler is away.
async function read() {
  if (asking) return;
  asking = true;
  try {
    const response = await get(config.use);
    for (const item of (await response.json()).items) {
      known.set(`${item.instance}#${item.attempt}`, item);
    }
    paint();
  } catch {
    // What is shown stays.
  } finally {
    asking = false;
  }
}

function take({ at, items }) {
  let anew = false;
  for (const { instance, attempt, memory, cores } of items) {
    const item = known.get(`${instance}#${attempt}`);
    item?.samples.push({ at, memory, cores });
    if (!item || item.samples.length > MOST) anew = true;
  }
  if (anew) read();
  paint();
}

function paint() {
  const measured = [...known.values()].filter((item) => item.samples.length);
  section.hidden = measured.length === 0;
  charts.replaceChildren(...measured.map(card));
}

function card(item) {
  const last = item.samples.at(-1);
  const limit = item.memory_limit ?? null;
  const card = document.createElement("article");
  const title = document.createElement("h3");
  title.textContent = item.attempt > 1 ? `${item.instance}, attempt ${item.attempt}` : item.instance;
  const of = limit ?? item.reserved.memory;
  const ofCores = item.reserved.cores;
  card.append(
    title,
    chart({
      label: "Memory",
      now: `${bytes(last.memory)} of ${bytes(of)}${limit ? "" : " reserved"}`,
      points: item.samples.map((each) => [Date.parse(each.at), each.memory]),
      line: of,
    }),
    chart({
      label: "CPU",
      now: `${cores(last.cores)} of ${plural(ofCores)} reserved`,
      points: item.samples.map((each) => [Date.parse(each.at), each.cores]),
      line: ofCores,
    }),
  );
  return card;
}

function bytes(size) {
  if (size >= GB) return `${(size / GB).toFixed(1).replace(/\.0$/, "")} GB`;
  return `${Math.round(size / MB)} MB`;
}

function cores(value) {
  return value.toFixed(value < 10 ? 2 : 1).replace(/\.?0+$/, "") || "0";
}

function plural(value) {
  return `${cores(value)} ${value === 1 ? "core" : "cores"}`;
}
