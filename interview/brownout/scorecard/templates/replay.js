"use strict";
(() => {
  const data = JSON.parse(document.getElementById("replay-data").textContent);
  const $ = (id) => document.getElementById(id);
  const box = $("replay"), range = $("replay-at"), cursor = $("replay-cursor");
  const two = (n) => String(n).padStart(2, "0");
  const clock = (s) => {
    const whole = Math.floor(Math.abs(s)), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return (s < 0 ? "\u2212" : "") + (hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`);
  };
  const world = new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const moments = [...new Set(data.items.map((item) => Math.max(0, item.t)))].sort((a, b) => a - b);
  const words = { good: "not to be seen", bad: "to be seen", neutral: "not known" };

  function chip(text, tone) {
    const made = document.createElement("span");
    made.className = `tag ${tone}`;
    made.textContent = text;
    return made;
  }

  function show() {
    const t = Number(range.value);
    const done = data.items.filter((item) => item.t <= t + 0.05);
    const near = done.at(-1);
    const x = data.left + (data.right - data.left) * Math.min(t / data.end, 1);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    const since = near ? world.format((near.world + Math.max(0, t - near.t) * 0) * 1000).replace(",", "") : "";
    $("replay-now").textContent = clock(t);
    $("replay-wall").textContent = near ? `last event ${clock(t - near.t)} before, ${since} in the world, ${new Date(near.wall * 1000).toISOString().slice(11, 19)} UTC` : "";
    range.setAttribute("aria-valuetext", `${clock(t)} of the interview`);
    const symptom = data.symptom.filter(([from]) => from <= t).at(-1);
    const chips = [chip(`symptom ${words[symptom ? symptom[1] : "neutral"]}`, symptom ? symptom[1] : "neutral")];
    for (const fault of data.faults) {
      for (const name of fault.control ? ["found"] : ["found", "mitigated", "fixed"]) {
        const at = fault[name], yes = at !== null && at <= t;
        const which = data.faults.length > 1 ? `${fault.title}: ` : "";
        chips.push(chip(`${which}${yes ? `${name} at ${clock(at)}` : `not ${name} yet`}`, yes ? "good" : "neutral"));
      }
    }
    $("replay-state").replaceChildren(...chips);
    $("replay-told").replaceChildren(...done.slice(-9).reverse().map((item, index) => {
      const line = document.createElement("li");
      if (index === 0) line.className = "newest";
      const at = document.createElement("b");
      at.textContent = `${clock(item.t)} `;
      const dot = document.createElement("span");
      dot.className = `dot ${item.tone}`;
      dot.style.color = `var(--${item.tone})`;
      const text = document.createElement("span");
      text.textContent = item.text.length > 280 ? `${item.text.slice(0, 280)} \u2026` : item.text;
      line.append(at, dot, text);
      return line;
    }));
  }

  function step(way) {
    const t = Number(range.value);
    const next = way > 0 ? moments.find((m) => m > t + 0.5) : moments.filter((m) => m < t - 0.5).at(-1);
    if (next !== undefined) { range.value = next; show(); }
  }

  range.max = data.end;
  range.value = moments.at(0) ?? 0;
  range.addEventListener("input", show);
  $("replay-back").addEventListener("click", () => step(-1));
  $("replay-on").addEventListener("click", () => step(1));
  document.querySelector("#glance").addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(cursor.getScreenCTM().inverse());
    range.value = data.end * (point.x - data.left) / (data.right - data.left);
    show();
  });
  box.hidden = false;
  cursor.removeAttribute("visibility");
  show();
})();
