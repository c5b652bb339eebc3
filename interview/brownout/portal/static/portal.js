// The portal: counts down, keeps the draft, states findings, asks for hints, fetches what has changed.
"use strict";

(() => {
  const body = document.body;
  const $ = (id) => document.getElementById(id);
  const HEARTBEAT = 4000, MAP_EVERY = 10000, LATE = 12;
  const known = {
    state: body.dataset.state, left: Number(body.dataset.left), box: Number(body.dataset.box),
    speed: Number(body.dataset.speed), world: null, at: performance.now(), heard: performance.now(),
    findings: Number(body.dataset.findings), hints: Number(body.dataset.hints), handed: null, over: false, failed: false,
  };

  // ---- clocks ------------------------------------------------------------------------------------------------
  const two = (n) => String(n).padStart(2, "0");
  const clock = (seconds) => {
    const whole = Math.floor(Math.abs(seconds)), hours = Math.floor(whole / 3600);
    const rest = `${hours ? two(Math.floor(whole / 60) % 60) : Math.floor(whole / 60)}:${two(whole % 60)}`;
    return hours ? `${hours}:${rest}` : rest;
  };
  const worldFormat = new Intl.DateTimeFormat("en-GB", {
    timeZone: "America/New_York", weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  const since = (moment) => (performance.now() - moment) / 1000;
  const moving = () => known.state === "running";

  function leftNow() { return known.left - (moving() ? since(known.at) : 0); }

  function tick() {
    const left = leftNow();
    $("left").textContent = left < 0 ? `${clock(left)} over` : clock(left);
    $("left-words").textContent = left < 0 ? `the ${Math.round(known.box / 60)} min` : `left of ${Math.round(known.box / 60)} min`;
    $("used").value = Math.min(known.box - left, known.box);
    body.dataset.late = left < 0 ? "over" : left < 300 ? "soon" : "";
    $("wall").textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
    if (known.world !== null) $("world").textContent = `${worldFormat.format(known.world * 1000).replaceAll(",", "")} New York`;
    connection();
  }

  function connection() {
    const silent = since(known.heard);
    const state = known.over ? "waiting" : known.failed || silent > LATE ? "lost" : "live";
    const words = known.over ? "Closed" : state === "lost" ? `Disconnected, last heard ${Math.round(silent)} s ago` : "Connected";
    if ($("connection-words").textContent !== words) $("connection-words").textContent = words;
    if ($("connection").dataset.state === state) return;
    $("connection").dataset.state = state;
    $("connection-told").textContent = state === "lost" ? "The connection is lost. Trying again." : words;
  }

  // ---- what has changed --------------------------------------------------------------------------------------
  async function ask(path, options) {
    const response = await fetch(path, { cache: "no-store", ...options });
    if (response.status === 401 || response.status === 403) {
      const error = new Error("The interview is over, or the code has expired. What you wrote is kept in this browser.");
      error.over = response.status === 401;
      throw error;
    }
    return response;
  }

  async function refused(response) {
    const told = await response.json().catch(() => ({}));
    if (told.errors) return told.errors.map((e) => `${e.field.replace(/^body\./, "")}: ${e.reason}`).join(" ");
    return told.error || `The answer was ${response.status}.`;
  }

  function banner() {
    const words = {
      running: "", paused: "Paused. Both clocks stand still; you may still write.",
      closed: "The interview is over. Thank you.", abandoned: "The interview was given up. Ask your interviewer.",
    };
    const text = known.over ? words.closed : words[known.state] ?? "The interview has not started yet.";
    if ($("banner").textContent !== text) $("banner").textContent = text;
    $("banner").hidden = !text;
    body.dataset.state = known.over ? "closed" : known.state;
    const writable = !known.over && ["running", "paused"].includes(known.state);
    document.querySelectorAll("main form button.main, #ask-hint").forEach((button) => { button.disabled = !writable; });
  }

  async function heartbeat() {
    try {
      const response = await ask("../candidate/interview");
      if (!response.ok) return;
      const told = await response.json();
      const begun = ["ready", "preparing"].includes(known.state) && told.state === "running";
      Object.assign(known, { state: told.state, left: told.left_seconds, speed: told.speed, world: told.world, at: performance.now(), heard: performance.now(), failed: false });
      if (begun) { location.reload(); return; }
      if (told.findings_stated !== known.findings || told.hints_given !== known.hints || (known.handed !== null && told.handed_over !== known.handed)) await said();
      Object.assign(known, { findings: told.findings_stated, hints: told.hints_given, handed: told.handed_over });
    } catch (error) {
      if (error.over) known.over = true;
      else known.failed = true;
    }
    banner();
    tick();
  }

  function put(source) {
    for (const id of ["stated", "given", "left-behind"]) {
      const fresh = source.querySelector(`#${id}`);
      if (fresh) $(id).replaceWith(fresh);
    }
  }

  async function said() {
    const response = await ask("said");
    if (!response.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    put(holder.content);
  }

  async function map() {
    if (document.hidden || known.over) return;
    try {
      const response = await ask("stack");
      if (!response.ok) return;
      const text = await response.text();
      const host = $("stack-map");
      if (host.contains(document.activeElement)) return;
      const wasDesk = host.innerHTML;
      const holder = document.createElement("template");
      holder.innerHTML = text;
      if (holder.innerHTML !== wasDesk) host.replaceChildren(holder.content);
      $("stack-when").textContent = `as of ${new Date().toISOString().slice(11, 19)} UTC; looked at every ${MAP_EVERY / 1000} s`;
    } catch { /* the connection's own line says it */ }
  }

  // ---- drafts ------------------------------------------------------------------------------------------------
  const key = (name) => `oncall-${body.dataset.interview}-${name}`;
  const store = {
    read: (name) => { try { return JSON.parse(localStorage.getItem(key(name))) || {}; } catch { return {}; } },
    write: (name, value) => { try { localStorage.setItem(key(name), JSON.stringify(value)); return true; } catch { return false; } },
    drop: (name) => { try { localStorage.removeItem(key(name)); } catch { /* nothing was kept */ } },
  };
  const fields = (form) => Object.fromEntries(new FormData(form).entries());

  function keeps(form, name, words) {
    const draft = store.read(name);
    for (const [field, value] of Object.entries(draft)) {
      if (form.elements[field] && typeof value === "string") form.elements[field].value = value;
    }
    if (Object.values(draft).some((value) => value && !["suspicion", "conclusion"].includes(value))) words.textContent = "Your draft is back.";
    form.addEventListener("input", () => { words.textContent = store.write(name, fields(form)) ? "Draft kept in this browser." : "This browser keeps no draft."; });
  }

  function means(select, target) {
    const show = () => { target.textContent = select.selectedOptions[0]?.dataset.means || "\u00a0"; };
    select.addEventListener("change", show);
    show();
    return show;
  }

  function answer(element, text, good) {
    element.hidden = !text;
    element.textContent = text;
    element.dataset.tone = good ? "good" : "bad";
  }

  async function send(path, method, value, form, element) {
    const button = form.querySelector("button.main");
    button.disabled = true;
    answer(element, "", true);
    try {
      const response = await ask(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
      if (!response.ok) { answer(element, await refused(response), false); return null; }
      return await response.json();
    } catch (error) {
      if (error.over) known.over = true;
      answer(element, error instanceof TypeError ? "Not sent: nobody answers. Your draft is kept; try again." : error.message, false);
      return null;
    } finally {
      button.disabled = false;
      heartbeat();
    }
  }

  const findingForm = $("finding-form"), noteForm = $("hand-over-form");
  keeps(findingForm, "finding", $("draft-words"));
  keeps(noteForm, "note", $("note-words"));
  const shown = [means($("component"), $("component-means")), means($("failure_class"), $("class-means"))];

  // "Nothing is broken" is one statement: its two halves come together.
  const healthy = [[$("component"), "none", $("failure_class"), "nothing_is_broken"], [$("failure_class"), "nothing_is_broken", $("component"), "none"]];
  for (const [one, word, other, match] of healthy) {
    one.addEventListener("change", () => {
      if (one.value === word) other.value = match;
      else if (other.value === match) other.value = "";
      shown.forEach((show) => show());
    });
  }

  findingForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const stated = await send("../candidate/findings", "POST", fields(findingForm), findingForm, $("finding-answer"));
    if (!stated) return;
    store.drop("finding");
    findingForm.reset();
    shown.forEach((show) => show());
    $("draft-words").textContent = "";
    answer($("finding-answer"), `Written down as number ${stated.number}.`, true);
    await said().catch(() => {});
  });
  $("clear-draft").addEventListener("click", () => {
    store.drop("finding"); findingForm.reset(); shown.forEach((show) => show());
    $("draft-words").textContent = "Cleared."; answer($("finding-answer"), "", true); $("component").focus();
  });
  noteForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const kept = await send("../candidate/hand-over", "PUT", fields(noteForm), noteForm, $("note-answer"));
    if (!kept) return;
    $("note-words").textContent = "";
    answer($("note-answer"), "Left for the next on call.", true);
    await said().catch(() => {});
  });

  // ---- hints -------------------------------------------------------------------------------------------------
  const dialog = $("hint-dialog");
  $("ask-hint").addEventListener("click", () => { $("hint-at").textContent = clock(known.box - leftNow()); dialog.showModal(); });
  $("hint-no").addEventListener("click", () => dialog.close());
  $("hint-yes").addEventListener("click", async () => {
    dialog.close();
    try {
      const response = await ask("../candidate/hints", { method: "POST" });
      if (!response.ok) answer($("hint-answer"), await refused(response), false);
      else { const hint = await response.json(); answer($("hint-answer"), `Hint ${hint.number}: ${hint.text}`, true); }
      await said();
    } catch (error) {
      answer($("hint-answer"), error instanceof TypeError ? "Not asked: nobody answers. Try again." : error.message, false);
    }
    heartbeat();
  });

  // The one port's code came in the address; it has no business in the history.
  if (location.search) history.replaceState(null, "", location.pathname + location.hash);
  put($("said").content.cloneNode(true));
  banner();
  tick();
  heartbeat();
  map();
  setInterval(tick, 1000);
  setInterval(heartbeat, HEARTBEAT);
  setInterval(map, MAP_EVERY);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { heartbeat(); map(); } });
})();
