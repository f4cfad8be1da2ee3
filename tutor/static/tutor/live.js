"use strict";
// The class now: renews its table while the page is in front. Without this file a link renews it.
(() => {
  const table = () => document.getElementById("live-class");
  const seconds = Number(table()?.dataset.seconds) || 8;
  const renew = () => { if (!document.hidden && table()) htmx.trigger(table(), "live-renew"); };
  setInterval(renew, seconds * 1000);
  document.addEventListener("visibilitychange", renew);

  // Told by an element that stays while the table is swapped, and only when there is news.
  const status = document.getElementById("live-status");
  const tell = () => {
    const said = document.getElementById("live-said")?.dataset.said ?? "";
    if (status && status.textContent !== said) status.textContent = said;
  };
  document.addEventListener("htmx:afterSettle", tell);
  tell();

  // A swap must not take the focus away from whoever reads by keyboard.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const active = document.activeElement;
    focused = active instanceof HTMLAnchorElement && table()?.contains(active) ? active.getAttribute("href") : null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (focused) table()?.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  });
})();
