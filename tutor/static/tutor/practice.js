// The practice page: timing, letter keys, retrying when offline. Everything works without it.
"use strict";

(() => {
  const RETRY_MS = [1000, 2000, 4000, 8000, 15000];
  let shownAt = performance.now();
  let retries = 0;
  let retryTimer = 0;
  let isAsking = false;

  const screen = () => document.getElementById("screen");
  const notice = () => document.getElementById("offline");

  function announce(text) {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  }

  // A deed is a form that was sent; the preview's field inside it asks too, and is none.
  function deedOf(event) {
    const asker = event.detail.elt;
    return asker instanceof HTMLFormElement && asker.matches("form[data-deed]") ? asker : null;
  }

  // The clock stopped when the answer was first sent: waiting for a network is no thinking.
  function timesFill(form) {
    if (form.dataset.waiting) return;
    const field = form.querySelector("input[name='elapsed_ms']");
    if (field) field.value = String(Math.round(performance.now() - shownAt));
  }

  // Before htmx reads the form's values. While one deed waits for the network no other goes out:
  // it would take the screen away, and with it what waits.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const waiting = document.querySelector("form[data-deed][data-waiting]");
    if (form.matches("form[data-deed]") && waiting && waiting !== form) {
      event.preventDefault();
      event.stopPropagation();
      offlineShow(true);
      announce(notice().textContent.trim());
      return;
    }
    timesFill(form);
  }, true);

  function offlineShow(isOffline) {
    const place = notice();
    if (!place || place.hidden === !isOffline) return;
    place.hidden = !isOffline;
    if (isOffline) announce(place.textContent.trim());
  }

  // Once more, with the same form and so with the same token: it counts once.
  function retryPlan(form) {
    clearTimeout(retryTimer);
    const wait = RETRY_MS[Math.min(retries, RETRY_MS.length - 1)];
    retries += 1;
    retryTimer = setTimeout(() => {
      if (form.isConnected) form.requestSubmit();
    }, wait);
  }

  document.addEventListener("htmx:sendError", (event) => {
    const form = deedOf(event);
    if (!form) return;
    offlineShow(true);
    retryPlan(form);
  });

  document.addEventListener("htmx:timeout", (event) => {
    const form = deedOf(event);
    if (!form) return;
    offlineShow(true);
    retryPlan(form);
  });

  // A server that is being restarted: the same as no network.
  document.addEventListener("htmx:responseError", (event) => {
    const form = deedOf(event);
    if (!form) return;
    if ([502, 503, 504].includes(event.detail.xhr.status)) {
      offlineShow(true);
      retryPlan(form);
      return;
    }
    // A page from before a login, or one that is gone: the plain way says what is the matter.
    form.removeAttribute("hx-post");
    window.htmx.process(form);
    HTMLFormElement.prototype.submit.call(form);
  });

  window.addEventListener("online", () => {
    clearTimeout(retryTimer);
    const form = document.querySelector("form[data-deed][data-waiting]");
    if (form) form.requestSubmit();
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = deedOf(event);
    if (!form) return;
    isAsking = true;
    form.dataset.waiting = "1";
  });

  function waitingEnd(form) {
    retries = 0;
    clearTimeout(retryTimer);
    offlineShow(false);
    delete form.dataset.waiting;
  }

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = deedOf(event);
    if (!form) return;
    isAsking = false;
    if (event.detail.successful) waitingEnd(form);
  });

  // Who changes what waits takes it back: half of another answer is not sent.
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form && form.dataset.waiting && !isAsking) waitingEnd(form);
  });

  // With a key for the unit a number needs no letters; without script it does.
  function padsSet() {
    for (const field of document.querySelectorAll("input[data-pad]")) {
      field.inputMode = field.dataset.pad;
    }
  }
  padsSet();

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt.id !== "screen") return;
    shownAt = performance.now();
    padsSet();
    const target = screen().querySelector("[data-focus]");
    if (!target) return;
    target.focus();
    if (target instanceof HTMLInputElement && target.type === "text") target.select();
  });

  // Letter keys pick among the choices; Enter then checks.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    const typed = event.target;
    const isTyping = typed instanceof HTMLElement
      && typed.matches("input:not([type='radio'], [type='checkbox']), select, textarea");
    if (isTyping || !screen()) return;
    // Typing goes into the answer, wherever the focus was left.
    const field = screen().querySelector("#answer:enabled");
    if (field && !typed.closest("button, a, summary")) field.focus();
    const choice = screen().querySelector(`[data-letter="${CSS.escape(event.key.toUpperCase())}"]`);
    if (!choice) return;
    event.preventDefault();
    choice.click();
    choice.focus();
  });

  // Buttons that type a sign which a phone's keyboard hides.
  document.addEventListener("click", (event) => {
    const key = event.target.closest("button[data-insert]");
    if (!key) return;
    const field = document.getElementById(key.dataset.for);
    if (!field) return;
    field.setRangeText(key.dataset.insert, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // An answer kept over a login is sent at once.
  document.addEventListener("DOMContentLoaded", () => {
    const kept = document.querySelector("form[data-send]");
    if (kept) kept.requestSubmit();
  });
})();
