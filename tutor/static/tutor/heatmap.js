"use strict";
// The heatmap: one tab stop, arrow keys between cells, a line that says what a cell holds, and Enter
// for the learner's page.
// Everything listens on the document, so that a table swapped in by htmx works like the first.
(() => {
  const cellOf = (target) => target instanceof Element ? target.closest(".heat-table tbody td, .heat-table tbody th") : null;

  const headOf = (cell) => {
    // A second row of heads has no cells of its own for the learner and the mean.
    const heads = cell.closest("table").tHead.rows;
    return heads.length === 1 ? heads[0].cells[cell.cellIndex] : heads[1].cells[cell.cellIndex - 2];
  };

  const describe = (cell) => {
    const line = document.getElementById("heat-detail");
    if (!line) return;
    if (!cell.title) {
      // A name or a mean says itself what it is; the words of the last cell would be wrong beside it.
      line.textContent = "";
      return;
    }
    const learner = cell.parentElement.cells[0].querySelector("a").textContent;
    const head = headOf(cell);
    // A cell with a teacher's word holds a mark and the words besides the number.
    const number = cell.textContent.match(/^\d+/);
    const value = number ? `${number[0]} %: ` : "";
    line.textContent = `${learner}, ${head.title}: ${value}${cell.title}`;
  };

  const move = (cell, rows, columns) => {
    const body = cell.closest("tbody");
    const at = Array.prototype.indexOf.call(body.rows, cell.parentElement);
    const row = body.rows[Math.min(Math.max(at + rows, 0), body.rows.length - 1)];
    return row.cells[Math.min(Math.max(cell.cellIndex + columns, 0), row.cells.length - 1)];
  };

  const focusOn = (cell) => {
    const old = cell.closest("table").querySelector("tbody td[tabindex='0']");
    if (old) old.tabIndex = -1;
    const isName = cell.tagName === "TH";
    if (!isName) cell.tabIndex = 0;
    (isName ? cell.querySelector("a") : cell).focus({ preventScroll: true });
    // A name sticks to the left edge wherever the table is; the cell beside it says how far to scroll.
    (isName ? cell.nextElementSibling : cell).scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  // The learner's page, opened at the skill of the cell.
  const openLearner = (cell) => {
    const link = cell.parentElement.cells[0].querySelector("a");
    const skill = headOf(cell)?.dataset.skill;
    window.location.assign(link.href + (skill ? `?skill=${skill}` : ""));
  };

  // Heads, foot and names stick to the edges: what is scrolled into view has to stop before them.
  const measure = () => {
    for (const scroll of document.querySelectorAll(".heat-scroll")) {
      const table = scroll.querySelector("table");
      const name = table.querySelector("tbody th");
      scroll.style.scrollPaddingTop = `${table.tHead.offsetHeight}px`;
      scroll.style.scrollPaddingBottom = `${table.tFoot.offsetHeight}px`;
      scroll.style.scrollPaddingLeft = `${name ? name.offsetWidth : 0}px`;
    }
  };

  const steps = {
    ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
    Home: [0, -Infinity], End: [0, Infinity], PageUp: [-10, 0], PageDown: [10, 0],
  };
  const leaps = { Home: [-Infinity, -Infinity], End: [Infinity, Infinity] };
  document.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && cell.tagName === "TD" && !event.ctrlKey) {
      openLearner(cell);
      return;
    }
    const step = (event.ctrlKey ? leaps : steps)[event.key];
    if (!step) return;
    event.preventDefault();
    focusOn(move(cell, step[0], step[1]));
  });
  document.addEventListener("focusin", (event) => { const cell = cellOf(event.target); if (cell) describe(cell); });
  document.addEventListener("mouseover", (event) => { const cell = cellOf(event.target); if (cell) describe(cell); });

  const prepare = () => {
    const first = document.querySelector(".heat-table tbody td:nth-child(3)");
    if (first) first.tabIndex = 0;
    measure();
  };
  window.addEventListener("resize", measure);
  document.addEventListener("htmx:afterSettle", prepare);
  prepare();
})();
