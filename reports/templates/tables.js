// Sortable tables and the copy button.
"use strict";
(() => {
  const value = (row, column, asText) => {
    const cell = row.cells[column];
    if (asText) return cell.dataset.value ?? "";
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };

  // Lines without a value stay last in either order.
  const compare = (a, b, direction) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return direction * (typeof a === "string" ? a.localeCompare(b) : a - b);
  };

  const sort = (table, head) => {
    const asText = head.dataset.order === "text";
    const first = asText ? "ascending" : head.dataset.order;
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const body = table.tBodies[0];
    const column = head.cellIndex;
    const direction = order === "ascending" ? 1 : -1;
    const rows = [...body.rows].sort((a, b) => compare(value(a, column, asText), value(b, column, asText), direction));
    body.append(...rows);
  };

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head));
    }
  }

  const copy = document.querySelector("[data-copy]");
  const source = document.querySelector("[data-copy-source]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
        copy.textContent = "Selected";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
  }
})();
