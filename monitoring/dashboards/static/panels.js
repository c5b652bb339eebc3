// The panels: asked for while they are in sight, drawn with uPlot; states as strips.
"use strict";

(() => {
  const range = document.getElementById("range");
  const refresh = document.getElementById("refresh");
  const seen = new Set();
  const plots = new Map();
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const DURATIONS = [
    ...[1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1].flatMap((decade) => [1, 2, 5].map((digit) => digit * decade)),
    10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000,
  ];
  const DASHES = [[], [9, 4], [2, 3], [12, 4, 2, 4], [5, 2], [1, 4], [14, 3, 5, 3], [4, 6]];
  const colour = (index) => style(`--line-${(index % 8) + 1}`);

  try {
    range.value = localStorage.getItem("range") || range.value;
    refresh.value = localStorage.getItem("refresh") || refresh.value;
  } catch { /* private windows remember nothing */ }

  function thresholds(panel) {
    return panel.dataset.thresholds.trim().split(" ").filter(Boolean).map((text) => {
      const [value, severity, name] = text.split(":");
      return { value: Number(value), severity, name };
    });
  }

  function worldAt(data, wall) {
    const { times, world } = data;
    const step = times.length > 1 ? times[1] - times[0] : 5;
    const index = Math.round((wall - times[0]) / step);
    return world[Math.min(Math.max(index, 0), times.length - 1)];
  }

  // Firing alerts behind the lines, thresholds in front of them.
  const marks = (panel) => ({
    hooks: {
      drawAxes: [(plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        for (const piece of plot.ontime.fired) {
          const left = Math.max(plot.valToPos(piece.start, "x", true), bbox.left);
          const right = Math.min(Math.max(plot.valToPos(piece.end, "x", true), left + 2), bbox.left + bbox.width);
          ctx.fillStyle = style(piece.severity === "page" ? "--bad-wash" : "--warn-wash");
          ctx.fillRect(left, bbox.top, right - left, bbox.height);
        }
        ctx.restore();
      }],
      draw: [(plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
        for (const limit of thresholds(panel)) {
          const y = plot.valToPos(limit.value, "y", true);
          if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
          ctx.strokeStyle = style(limit.severity === "page" ? "--bad" : "--warn");
          ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke();
        }
        ctx.restore();
      }],
    },
  });

  function bounds(panel) {
    const low = panel.dataset.low === undefined ? null : Number(panel.dataset.low);
    const high = panel.dataset.high === undefined ? null : Number(panel.dataset.high);
    const limits = thresholds(panel).map((limit) => limit.value).filter((value) => value !== 0);
    return (plot, min, max) => {
      if (min === null) { min = 0; max = 1; }
      // A threshold belongs into the picture once values come within a third of it.
      for (const limit of limits) if (max > limit / 3 && max < limit) max = limit;
      const room = (max - min || Math.abs(max) || 1) * 0.08;
      return [low ?? min - room, Math.max(high ?? max + room, (low ?? min - room) + 1e-9)];
    };
  }

  function options(panel, series, width) {
    const text = style("--quiet"), grid = style("--grid"), font = `11px ${style("--sans")}`;
    const unit = panel.dataset.unit;
    return {
      width, height: 168, padding: [8, 26, 0, 0],
      cursor: { sync: { key: "panels" }, points: { size: 6 }, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { time: true }, y: { range: bounds(panel) } },
      axes: [
        {
          stroke: text, font, size: 44, gap: 4, grid: { stroke: grid, width: 1 }, ticks: { show: false }, space: 92,
          values: (plot, splits) => splits.map((wall) => {
            const world = worldAt(plot.ontime, wall);
            return `${world === null || world === undefined ? "–" : ONTIME.worldShort(world)}\n${ONTIME.wall(wall).slice(0, 5)}`;
          }),
        },
        {
          stroke: text, font, size: 62, gap: 4, grid: { stroke: grid, width: 1 }, ticks: { show: false }, space: 32,
          incrs: unit === "seconds" ? DURATIONS : undefined,
          values: (plot, splits) => splits.map((value) => (unit === "version" && !Number.isInteger(value) ? "" : UNITS(unit, value))),
        },
      ],
      series: [{}, ...series.map((one, index) => ({
        label: one.label, stroke: colour(index), width: 1.6, dash: DASHES[index % 8], points: { show: false }, spanGaps: false,
        paths: unit === "version" ? uPlot.paths.stepped({ align: 1 }) : undefined,
      }))],
      plugins: [marks(panel)],
      hooks: { setCursor: [(plot) => legend(panel, plot)] },
    };
  }

  const SVG = "http://www.w3.org/2000/svg";
  function line(stroke, dashes) {
    const key = document.createElementNS(SVG, "svg");
    key.setAttribute("viewBox", "0 0 22 6");
    key.setAttribute("class", "stroke");
    key.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", "M0 3H22");
    path.setAttribute("stroke", stroke);
    path.setAttribute("stroke-dasharray", dashes.join(" "));
    key.append(path);
    return key;
  }

  // What is drawn in beside the lines: thresholds by value and severity, and when alerts fired.
  function drawnIn(panel, data) {
    const host = panel.querySelector(".drawn");
    const items = thresholds(panel).map((limit) => {
      const item = document.createElement("span");
      item.append(line(style(limit.severity === "page" ? "--bad" : "--warn"), [5, 4]), `${limit.severity} at ${UNITS(panel.dataset.unit, limit.value)}`);
      return item;
    });
    for (const name of new Set(data.fired.map((piece) => piece.alert))) {
      const pieces = data.fired.filter((piece) => piece.alert === name);
      const last = pieces.at(-1), still = data.times.at(-1) - last.end < 11;
      const item = document.createElement("span");
      item.className = `fires ${last.severity}`;
      item.textContent = still ? `${name} fires since ${ONTIME.wall(last.start)}` : `${name} fired ${ONTIME.wall(last.start)} to ${ONTIME.wall(last.end)}`;
      items.push(item);
    }
    host.replaceChildren(...items);
  }

  // The same figures as a table: at most 25 rows, evenly over the range, newest first.
  const ROWS = 25;
  function table(panel, data) {
    const host = panel.querySelector("details");
    host.ontime = data;
    if (!host.open) return;
    const cell = (tag, text, scope) => { const made = document.createElement(tag); made.textContent = text; if (scope) made.scope = scope; return made; };
    const row = (...cells) => { const made = document.createElement("tr"); made.append(...cells); return made; };
    const { times, world, series, fired } = data;
    const step = Math.max(1, Math.ceil(times.length / ROWS));
    const shown = [];
    for (let index = times.length - 1; index >= 0; index -= step) shown.push(index);
    host.querySelector("thead").replaceChildren(row(cell("th", "World", "col"), cell("th", "Wall", "col"), ...series.map((one) => cell("th", one.label, "col")), cell("th", "Firing", "col")));
    host.querySelector("tbody").replaceChildren(...shown.map((index) => row(
      cell("th", world[index] === null ? "–" : `${ONTIME.worldDay(world[index])} ${ONTIME.worldShort(world[index])}`, "row"),
      cell("td", ONTIME.wall(times[index])),
      ...series.map((one) => cell("td", panel.dataset.panel === "alerts" && one.values[index] !== null ? "firing" : UNITS(panel.dataset.unit, one.values[index]))),
      cell("td", fired.filter((piece) => piece.start <= times[index] && times[index] <= piece.end).map((piece) => piece.alert).join(", ") || "–"),
    )));
  }

  function legend(panel, plot) {
    const data = plot.ontime;
    const index = plot.cursor.idx;
    const last = (values) => { for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return values[i]; return null; };
    const items = data.series.map((one, position) => {
      const item = document.createElement("span");
      item.className = "item";
      const key = line(colour(position), DASHES[position % 8]);
      const value = index === null || index === undefined ? last(one.values) : one.values[index];
      item.append(key, `${one.label} `, Object.assign(document.createElement("b"), { textContent: UNITS(panel.dataset.unit, value) }));
      return item;
    });
    if (index !== null && index !== undefined) {
      const when = document.createElement("span");
      when.className = "when";
      const world = data.world[index];
      when.textContent = `${world === null ? "" : `${ONTIME.worldDay(world)} ${ONTIME.worldShort(world)} · `}${ONTIME.wall(data.times[index])}`;
      items.unshift(when);
    }
    panel.querySelector(".legend").replaceChildren(...items);
  }

  function strips(panel, data) {
    // One strip a series: its stretches of 0 stand out, gaps stay empty.
    const host = panel.querySelector(".plot");
    const rows = data.series.map((one) => {
      const row = document.createElement("div");
      row.className = "strip";
      const name = document.createElement("span");
      name.textContent = one.label;
      const bar = document.createElement("span");
      bar.className = "bar";
      let start = 0;
      for (let i = 1; i <= one.values.length; i++) {
        if (i < one.values.length && one.values[i] === one.values[start]) continue;
        const piece = document.createElement("i");
        piece.style.flexGrow = i - start;
        piece.dataset.value = one.values[start] === null ? "none" : one.values[start] > 0 ? "good" : "bad";
        const from = data.world[start];
        piece.title = `${one.label}: ${piece.dataset.value === "none" ? "nothing recorded" : piece.dataset.value === "good" ? "up" : "down or firing"} from ${from === null ? "" : `${ONTIME.worldDay(from)} ${ONTIME.worldShort(from)} · wall `}${ONTIME.wall(data.times[start])}`;
        bar.append(piece);
        start = i;
      }
      row.append(name, bar);
      return row;
    });
    host.replaceChildren(...rows);
  }

  function note(panel, text) {
    const element = panel.querySelector(".note");
    element.hidden = !text;
    element.textContent = text;
    panel.classList.toggle("empty", Boolean(text));
  }

  function draw(panel, data) {
    const host = panel.querySelector(".plot");
    const empty = !data.series.some((one) => one.values.some((value) => value !== null));
    note(panel, empty ? panel.dataset.empty : "");
    const firing = new Set(data.fired.filter((piece) => data.times.at(-1) - piece.end < 11).map((piece) => piece.alert));
    panel.querySelectorAll(".runbook").forEach((link) => link.classList.toggle("firing", firing.has(link.dataset.alert)));
    panel.classList.toggle("alarm", firing.size > 0);
    drawnIn(panel, data);
    table(panel, data);
    if (panel.dataset.kind === "states") { strips(panel, data); return; }
    if (empty) { plots.get(panel)?.destroy(); plots.delete(panel); panel.querySelector(".legend").replaceChildren(); return; }
    const labels = data.series.map((one) => one.label).join("|");
    let plot = plots.get(panel);
    if (plot && plot.labels !== labels) { plot.destroy(); plot = undefined; }
    const columns = [data.times, ...data.series.map((one) => one.values)];
    if (plot) { plot.ontime = data; plot.setData(columns); } else {
      plot = new uPlot(options(panel, data.series, host.clientWidth), undefined, host);
      plot.labels = labels;
      plot.ontime = data;
      plot.setData(columns);
      plots.set(panel, plot);
    }
    legend(panel, plot);
  }

  async function ask(panel) {
    try {
      const response = await fetch(`${ONTIME.root}api/panels/${panel.dataset.panel}?minutes=${range.value}`);
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      draw(panel, answer);
    } catch (error) {
      note(panel, error instanceof TypeError ? "This page's server does not answer." : error.message);
    }
  }

  const all = () => { if (!document.hidden) seen.forEach(ask); document.dispatchEvent(new Event("ontime:refresh")); };
  let timer;
  const schedule = () => { clearInterval(timer); if (Number(refresh.value)) timer = setInterval(all, Number(refresh.value) * 1000); };
  const remember = () => { try { localStorage.setItem("range", range.value); localStorage.setItem("refresh", refresh.value); } catch { /* as above */ } };

  const reach = () => ONTIME.relink(Number(range.value));
  range.addEventListener("change", () => { remember(); reach(); all(); });
  reach();
  refresh.addEventListener("change", () => { remember(); schedule(); });
  document.getElementById("now").addEventListener("click", all);
  document.addEventListener("keydown", (event) => {
    if (event.key === "r" && !event.ctrlKey && !event.metaKey && !event.altKey && !/SELECT|INPUT/.test(event.target.tagName)) all();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) all(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plots.forEach((plot) => plot.destroy()); plots.clear(); all(); });

  const sight = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { if (!seen.has(entry.target)) { seen.add(entry.target); ask(entry.target); } } else seen.delete(entry.target);
  }), { rootMargin: "300px" });
  const width = new ResizeObserver((entries) => entries.forEach((entry) => {
    const plot = plots.get(entry.target.closest(".panel"));
    if (plot && entry.contentRect.width > 0) plot.setSize({ width: entry.contentRect.width, height: 168 });
  }));
  document.querySelectorAll(".panel").forEach((panel) => {
    sight.observe(panel);
    const details = panel.querySelector("details");
    details.addEventListener("toggle", () => { if (details.ontime) table(panel, details.ontime); });
    width.observe(panel.querySelector(".plot"));
  });
  schedule();
})();
