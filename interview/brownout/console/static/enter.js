// The link's fragment is the token: it goes to the door once, and out of the address at once.
"use strict";
(() => {
  const form = document.querySelector("form[data-entry]");
  const said = form.querySelector(".said");
  async function enter(token) {
    const body = new URLSearchParams(new FormData(form));
    body.set("token", token);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (answer.ok) location.replace(told.go); else said.textContent = told.error;
    } catch {
      said.textContent = "The proctor does not answer. Is the stack up?";
    }
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); enter(form.token.value); });
  function fromLink() {
    const token = decodeURIComponent(location.hash.slice(1));
    if (!token) return;
    history.replaceState(null, "", location.pathname + location.search);
    enter(token);
  }
  addEventListener("hashchange", fromLink);
  fromLink();
})();
