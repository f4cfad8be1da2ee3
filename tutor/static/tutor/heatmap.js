"use strict";
// The heatmap: one tab stop, arrow keys between cells, and a line that says what a cell holds.
// Everything listens on the document, so that a table swapped in by htmx works like the first.
(() => {
  const cellOf = (target) => target instanceof Element ? target.closest(".heat-table tbody td, .heat-table tbody th") : null;

  const describe = (cell) => {
    const line = document.getElementById("heat-detail");
    const table = cell.closest("table");
    if (!line || !cell.title) return;
    const learner = cell.parentElement.cells[0].textContent.trim();
    // A second row of heads has no cells of its own for the learner and the mean.
    const heads = table.tHead.rows;
    const head = heads.length === 1 ? heads[0].cells[cell.cellIndex] : heads[1].cells[cell.cellIndex - 2];
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
    const target = cell.tagName === "TH" ? cell.querySelector("a") : cell;
    if (cell.tagName === "TD") cell.tabIndex = 0;
    target.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const steps = {
    ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
    Home: [0, -Infinity], End: [0, Infinity], PageUp: [-10, 0], PageDown: [10, 0],
  };
  document.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    const step = steps[event.key];
    if (!cell || !step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    focusOn(move(cell, step[0], step[1]));
  });
  document.addEventListener("focusin", (event) => { const cell = cellOf(event.target); if (cell) describe(cell); });
  document.addEventListener("mouseover", (event) => { const cell = cellOf(event.target); if (cell) describe(cell); });

  const prepare = () => {
    const first = document.querySelector(".heat-table tbody td:nth-child(3)");
    if (first) first.tabIndex = 0;
  };
  document.addEventListener("htmx:afterSettle", prepare);
  prepare();
})();
