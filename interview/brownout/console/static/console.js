// What the console adds to the shared pages: verdicts by one key, choices saved at once, the world's clock.
"use strict";
(() => {
  const typing = (node) => node.closest("input, select, textarea, [contenteditable], dialog[open]");
  const meant = () => document.activeElement?.closest("[data-finding]") || document.querySelector("[data-waits]");

  document.addEventListener("keydown", (event) => {
    if (document.body.dataset.keys !== "on" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key.toLowerCase();
    if (key === "c" || key === "p" || key === "r") {
      const finding = meant();
      const button = finding?.querySelector(`button[data-key="${key}"]`);
      if (!button) return;
      event.preventDefault();
      const holder = button.closest("details");
      if (holder) holder.open = true;
      finding.focus();
      button.form.requestSubmit(button);
    } else if (key === "f") {
      const waiting = [...document.querySelectorAll("[data-finding]")];
      const next = waiting[(waiting.indexOf(document.activeElement?.closest("[data-finding]")) + 1) % waiting.length];
      if (next) { event.preventDefault(); next.focus(); }
    } else if (key === "n") {
      const note = document.getElementById("note");
      if (note) { event.preventDefault(); note.focus(); }
    } else if (key === "s") {
      const spoken = document.getElementById("spoken");
      if (spoken) { event.preventDefault(); spoken.open = true; document.getElementById("component").focus(); }
    } else if (key === "v") {
      const view = document.querySelector("a[data-key=v]");
      if (view) { event.preventDefault(); view.click(); }
    }
  });

  // A note or a finding goes with Ctrl+Enter; a choice of the rubric goes when it is made.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) event.target.form.requestSubmit();
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosave]");
    if (form && form.elements.score?.value) form.requestSubmit();
  });

  // Where a verdict was refused for want of a reason, the reason is what comes next.
  const watcher = new MutationObserver((found) => {
    for (const { target } of found) {
      const said = target.nodeType === 1 ? target : target.parentElement;
      if (said?.matches(".said.bad")) said.closest("form[data-verdict]")?.querySelector("[name=reason]").focus();
      const form = said?.closest("form[data-link]");
      if (form && said.matches(".said.good") && said.textContent.startsWith("http")) {
        const link = said.textContent;
        said.textContent = "";
        form.querySelector("[data-result]").hidden = false;
        form.querySelector("[data-result] input").value = link;
      }
    }
  });
  watcher.observe(document.getElementById("main"), { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });

  const world = new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  let job = null;
  document.addEventListener("beat", ({ detail }) => {
    const shown = document.getElementById("world");
    if (shown && detail.world) {
      const part = Object.fromEntries(world.formatToParts(detail.world * 1000).map((p) => [p.type, p.value]));
      shown.textContent = `${part.weekday} ${part.day} ${part.month} ${part.hour}:${part.minute}`;
    }
    if ((detail.job ?? null) !== job) { job = detail.job ?? null; live.refresh(); }
  });
})();
