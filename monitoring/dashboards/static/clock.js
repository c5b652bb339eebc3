// The world clock in the header, and links to the stack's other pages.
"use strict";

const ONTIME = (() => {
  const body = document.body;
  const loaded = Date.now() / 1000;
  const anchor = { wall: loaded, world: Number(body.dataset.world), speed: Number(body.dataset.speed) };

  const newYork = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", hourCycle: "h23", ...options });
  const long = newYork({ weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const short = newYork({ weekday: "short", hour: "2-digit", minute: "2-digit" });
  const day = newYork({ day: "numeric", month: "short" });
  const wallFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const show = () => {
    const now = Date.now() / 1000;
    const world = anchor.world + (now - anchor.wall) * anchor.speed;
    document.getElementById("world").textContent = `${long.format(world * 1000).replace(/,(?=[^,]*$)/, "")} New York`;
    document.getElementById("speed").textContent = anchor.speed === 0 ? "frozen · " : `${anchor.speed}× · `;
    document.getElementById("wall").textContent = `wall ${wallFormat.format(now * 1000)}`;
  };

  // Behind a proxy that serves each port under …/proxy/<port>/ the other pages are siblings; else they share the host.
  const ui = (address) => {
    const url = new URL(address, document.baseURI);
    if (url.origin === location.origin) return url;
    const proxied = location.pathname.match(/^(.*\/proxy\/)\d+\//);
    if (proxied) return new URL(`${proxied[1]}${url.port}${url.pathname.replace(/\/?$/, "/")}`, location.origin);
    if (["127.0.0.1", "localhost"].includes(url.hostname)) url.hostname = location.hostname;
    return url;
  };

  // Panels' queries open in Prometheus over the range that the page shows.
  const span = (minutes) => (minutes % 60 ? `${minutes}m` : `${minutes / 60}h`);
  const queryLink = (link, minutes) => {
    link.dataset.address ??= link.getAttribute("href");
    const url = ui(link.dataset.address);
    if (link.dataset.query) {
      const wanted = new URLSearchParams();
      link.dataset.query.split("\n").forEach((expr, index) => {
        wanted.set(`g${index}.expr`, expr);
        wanted.set(`g${index}.tab`, "0");
        wanted.set(`g${index}.range_input`, span(minutes));
      });
      url.pathname = `${url.pathname.replace(/\/$/, "")}/graph`;
      url.search = wanted.toString();
    }
    link.href = url.toString();
  };

  const relink = (minutes) => document.querySelectorAll("a[data-ui]").forEach((link) => queryLink(link, minutes));
  relink(60);
  const turn = () => { show(); setTimeout(turn, calm.matches ? 10000 : 1000); };
  turn();

  return {
    relink,
    root: body.dataset.root,
    worldShort: (seconds) => short.format(seconds * 1000).replace(",", ""),
    worldDay: (seconds) => day.format(seconds * 1000),
    wall: (seconds) => wallFormat.format(seconds * 1000),
  };
})();
