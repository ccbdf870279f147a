// One small chart: a value over time, and a dashed line for what it should stay below.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 64;
const ABOVE = 1.1; // room above the highest of all

// `points` are pairs of milliseconds and values, oldest first; `line` is the value of the dashed one.
export function chart({ label, now, points, line }) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const name = document.createElement("span");
  const value = document.createElement("span");
  name.textContent = label;
  value.textContent = now;
  caption.append(name, value);
  figure.append(caption, draw(`${label}: ${now}, over ${lasted(points)}`, points, line));
  return figure;
}

function draw(title, points, line) {
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" });
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const start = points[0][0];
  const length = Math.max(points.at(-1)[0] - start, 1);
  const top = ABOVE * Math.max(line, ...points.map(([, value]) => value), Number.MIN_VALUE);
  const x = (at) => (((at - start) / length) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT * (1 - value / top)).toFixed(1);
  const path = points.map(([at, value]) => `${x(at)},${y(value)}`);
  // One sample alone is a level line.
  if (path.length === 1) path.push(`${WIDTH},${y(points[0][1])}`);
  const last = path.at(-1).split(",")[0];
  svg.append(
    element("polygon", { class: "zoe-chart-area", points: `0,${HEIGHT} ${path.join(" ")} ${last},${HEIGHT}` }),
    element("polyline", { class: "zoe-chart-line", points: path.join(" ") }),
    element("line", { class: "zoe-chart-limit", x1: 0, x2: WIDTH, y1: y(line), y2: y(line) }),
  );
  return svg;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function lasted(points) {
  const seconds = Math.round((points.at(-1)[0] - points[0][0]) / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
