// Forms work without this file: a post answers with the page again. With it the page stays where it is, and what was
// wrong stands beside the button that was pressed.
"use strict";
(() => {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post" || form.dataset.plain !== undefined || form.querySelector("input[type=password]")) return;
    event.preventDefault();
    const stays = form.dataset.stays !== undefined;
    if (form.getAttribute("aria-busy") === "true") {
      if (stays) form.dataset.again = "";  // what was chosen meanwhile is sent next; a second click is none
      return;
    }
    const button = event.submitter;
    const data = new FormData(form, button);
    const said = form.querySelector(".said");
    form.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-disabled", "true");
    if (said) { said.className = "said"; said.textContent = ""; }
    try {
      const target = button?.hasAttribute("formaction") ? button.formAction : form.action;
      const answer = await fetch(target, { method: "POST", body: new URLSearchParams(data), headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.error || (told.errors || []).map((e) => `${e.field}: ${e.reason}`).join(" "));
      if (!stays) form.reset();
      form.closest("dialog")?.close();
      const holder = form.closest("details[data-closes]");
      if (holder) { holder.open = false; holder.querySelector("summary").focus(); }
      if (said) { said.className = "said good"; said.textContent = told.said || ""; }
      if (told.go) { live.leave(told.go); return; }
      if (!stays && form.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) document.activeElement.blur();
      await live.refresh();
    } catch (error) {
      const text = error instanceof TypeError ? "The proctor does not answer. Nothing was recorded; try again." : error.message;
      if (said) { said.className = "said bad"; said.textContent = text; } else { window.alert(text); }
    } finally {
      form.removeAttribute("aria-busy");
      button?.removeAttribute("aria-disabled");
      if (form.dataset.again !== undefined) { delete form.dataset.again; form.requestSubmit(); }
    }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) { event.preventDefault(); document.getElementById(opener.dataset.dialog).showModal(); }
    const closer = event.target.closest("[data-dismiss]");
    if (closer) { event.preventDefault(); closer.closest("dialog").close(); }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const from = document.getElementById(copy.dataset.copy);
      navigator.clipboard?.writeText(from.value ?? from.textContent).then(() => { copy.textContent = "Copied"; });
    }
  });
})();
