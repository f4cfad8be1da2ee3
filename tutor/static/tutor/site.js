// Whole-site behaviour that pages share. Every page works without it.
"use strict";

document.documentElement.classList.add("js");

// A form marked data-once is sent once; the button wakes again when the page is shown from the cache.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.hasAttribute("hx-post")) return;
  if (!form.hasAttribute("data-once")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
});

// Escape closes the further pages of a class, and puts the focus back on what opened them.
document.addEventListener("keydown", (event) => {
  const more = event.key === "Escape" ? document.querySelector(".tabs-more[open]") : null;
  if (!more) return;
  const held = more.contains(document.activeElement);
  more.open = false;
  if (held) more.querySelector("summary").focus();
});
