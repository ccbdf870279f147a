// Requests to the portal, with what its protection against forged requests asks for.

import { config } from "./config.js";

const PATIENCE = 30_000; // milliseconds for a whole answer: a connection may die without a word

// The session has ended: the portal answered with the way to the login instead.
export class LoggedOut extends Error {}

// The portal answered with an error; the message is its own, for people.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// With a signal of one's own it may take as long as it likes.
export function get(url, { signal = AbortSignal.timeout(PATIENCE) } = {}) {
  return answered(url, { signal, cache: "no-store" });
}

export function send(url, body, { signal } = {}) {
  return answered(url, { method: "POST", body, signal });
}

async function answered(url, options) {
  const headers = { "X-XSRFToken": config.xsrf };
  const response = await fetch(url, { headers, ...options });
  if (response.redirected || response.status === 401 || response.status === 403) {
    throw new LoggedOut("You are logged out. Reload the page to log in again.");
  }
  if (!response.ok) {
    throw new Refused(response.status, await explanation(response));
  }
  return response;
}

async function explanation(response) {
  const type = response.headers.get("Content-Type") ?? "";
  let said = "";
  if (type.includes("json")) {
    const problem = await response.json().catch(() => null);
    said = problem?.detail || problem?.title;
  } else if (type.includes("html")) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    said = page.querySelector("[data-problem]")?.textContent;
  }
  return said || `The portal answered ${response.status}.`;
}

// Seconds to wait before try number `tries` (from 0): 1, 2, 4 … 30.
export function pause(tries) {
  return new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(30, 2 ** tries)));
}
