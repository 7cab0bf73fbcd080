// The grid: confident predictions side by side, of which all but the marked ones are confirmed at once.
"use strict";

const MAX_GRID_TEXT = 32; // characters of a label, as the server allows
const ARROWS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: () => columns() };
let cells = []; // { image, label, item } of each image shown
let isWanted = false; // whether the grid was opened and not left since, though an answer may be under way

const isGridShown = () => !byId("grid").hidden;
const marked = () => cells.filter(cell => cell.item.getAttribute("aria-selected") === "true");
const columns = () => getComputedStyle(byId("cells")).gridTemplateColumns.split(" ").length;

// Shows the next grid, or the other view if there is none.
async function showGrid() {
  isWanted = true;
  cells = []; // Enter must not confirm the images before once more
  byId("confirm-grid").disabled = true;
  const answer = await fetch("grid").then(response => response.json()).catch(() => null);
  if (!isWanted) return;
  if (!answer?.images?.length) return leaveGrid();
  cells = answer.images.map(image => ({ image, label: image.text }));
  byId("cells").replaceChildren(...cells.map(makeItem));
  const predictors = answer.images.map(image => image.predictor);
  byId("grid").dataset.predictor = predictors.some(one => one.kind === "guess") ? "guess" : "";
  byId("grid-predicted-by").textContent = [...new Set(predictors.map(predictedBy))].join(", ");
  switchViews(true);
  focusCell(0);
  showButtons();
  holdConfirmation(byId("confirm-grid"), cells.map(cell => cell.isLoaded));
}

function leaveGrid() {
  isWanted = false;
  cells = [];
  switchViews(false);
  if (!state.image) return;
  showImage(state.image);
  holdConfirmation(byId("confirm"));
}

function switchViews(isGrid) {
  byId("grid").hidden = !isGrid;
  byId("view-grid").setAttribute("aria-pressed", isGrid);
  byId("view-single").setAttribute("aria-pressed", !isGrid);
  byId("grid-warning").textContent = "";
  showSections();
}

// Hides what belongs to the other view, and says how many images a grid could offer.
function showSections() {
  byId("labelling").hidden = isGridShown() || !state.image;
  byId("done").hidden = isGridShown() || Boolean(state.image);
  byId("view-grid").disabled = !state.grid;
  byId("grid-count").textContent = format("view_grid", { count: state.grid });
  byId("grid-undo").disabled = !state.can_undo;
}

function makeItem(cell) {
  const item = document.createElement("li"), picture = document.createElement("img"), text = document.createElement("b");
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.tabIndex = -1;
  cell.isLoaded = new Promise(resolve => {
    picture.addEventListener("load", resolve);
    picture.addEventListener("error", () => { mark(cell, true); resolve(); }); // nobody can see what it shows
  });
  picture.src = `image/${cell.image.number}`;
  picture.alt = cell.image.name;
  text.textContent = cell.label;
  item.title = `${predictedBy(cell.image.predictor)}, ${percent(cell.image.confidence)}`;
  item.append(picture, text);
  item.addEventListener("click", event => {
    if (event.target.tagName === "INPUT") return;
    focusCell(cells.indexOf(cell));
    toggle(cell);
  });
  cell.item = item;
  return item;
}

function focusCell(index) {
  cells[Math.max(0, Math.min(index, cells.length - 1))]?.item.focus();
}

function toggle(cell) {
  mark(cell, cell.item.getAttribute("aria-selected") !== "true");
}

function mark(cell, isWrong) {
  cell.item.setAttribute("aria-selected", isWrong);
  showButtons();
}

function showButtons() {
  const count = marked().length, values = { count: cells.length - count, marked: count };
  byId("grid-confirm").textContent = format(count ? "grid_confirm_marked" : "grid_confirm", values);
}

async function confirmGrid() {
  const field = document.querySelector("#cells input");
  if (field) return field.focus(); // what is being typed there is not a label yet
  const wrong = marked(), right = cells.filter(cell => !wrong.includes(cell));
  const images = right.map(({ image, label }) => ({ number: image.number, label }));
  if (busy || !cells.length || byId("confirm-grid").disabled) return;
  await request("confirm_many", { images, marked: wrong.map(({ image }) => image.number) });
  if (isWanted) await showGrid();
}

async function undoGrid() {
  if (busy) return;
  await request("undo", {});
  if (isWanted) await showGrid();
}

// Turns the text of a cell into a field.
function edit(cell) {
  const field = document.createElement("input");
  field.maxLength = MAX_GRID_TEXT;
  field.value = cell.label;
  field.spellcheck = false;
  field.setAttribute("aria-label", texts.label_field);
  cell.item.querySelector("b").replaceWith(field);
  field.focus();
  field.select();
}

// Takes the label that was typed into a cell, which is then right, or the one before.
function endEdit(cell, field, isTaken) {
  const label = field.value.trim(), symbols = isTaken ? newSymbols(label) : [];
  if (symbols.length && warnedLabel !== label) {
    warnedLabel = label;
    byId("grid-warning").textContent = format("new_symbol", { symbols: symbols.join(" ") });
    return;
  }
  byId("grid-warning").textContent = "";
  if (isTaken && label) {
    cell.label = label;
    cell.item.classList.toggle("edited", label !== cell.image.text);
    cell.item.setAttribute("aria-selected", "false");
  }
  const text = document.createElement("b");
  text.textContent = cell.label;
  field.replaceWith(text);
  focusCell(cells.indexOf(cell));
  showButtons();
}

function onGridKey(event) {
  if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyG") {
    event.preventDefault();
    if (!event.repeat && isGridShown()) leaveGrid();
    else if (!event.repeat && state?.grid) showGrid();
    return;
  }
  if (!isGridShown() || event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
  event.stopPropagation(); // the keys of the other view do not count here
  const index = cells.findIndex(cell => cell.item.contains(document.activeElement)), cell = cells[index];
  if (event.target.tagName === "INPUT" && cell) {
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      endEdit(cell, event.target, event.key === "Enter");
    }
  } else if (event.key === "Escape") leaveGrid();
  else if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    if (!event.repeat && state.can_undo) undoGrid();
  } else if (event.key === "Enter" && !event.target.closest?.("button, summary")) {
    event.preventDefault();
    if (!event.repeat) confirmGrid();
  } else if (event.key in ARROWS) {
    event.preventDefault();
    focusCell(cell ? index + ARROWS[event.key]() : 0);
  } else if (cell && event.key === " ") {
    event.preventDefault();
    toggle(cell);
  } else if (cell && event.key.toLowerCase() === "e") {
    event.preventDefault();
    edit(cell);
  }
}

byId("view-grid").addEventListener("click", showGrid);
byId("view-single").addEventListener("click", leaveGrid);
byId("leave-grid").addEventListener("click", leaveGrid);
byId("confirm-grid").addEventListener("click", confirmGrid);
byId("grid-undo").addEventListener("click", undoGrid);
document.addEventListener("keydown", onGridKey, true);
document.addEventListener("state", showSections);
