// <figure class="plot" data-plot="URL">: asks URL for series and marks, draws them, and writes the same into the table.
//
// Answer: {"unit": "min", "series": [{"name": …, "points": [[wall, value], …]}], "limit": 90 | null,
//          "marks": [{"wall": …, "label": "deploy", "letter": "D", "text": …}], "from": wall, "until": wall, "zero": wall}
// `zero` is the moment that the axis counts minutes from.
"use strict";
(() => {
  const HEIGHT = 176, EVERY_MS = 5000, SOON_MS = 1500;
  const dashes = [[], [6, 4], [2, 3], [8, 3, 2, 3]];
  const plots = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const minutes = (seconds) => `${seconds < 0 ? "−" : ""}${Math.floor(Math.abs(seconds) / 60)}:${String(Math.floor(Math.abs(seconds) % 60)).padStart(2, "0")}`;
  const number = (v) => v === null || v === undefined ? "–" : Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(3).replace(/\.?0+$/, "");

  function table(figure, told, rows) {
    const body = figure.querySelector("tbody"), head = figure.querySelector("thead tr");
    if (!body) return;
    const cell = (kind, text, cls) => { const c = document.createElement(kind); c.textContent = text; if (cls) c.className = cls; return c; };
    head.replaceChildren(...["minute", "time (UTC)", ...told.series.map((s) => `${s.name}${told.unit ? `, ${told.unit}` : ""}`)].map((h, i) => { const c = cell("th", h, i === 1 ? "" : "n"); c.scope = "col"; return c; }));
    const step = Math.max(1, Math.ceil(rows[0].length / 40));
    const lines = rows[0].map((wall, i) => ({ wall, i })).filter(({ i }) => i % step === 0).map(({ wall, i }) => {
      const line = document.createElement("tr");
      line.append(cell("td", minutes(wall - told.zero), "n"), cell("td", new Date(wall * 1000).toISOString().slice(11, 19)), ...rows.slice(1).map((r) => cell("td", number(r[i]), "n")));
      return { wall, line };
    });
    const marked = told.marks.map((m) => {
      const line = document.createElement("tr"), what = cell("td", `${m.letter}: ${m.text}`);
      what.colSpan = Math.max(1, told.series.length);
      line.append(cell("td", minutes(m.wall - told.zero), "n"), cell("td", new Date(m.wall * 1000).toISOString().slice(11, 19)), what);
      return { wall: m.wall, line };
    });
    body.replaceChildren(...[...lines, ...marked].sort((a, b) => a.wall - b.wall).map((x) => x.line));
  }

  function marks(told) {
    return (u) => {
      const c = u.ctx, ratio = devicePixelRatio;
      c.save();
      c.lineWidth = ratio;
      if (told.limit !== null && told.limit !== undefined) {
        const y = u.valToPos(told.limit, "y", true);
        c.strokeStyle = colour("--bad"); c.setLineDash([7 * ratio, 4 * ratio]);
        c.beginPath(); c.moveTo(u.bbox.left, y); c.lineTo(u.bbox.left + u.bbox.width, y); c.stroke();
      }
      c.font = `600 ${11 * ratio}px ${colour("--sans")}`; c.textAlign = "center"; c.textBaseline = "middle";
      let right = -Infinity;
      for (const mark of told.marks) {
        const x = u.valToPos(mark.wall, "x", true);
        if (x < u.bbox.left - 1 || x > u.bbox.left + u.bbox.width + 1) continue;
        c.strokeStyle = colour("--edge"); c.setLineDash([3 * ratio, 3 * ratio]);
        c.beginPath(); c.moveTo(x, u.bbox.top); c.lineTo(x, u.bbox.top + u.bbox.height); c.stroke();
        const half = (c.measureText(mark.letter).width / 2) + 5 * ratio, at = Math.max(x, right + half + 2 * ratio), y = u.bbox.top - 9 * ratio;
        right = at + half;
        c.setLineDash([]); c.fillStyle = colour("--plain-wash"); c.strokeStyle = colour("--edge");
        c.beginPath(); c.roundRect(at - half, y - 8 * ratio, half * 2, 16 * ratio, 4 * ratio); c.fill(); c.stroke();
        c.fillStyle = colour("--text"); c.fillText(mark.letter, at, y);
      }
      c.restore();
    };
  }

  function draw(figure, told) {
    const holder = figure.querySelector(".canvas"), legend = figure.querySelector(".legend");
    const times = [...new Set(told.series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
    const rows = [times, ...told.series.map((s) => { const by = new Map(s.points); return times.map((t) => by.get(t) ?? null); })];
    table(figure, told, rows);
    plots.get(figure)?.destroy();
    holder.replaceChildren();
    if (!times.length) {
      const none = document.createElement("p");
      none.className = "nothing"; none.textContent = told.why || "Nothing measured yet.";
      holder.append(none);
      legend.textContent = "";
      return;
    }
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false }, font: `12px ${colour("--sans")}` };
    const current = (i) => told.series.map((s, k) => `${s.name} ${number(rows[k + 1][i])}${told.unit ? ` ${told.unit}` : ""}`).join(" · ");
    const latest = () => { const i = times.length - 1; legend.textContent = `${minutes(times[i] - told.zero)}  ${current(i)}`; };
    const plot = new uPlot({
      width: Math.max(holder.clientWidth, 200), height: HEIGHT, padding: [22, 10, 0, 0],
      legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: () => [told.from, told.until] }, y: { range: (_, low, high) => { const top = Math.max(high ?? 0, told.limit ?? 0) || 1; return [Math.min(0, low ?? 0), top * 1.12]; } } },
      axes: [{ ...axis, size: 28, splits: (u, _, low, high) => { const step = [60, 120, 300, 600, 900, 1800, 3600].find((s) => (high - low) / s <= Math.max(3, u.width / 80)) || 3600; const first = Math.ceil((low - told.zero) / step); return Array.from({ length: Math.floor((high - told.zero) / step) - first + 1 }, (_, i) => told.zero + (first + i) * step); }, values: (_, at) => at.map((v) => `${Math.round((v - told.zero) / 60)} min`) }, { ...axis, size: 46 }],
      series: [{}, ...told.series.map((s, i) => ({ label: s.name, stroke: colour(`--line-${i % 4 + 1}`), width: 2, dash: dashes[i % 4], spanGaps: false, points: { show: times.length < 3 } }))],
      hooks: { draw: [marks(told)], setCursor: [(u) => { const i = u.cursor.idx; if (i === null || i === undefined) latest(); else legend.textContent = `${minutes(times[i] - told.zero)}  ${current(i)}`; }] },
    }, rows, holder);
    plots.set(figure, plot);
    latest();
  }

  const shown = new WeakMap();
  async function ask(figure, force) {
    try {
      const answer = await fetch(figure.dataset.plot, { cache: "no-store" });
      if (!answer.ok) return;
      const text = await answer.text();
      if (!force && shown.get(figure) === text) return;
      shown.set(figure, text);
      draw(figure, JSON.parse(text));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  const everything = (force) => document.querySelectorAll("figure[data-plot]").forEach((f) => ask(f, force));
  // Curves may wait a moment for the words; several changes in a row draw them once.
  let pending = 0;
  function all(force) {
    if (force) { everything(true); return; }
    if (!pending) pending = setTimeout(() => { pending = 0; everything(false); }, SOON_MS);
  }
  document.addEventListener("refreshed", () => all(false));
  setInterval(() => { if (!document.hidden && document.body.dataset.moving !== undefined) all(false); }, EVERY_MS);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all(true));
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = plots.get(target), width = target.querySelector(".canvas").clientWidth;
      if (plot && Math.abs(plot.width - width) > 2) plot.setSize({ width: Math.max(width, 200), height: HEIGHT });
    }
  });
  const watch = () => document.querySelectorAll("figure[data-plot]").forEach((f) => watcher.observe(f));
  document.addEventListener("refreshed", watch);
  watch();
  everything(false);
})();
