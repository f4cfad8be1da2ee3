// The authors' pages: where the focus goes after a part of the page was swapped. They work without it.
"use strict";

(() => {
  document.addEventListener("htmx:afterSwap", (event) => {
    const swapped = document.getElementById(event.detail.target.id) || event.detail.target;
    const verdict = swapped.querySelector("[data-focus]");
    if (verdict) {
      verdict.focus();
      return;
    }
    const wanted = swapped.dataset.focusOn && document.getElementById(swapped.dataset.focusOn);
    if (!wanted) return;
    const section = wanted.closest("details");
    if (section) section.open = true;
    const first = wanted.matches("input, select, textarea")
      ? wanted
      : wanted.querySelector("input:not([type='hidden']), textarea, select") || wanted;
    first.focus();
  });

  // A variant's link is swapped away under the focus; its successor of the same name takes it.
  let link = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    link = event.detail.elt.id.startsWith("variant-") ? event.detail.elt.id : "";
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!link) return;
    const next = document.getElementById(link) || document.getElementById("variant-any");
    link = "";
    if (next) next.focus();
  });
})();
