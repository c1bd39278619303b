// Sorting: a click on a column's head sorts by it, a second one the other way round, a third as it was. Cells that begin
// with numbers go by these (1,086 [1,068, 1,105]; 1.2M), dashes last. What is wider than its box says that it can be
// scrolled. A figure can be enlarged, and is its own download.
"use strict";

const SIZES = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };
const NUMBER = /^([+-]?(?:\d[\d,]*\.?\d*(?:e[+-]?\d+)?|inf))([kMGTPE])?(?![A-Za-z])/;
const words = new Intl.Collator("en", { numeric: true });

function value(cell) {
  const text = (cell.dataset.value || cell.textContent).trim();
  if (text === "" || text === "-") return { text, missing: true };
  const found = NUMBER.exec(text);
  if (!found) return { text };
  const digits = found[1].replace(/,/g, "").replace("inf", "Infinity");
  return { text, number: Number(digits) * (SIZES[found[2]] || 1) };
}

function sort(table, column, direction) {
  const rows = Array.from(table.tBodies[0].rows, (row) => ({ row, ...value(row.cells[column]) }));
  const numeric = rows.every((entry) => entry.missing || entry.number !== undefined);
  rows.sort((a, b) => {
    if (direction === "none") return a.row.dataset.place - b.row.dataset.place;
    if (a.missing || b.missing) return Boolean(a.missing) - Boolean(b.missing);
    const order = numeric ? a.number - b.number : words.compare(a.text, b.text);
    return direction === "ascending" ? order : -order;
  });
  table.tBodies[0].append(...rows.map((entry) => entry.row));
}

const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

for (const table of document.querySelectorAll("table")) {
  if (!table.tHead || !table.tBodies.length) continue;
  Array.from(table.tBodies[0].rows).forEach((row, place) => { row.dataset.place = place; });
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const direction = NEXT[head.getAttribute("aria-sort")];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", direction);
      sort(table, column, direction);
    });
  });
}

for (const box of document.querySelectorAll(".wide")) {
  const cue = document.createElement("p");
  cue.className = "cue";
  cue.textContent = "Wider than the screen: scroll sideways";
  box.before(cue);
  const look = () => {
    const wide = box.scrollWidth > box.clientWidth + 1;
    cue.hidden = !wide;
    box.classList.toggle("scrolls", wide);
    box.classList.toggle("ended", box.scrollLeft + box.clientWidth >= box.scrollWidth - 1);
    if (wide) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  const observer = new ResizeObserver(look);
  observer.observe(box);
  observer.observe(box.firstElementChild);
  box.addEventListener("scroll", look, { passive: true });
}

for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    const large = button.closest("figure").classList.toggle("large");
    button.setAttribute("aria-pressed", String(large));
    button.textContent = large ? "Fit to the screen" : "Enlarge";
  });
}

for (const link of document.querySelectorAll("a.shown")) {
  link.href = link.closest("figure").querySelector("img").src;
}
