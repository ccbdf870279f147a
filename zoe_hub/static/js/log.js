// The live log of one instance: streamed, resumed at the byte where it broke off, and followed.

import { config } from "./config.js";
import { searchAgain, searchLog } from "./logfind.js";
import { LogText } from "./logtext.js";
import { get, LoggedOut, pause, Refused } from "./requests.js";

const PAINT = 150; // milliseconds between two paints
const LINES = 5000; // shown of a long log at first
const BOTTOM = 24; // pixels from the end that still count as reading the end

const pane = document.getElementById("log");
const choice = document.getElementById("log-instance");
const follow = document.getElementById("log-follow");
const note = document.getElementById("log-note");
const download = document.getElementById("log-download");

let current = { key: "" };

export function showLogs() {
  choice.addEventListener("change", start);
  follow.addEventListener("change", toEnd);
  pane.addEventListener("scroll", () => {
    follow.checked = pane.scrollHeight - pane.scrollTop - pane.clientHeight < BOTTOM;
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : goOn()));
  document.addEventListener("zoe:woke", () => {
    rest(); // its connection may have died meanwhile, and look alive
    document.hidden || goOn();
  });
  document.addEventListener("zoe:refreshed", () => {
    offerInstances();
    if (current.key !== key()) start();
  });
  searchLog(() => (follow.checked = false));
  offerInstances();
  start();
}

function rows() {
  return [...document.querySelectorAll("[data-instance]")];
}

function chosen() {
  return rows().find((row) => row.dataset.instance === choice.value);
}

// Another attempt of an instance has a log of its own.
function key() {
  return `${choice.value}#${chosen()?.dataset.attempt ?? ""}`;
}

// Instances appear while the page is open; the one that decides the end is shown first.
function offerInstances() {
  const known = new Set([...choice.options].map((option) => option.value));
  for (const row of rows()) {
    if (known.has(row.dataset.instance)) continue;
    const first = known.size === 0 || (row.hasAttribute("data-monitor") && !choice.dataset.settled);
    choice.add(new Option(row.dataset.instance, row.dataset.instance, false, first));
    if (row.hasAttribute("data-monitor")) choice.dataset.settled = "";
    known.add(row.dataset.instance);
  }
  document.getElementById("log-tools").hidden = known.size === 0;
  document.getElementById("log-search").hidden = known.size === 0;
  document.getElementById("log-empty").hidden = known.size !== 0;
}

function start() {
  current.abort?.abort();
  if (!choice.value) return;
  const url = `${config.instances}/${encodeURIComponent(choice.value)}/logs`;
  const decoder = new TextDecoder();
  current = { key: key(), abort: new AbortController(), text: new LogText(), decoder, url };
  download.href = url;
  download.download = `${config.execution}-${choice.value}.log`;
  follow.checked = true;
  pane.textContent = "";
  say("");
  read(current);
}

// A browser has six connections for all its tabs: one that nobody looks at holds none.
function rest() {
  current.abort?.abort();
}

function goOn() {
  if (!current.abort?.signal.aborted) return;
  current.abort = new AbortController();
  read(current);
}

async function read(log) {
  const { signal } = log.abort;
  for (log.tries = 0; !signal.aborted; log.tries++) {
    try {
      const response = await get(`${log.url}?follow=true&${place(log)}`, { signal });
      log.offset = Number(response.headers.get("X-Log-Offset"));
      if (log.text.empty) log.text.cut = log.offset > 0;
      say(log.text.empty && runs() ? "It has written nothing so far." : "");
      await take(log, response);
      if (!runs()) return finish(log);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LoggedOut) return say(error.message);
      if (error instanceof Refused && error.status < 500 && !runs()) return say(error.message);
      say(`${error instanceof Refused ? error.message : "Connection lost."} Trying again…`);
    }
    await pause(log.tries);
  }
}

function place(log) {
  return log.offset === undefined ? `tail=${LINES}` : `offset=${log.offset}`;
}

// Reads one answer to its end, or to where it breaks off: perhaps in the middle of a character.
async function take(log, response) {
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value.length) say("");
    log.tries = 0;
    log.offset += value.length;
    log.text.add(log.decoder.decode(value, { stream: true }));
    paintSoon(log);
  }
}

function runs() {
  return chosen()?.hasAttribute("data-runs") ?? false;
}

function finish(log) {
  paint(log);
  if (log.offset === 0) say("It wrote nothing.");
}

function paintSoon(log) {
  log.timer ??= setTimeout(() => {
    log.timer = undefined;
    if (log === current) paint(log);
  }, PAINT);
}

function paint(log) {
  pane.textContent = log.text.text;
  searchAgain();
  document.getElementById("log-cut").hidden = !log.text.cut;
  toEnd();
}

function toEnd() {
  if (follow.checked) pane.scrollTop = pane.scrollHeight;
}

function say(message) {
  note.textContent = message;
  note.hidden = !message;
}
