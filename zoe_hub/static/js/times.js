// Keeps "3 min ago" and "for 3 min 5 s" true while a page is open, and shows exact times in the
// reader's own time zone. The same words are in zoe_hub/portal/presenters/times.py.

const DAY = 86400;
const UNITS = [[DAY, "d"], [3600, "h"], [60, "min"], [1, "s"]];

function ago(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "1 day ago" : `${days} days ago`;
}

// In its two largest units: "45 s", "3 min 5 s", "2 h 10 min".
function duration(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || parts.length || size === 1) parts.push([count, name]);
  }
  const told = parts.slice(0, 2).filter(([count]) => count);
  return told.map(([count, name]) => `${count} ${name}`).join(" ") || "0 s";
}

function secondsSince(moment) {
  return (Date.now() - moment) / 1000;
}

export function showTimes() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const at = new Date(element.dateTime);
    element.title = at.toLocaleString();
    if (secondsSince(at) < 31 * DAY) element.textContent = ago(secondsSince(at));
  }
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = duration(secondsSince(new Date(element.dataset.since)));
  }
  for (const element of document.querySelectorAll("time[data-left]")) {
    element.textContent = duration(-secondsSince(new Date(element.dateTime)));
  }
}

showTimes();
setInterval(showTimes, 1000);
