// Hears the ledger and brings the page up to date. The page keeps nothing: each change asks the server for the page anew
// and takes over what differs. What a person is typing is left alone.
"use strict";
const live = (() => {
  const body = document.body;
  const link = document.getElementById("link");
  const told = document.getElementById("link-told");
  const BEAT_LATE_MS = 6000;
  const RETRY_MS = [500, 1000, 2000, 4000];
  let source = null, seq = Number(body.dataset.seq || 0), heard = 0, state = "waiting", tries = 0;
  let offset = Number(body.dataset.now || 0) * 1000 - Date.now();
  let fetching = false, again = false, leaving = false;

  const now = () => Date.now() + offset;

  // The answer to a form and the word of what it did may both send the page elsewhere: the second would abort the first.
  function leave(url, how = "assign") {
    if (!leaving) location[how](url);
    leaving = true;
  }
  window.addEventListener("pageshow", () => { leaving = false; });  // back again, from the browser's memory

  function say(next) {
    if (next === state) return;
    state = next;
    link.dataset.state = state;
    if (told) told.textContent = state === "lost" ? "The connection to the proctor is lost. Trying again." : "Connected.";
    show();
  }

  function ago(ms) {
    const s = Math.max(0, Math.round(ms / 1000));
    return s < 90 ? `${s} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
  }

  function show() {
    if (!link) return;
    const since = heard ? `last event ${ago(Date.now() - heard)} ago` : "no event yet";
    link.textContent = state === "lost" ? `Disconnected, ${since}` : state === "live" ? "Live" : "Connecting";
    link.title = state === "live" ? since : "";
  }

  function alive() { heard = Date.now(); tries = 0; say("live"); }

  function open() {
    const url = new URL(body.dataset.events, location.href);
    if (seq) url.searchParams.set("after", seq);
    source = new EventSource(url);
    source.addEventListener("entry", (event) => {
      alive();
      seq = Math.max(seq, Number(event.lastEventId));
      refresh();
    });
    source.addEventListener("beat", (event) => {
      alive();
      const beat = JSON.parse(event.data);
      offset = beat.wall * 1000 - Date.now();
      document.dispatchEvent(new CustomEvent("beat", { detail: beat }));
      if (beat.seq > Number(body.dataset.seq || 0)) refresh();  // an entry came, but what it changed could not be fetched
    });
    source.onerror = () => {
      const gone = source.readyState === EventSource.CLOSED;
      if (heard || gone) say("lost");
      if (gone) { source = null; setTimeout(open, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]); }
    };
  }

  // A browser grants a host six connections: pages that nobody looks at give theirs back after a minute.
  const RESTS_MS = 60000;
  let resting = false, soon = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(soon);
    if (document.hidden) soon = setTimeout(() => { resting = true; source?.close(); source = null; }, RESTS_MS);
    else if (resting) { resting = false; open(); }
  });

  const field = "input, select, textarea";
  function dirty(node) {
    if (node.contains(document.activeElement) && document.activeElement.matches(field)) return true;
    return [...node.querySelectorAll(field)].some((f) =>
      f.type === "hidden" ? false
      : f.type === "radio" || f.type === "checkbox" ? f.checked !== f.defaultChecked
      : f.tagName === "SELECT" ? [...f.options].some((o) => o.selected !== o.defaultSelected) && f.selectedIndex > 0
      : f.value !== f.defaultValue);
  }

  const keeping = {
    morphStyle: "outerHTML",
    restoreFocus: true,
    callbacks: {
      beforeNodeMorphed: (old) => !(old.nodeType === 1 && (old.matches("[data-kept]") || (old.matches("form") && dirty(old)))),
      beforeNodeRemoved: (old) => !(old.nodeType === 1 && old.matches("form") && dirty(old) && old.matches("[data-hold]")),
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details, dialog")),
    },
  };

  function take(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = page.getElementById(part.id);
      if (next) Idiomorph.morph(part, next, keeping);
    }
    for (const name of ["seq", "state"]) if (page.body.dataset[name] !== undefined) body.dataset[name] = page.body.dataset[name];
    seq = Math.max(seq, Number(body.dataset.seq || 0));
    document.title = page.title;
    document.dispatchEvent(new CustomEvent("refreshed"));
    requestAnimationFrame(() => requestAnimationFrame(() => { body.dataset.painted = body.dataset.seq; }));
  }

  async function refresh() {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      do {
        again = false;
        const answer = await fetch(location.href, { headers: { "X-Live": "1" }, cache: "no-store" });
        if (answer.redirected) { leave(answer.url, "replace"); return; }
        if (answer.ok) take(await answer.text());
        else if (answer.status === 401) { location.reload(); return; }
      } while (again);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      say("lost");
    } finally {
      fetching = false;
    }
  }

  const pad = (n) => String(n).padStart(2, "0");
  function clock(seconds) {
    const s = Math.floor(Math.abs(seconds)), h = Math.floor(s / 3600);
    const rest = h ? `${h}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
    return (seconds <= -1 ? "−" : "") + rest;
  }

  function tick() {
    if (body.dataset.events && !resting && heard && Date.now() - heard > BEAT_LATE_MS) say("lost");
    if (body.dataset.events) show();
    const wall = now() / 1000;
    for (const node of document.querySelectorAll("[data-runs]")) {
      // seconds at a wall moment, and how fast they run: 1 up, -1 down, 0 stands
      const value = Number(node.dataset.value) + (wall - Number(node.dataset.at)) * Number(node.dataset.runs);
      node.textContent = clock(value);
      if (node.dataset.runs === "-1") node.toggleAttribute("data-over", value < 0);
    }
    for (const node of document.querySelectorAll("time[data-ago]")) {
      const passed = wall - Date.parse(node.dateTime) / 1000;
      node.textContent = passed < 5 ? "now" : `${ago(passed * 1000)} ago`;
    }
    for (const node of document.querySelectorAll("progress[data-from]")) {
      node.value = Math.min(wall - Number(node.dataset.from), node.max * .97);
    }
  }

  if (body.dataset.events) { open(); show(); }
  tick();
  setInterval(tick, 1000);
  document.addEventListener("refreshed", tick);
  return { refresh, leave, now, clock };
})();
