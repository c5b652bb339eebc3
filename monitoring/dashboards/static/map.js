// The map: states and figures of the parts, and the arrows between them.
"use strict";

(() => {
  const map = document.getElementById("map");
  const verdict = document.getElementById("verdict");
  const edges = map.querySelector(".edges");
  const SVG = "http://www.w3.org/2000/svg";
  const card = (id) => document.getElementById(`part-${id}`);

  function place(band, value, low, high) {
    // The usual band takes the middle two thirds; what lies outside is pressed toward the ends.
    const dot = band.querySelector(".dot");
    dot.style.visibility = value === null ? "hidden" : "visible";
    if (value === null) return;
    const share = high > low ? (value - low) / (high - low) : value === low ? 0.5 : 2;
    const beyond = (over) => 5 * (1 - 1 / (1 + over));
    const x = share < 0 ? 8 - beyond(-share) : share > 1 ? 40 + beyond(share - 1) : 8 + 32 * share;
    dot.setAttribute("cx", x.toFixed(1));
  }

  function fill(part) {
    const element = card(part.id);
    element.dataset.state = part.state;
    element.querySelector(".why").textContent = part.why;
    element.querySelectorAll(".fact").forEach((row, index) => {
      const { value, outside } = part.facts[index];
      row.querySelector(".value").textContent = UNITS(row.dataset.unit, value);
      row.classList.toggle("outside", outside);
      const band = row.querySelector(".band");
      if (band) place(band, value, Number(row.dataset.low), Number(row.dataset.high));
    });
    element.querySelector(".fired").replaceChildren(...part.alerts.map((name) => {
      const link = document.createElement("a");
      link.href = `${ONTIME.root}runbooks/${name}`;
      link.textContent = name;
      return link;
    }));
  }

  function say(answer) {
    const bad = answer.parts.filter((part) => part.state === "bad").length;
    const warn = answer.parts.filter((part) => part.state === "warn").length;
    const firing = answer.firing ? `${answer.firing} alert${answer.firing === 1 ? "" : "s"} firing` : "no alert firing";
    const parts = bad || warn
      ? [bad && `${bad} in trouble`, warn && `${warn} unusual`].filter(Boolean).join(", ")
      : "everything as usual";
    verdict.textContent = `${parts[0].toUpperCase()}${parts.slice(1)}; ${firing}.`;
    verdict.dataset.state = bad ? "bad" : warn ? "warn" : "ok";
    const badge = document.getElementById("firing");
    badge.hidden = !answer.firing;
    badge.textContent = answer.firing;
    document.title = `${answer.firing ? `(${answer.firing}) ` : ""}ontime · the stack now`;
  }

  async function refresh() {
    try {
      const response = await fetch(`${ONTIME.root}api/overview`);
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      answer.parts.forEach(fill);
      say(answer);
    } catch (error) {
      map.querySelectorAll(".part").forEach((element) => {
        element.dataset.state = "unknown";
        element.querySelector(".why").textContent = "not known";
        element.querySelectorAll(".value").forEach((value) => { value.textContent = "–"; });
        element.querySelector(".fired").replaceChildren();
      });
      verdict.textContent = error instanceof TypeError ? "This page's server does not answer." : error.message;
      verdict.dataset.state = "unknown";
    }
  }

  const arrow = (points) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join(""));
    path.setAttribute("marker-end", "url(#tip)");
    return path;
  };

  function route(from, to, gap) {
    const [a, b] = [from, to];
    const middle = (box) => [box.x + box.w / 2, box.y + box.h / 2];
    const sameRow = Math.abs(a.row - b.row) < 1, sameColumn = Math.abs(a.x - b.x) < 4;
    if (sameRow && Math.abs(a.column - b.column) === 1) {
      const y = Math.max(a.y, b.y) + 26;
      return a.x < b.x ? [[a.x + a.w, y], [b.x - 3, y]] : [[a.x, y], [b.x + b.w + 3, y]];
    }
    if (sameColumn) {
      const x = middle(a)[0] - 18;
      return a.y < b.y ? [[x, a.y + a.h], [x, b.y - 3]] : [[x, a.y], [x, b.y + b.h + 3]];
    }
    if (sameRow) { // around the parts between, below the row
      const y = Math.max(a.bottom, b.bottom) + gap / 2;
      return [[middle(a)[0] + 18, a.y + a.h], [middle(a)[0] + 18, y], [middle(b)[0], y], [middle(b)[0], b.y + b.h + 3]];
    }
    const y = a.y < b.y ? a.bottom + gap / 2 : b.bottom + gap / 2;
    const x = middle(a)[0] + 18, target = middle(b)[0] + 24;
    return [[x, a.y < b.y ? a.y + a.h : a.y], [x, y], [target, y], [target, a.y < b.y ? b.y - 3 : b.y + b.h + 3]];
  }

  function draw() {
    const frame = map.getBoundingClientRect();
    edges.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    edges.innerHTML = '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>';
    if (getComputedStyle(edges).display === "none") return;
    const boxes = {};
    const columns = [], rows = [];
    map.querySelectorAll(".part").forEach((element) => {
      const box = element.getBoundingClientRect();
      const found = { x: box.left - frame.left, y: box.top - frame.top, w: box.width, h: box.height };
      boxes[element.id.slice(5)] = found;
      if (!columns.some((x) => Math.abs(x - found.x) < 4)) columns.push(found.x);
      if (!rows.some((y) => Math.abs(y - found.y) < 4)) rows.push(found.y);
    });
    columns.sort((a, b) => a - b); rows.sort((a, b) => a - b);
    const all = Object.values(boxes);
    all.forEach((box) => {
      box.column = columns.findIndex((x) => Math.abs(x - box.x) < 4);
      box.row = rows.findIndex((y) => Math.abs(y - box.y) < 4);
    });
    all.forEach((box) => { box.bottom = Math.max(...all.filter((other) => other.row === box.row).map((other) => other.y + other.h)); });
    const gap = parseFloat(getComputedStyle(map).rowGap);
    map.querySelectorAll(".part").forEach((element) => {
      element.dataset.feeds.split(" ").filter(Boolean).forEach((target) => {
        edges.append(arrow(route(boxes[element.id.slice(5)], boxes[target], gap)));
      });
    });
  }

  new ResizeObserver(draw).observe(map);
  refresh();
  setInterval(refresh, 5000);
  document.addEventListener("ontime:refresh", refresh);
})();
