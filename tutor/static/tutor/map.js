"use strict";
// The map's picture: zoom, drag, search, and arrow keys from skill to skill. Without it the picture
// scrolls, and the list beside it says the same.
(() => {
  const frame = document.getElementById("map-scroll");
  const svg = document.getElementById("map");
  if (!frame || !svg) return;
  const detail = document.getElementById("map-detail");
  const query = document.getElementById("map-query");
  const live = document.getElementById("live");
  const nodes = Array.from(svg.querySelectorAll(".map-node"));
  const edges = Array.from(svg.querySelectorAll(".map-edges path"));
  const full = { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
  const BOX = { width: 200, height: 64 };
  // Below this a box's name cannot be read: boxes stand as patches of their colour.
  const FAR = 0.5;
  const LEAST = 0.04, MOST = 2;
  let scale = 1;

  const corners = nodes.map((node) => {
    const [x, y] = node.getAttribute("transform").match(/[\d.]+/g).map(Number);
    return { x, y };
  });
  const after = nodes.map(() => []), before = nodes.map(() => []), lines = nodes.map(() => []);
  for (const edge of edges) {
    const from = Number(edge.dataset.from), to = Number(edge.dataset.to);
    after[from].push(to);
    before[to].push(from);
    lines[from].push(edge);
    lines[to].push(edge);
  }
  let current = nodes.findIndex((node) => node.tabIndex === 0);
  const here = current;

  // Zooming keeps the point of the drawing that is under `at` (pixels within the frame).
  function zoomTo(wanted, at = { x: frame.clientWidth / 2, y: frame.clientHeight / 2 }) {
    const next = Math.min(MOST, Math.max(LEAST, wanted));
    const x = (frame.scrollLeft + at.x) / scale, y = (frame.scrollTop + at.y) / scale;
    scale = next;
    svg.setAttribute("width", String(full.width * scale));
    svg.setAttribute("height", String(full.height * scale));
    svg.classList.toggle("map-far", scale < FAR);
    frame.scrollLeft = x * scale - at.x;
    frame.scrollTop = y * scale - at.y;
  }

  const fitting = () => Math.min(1, frame.clientWidth / full.width, frame.clientHeight / full.height);

  function showNode(at, isCentred) {
    const left = corners[at].x * scale, top = corners[at].y * scale;
    const width = BOX.width * scale, height = BOX.height * scale;
    const isSeen = left >= frame.scrollLeft && left + width <= frame.scrollLeft + frame.clientWidth
      && top >= frame.scrollTop && top + height <= frame.scrollTop + frame.clientHeight;
    if (isSeen && !isCentred) return;
    frame.scrollLeft = left + width / 2 - frame.clientWidth / 2;
    frame.scrollTop = top + height / 2 - frame.clientHeight / 2;
  }

  function tell(text) {
    detail.textContent = text;
    detail.classList.add("map-told");
  }

  function describe(at) {
    tell(nodes[at].getAttribute("aria-label"));
    for (const edge of svg.querySelectorAll(".map-line")) edge.classList.remove("map-line");
    for (const edge of lines[at]) edge.classList.add("map-line");
  }

  function focusOn(at) {
    nodes[current].setAttribute("tabindex", "-1");
    current = at;
    nodes[at].setAttribute("tabindex", "0");
    if (scale < FAR) zoomTo(1);
    showNode(at, false);
    nodes[at].focus({ preventScroll: true });
  }

  const nearest = (from, candidates) => candidates.reduce((best, at) => {
    const far = Math.abs(corners[at].y - corners[from].y) + Math.abs(corners[at].x - corners[from].x);
    return best === null || far < best.far ? { at, far } : best;
  }, null)?.at;

  // Right and left follow the lines; up and down stay in the column.
  function neighbour(from, key) {
    const { x, y } = corners[from];
    const isBeside = (at) => Math.abs(corners[at].y - y) < BOX.height;
    if (key === "ArrowRight") {
      return nearest(from, after[from]) ?? nearest(from, nodes.map((_, at) => at).filter((at) => corners[at].x > x && isBeside(at)));
    }
    if (key === "ArrowLeft") {
      return nearest(from, before[from]) ?? nearest(from, nodes.map((_, at) => at).filter((at) => corners[at].x < x && isBeside(at)));
    }
    const isDown = key === "ArrowDown";
    return nearest(from, nodes.map((_, at) => at).filter((at) => corners[at].x === x && (isDown ? corners[at].y > y : corners[at].y < y)));
  }

  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    let at;
    if (event.key.startsWith("Arrow")) at = neighbour(current, event.key);
    else if (event.key === "Home" || event.key.toLowerCase() === "h") at = here;
    else if (event.key === "+" || event.key === "=") zoomTo(scale * 1.25);
    else if (event.key === "-") zoomTo(scale / 1.25);
    else if (event.key === "0") zoomTo(1);
    else return;
    event.preventDefault();
    if (at !== undefined && at !== -1) focusOn(at);
  });

  const nodeOf = (target) => target instanceof Element ? target.closest(".map-node") : null;
  svg.addEventListener("focusin", (event) => {
    const node = nodeOf(event.target);
    if (!node) return;
    nodes[current].setAttribute("tabindex", "-1");
    current = Number(node.dataset.at);
    node.setAttribute("tabindex", "0");
    describe(current);
  });
  svg.addEventListener("pointerover", (event) => {
    const node = nodeOf(event.target);
    if (node) describe(Number(node.dataset.at));
  });

  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const wish = button.dataset.zoom;
      if (wish === "in") zoomTo(scale * 1.4);
      else if (wish === "out") zoomTo(scale / 1.4);
      else if (wish === "all") zoomTo(fitting());
      else { if (scale < FAR) zoomTo(1); showNode(here, true); }
    });
  }

  // A wheel scrolls, as everywhere; with Ctrl, and by two fingers on a pad, it zooms.
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    zoomTo(scale * Math.exp(-event.deltaY / 300), { x: event.clientX - box.left, y: event.clientY - box.top });
  }, { passive: false });

  // A mouse drags the paper; fingers scroll it, and two of them zoom.
  let drag = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop, isMoved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.isMoved && Math.hypot(dx, dy) < 5) return;
    drag.isMoved = true;
    frame.classList.add("map-dragged");
    frame.scrollLeft = drag.left - dx;
    frame.scrollTop = drag.top - dy;
  });
  let isDragClick = false;
  window.addEventListener("pointerup", () => {
    isDragClick = Boolean(drag?.isMoved);
    drag = null;
    frame.classList.remove("map-dragged");
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("click", (event) => {
    // Letting go after a drag is no click on the skill underneath.
    if (isDragClick) event.preventDefault();
    isDragClick = false;
  });

  let pinch = null;
  const spread = (touches) => Math.hypot(touches[0].clientX - touches[1].clientX, touches[0].clientY - touches[1].clientY);
  frame.addEventListener("touchstart", (event) => {
    if (event.touches.length === 2) pinch = { far: spread(event.touches), scale };
  }, { passive: true });
  frame.addEventListener("touchmove", (event) => {
    if (!pinch || event.touches.length !== 2) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    zoomTo(pinch.scale * spread(event.touches) / pinch.far, {
      x: (event.touches[0].clientX + event.touches[1].clientX) / 2 - box.left,
      y: (event.touches[0].clientY + event.touches[1].clientY) / 2 - box.top,
    });
  }, { passive: false });
  frame.addEventListener("touchend", () => { pinch = null; });

  // Searching marks what is found; Enter goes from one to the next.
  const titles = nodes.map((node) => node.getAttribute("aria-label").toLocaleLowerCase());
  let found = [], place = -1;
  function find() {
    const words = query.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    found = words.length ? titles.flatMap((title, at) => words.every((word) => title.includes(word)) ? [at] : []) : [];
    place = -1;
    svg.classList.toggle("map-searched", words.length > 0);
    nodes.forEach((node) => node.classList.remove("map-hit"));
    for (const at of found) nodes[at].classList.add("map-hit");
    if (!words.length) return;
    const said = document.getElementById("map-search").dataset[found.length ? "found" : "none"].replace("0", String(found.length));
    tell(said);
    if (live) live.textContent = said;
    if (found.length) next();
  }
  function next() {
    place = (place + 1) % found.length;
    if (scale < FAR) zoomTo(1);
    showNode(found[place], true);
  }
  if (query) {
    let timer = 0;
    query.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 200); });
    query.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!found.length) find();
      else if (place >= 0) focusOn(found[place]);
    });
  }

  // Zooming out must not pull the page together under the pointer.
  frame.style.minHeight = `${frame.offsetHeight}px`;
  // A drawing that nearly fits is shown whole; a large one opens where the learner is at work.
  if (fitting() > 0.75) zoomTo(fitting());
  else if (here >= 0) showNode(here, true);
})();
