// The labelling page of boxes: shows an image with the boxes that the model proposes, and sends those of a person.
"use strict";

const LARGEST_IMAGE = { width: 780, height: 0.68, factor: 6 }; // the height as a fraction of the window's
const STEP = 1, LARGE_STEP = 10; // pixels of the image that an arrow moves a box by
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const drafts = new Map(); // number of an image → its boxes, which stay if it is skipped or undone
const canvas = new BoxCanvas("stage", () => showSelection());
let loadedNumber = null; // of the image over which the boxes are
let warned = null; // what a second Enter confirms

function showImage(image) {
  const corners = ([xmin, ymin, xmax, ymax]) => ({ xmin, ymin, xmax, ymax });
  const boxes = image.boxes.map(({ name, score, box }) => ({ name, score, ...corners(box) }));
  if (!drafts.has(image.number)) drafts.set(image.number, boxes);
  loadedNumber = null;
  byId("image").src = `image/${image.number}`;
  byId("name").textContent = image.name;
  byId("predicted-by").textContent = state.model ? format("predicted_by", { model: state.model }) : "";
  const found = image.boxes.some(({ score }) => score !== null);
  byId("overall").textContent = found ? format("overall_confidence", { share: percent(image.confidence) }) : "";
}

function showTagline() {
  byId("tagline").textContent = state.model ? texts.tagline : texts.tagline_no_model;
}

// Shows the boxes over the image, once it is loaded; the least confident one is selected if it is not sure.
function showBoxes() {
  const image = byId("image"), { naturalWidth: width, naturalHeight: height } = image;
  if (!state?.image || !image.complete) return;
  loadedNumber = shownNumber;
  const largest = Math.min(LARGEST_IMAGE.factor, LARGEST_IMAGE.width / width, LARGEST_IMAGE.height * innerHeight / height);
  const zoom = largest >= 2 ? Math.floor(largest) : largest;
  image.style.width = `${width * zoom}px`;
  image.classList.toggle("enlarged", zoom >= 2);
  canvas.show({ width, height }, zoom, drafts.get(state.image.number));
  const scores = canvas.boxes.map(box => box.score ?? 1), least = Math.min(...scores);
  if (least < SURE) canvas.select(scores.indexOf(least));
  showSelection();
  if (canvas.box) showHint(texts.selected_hint);
}

// Shows which box is selected, with its name in the field; new boxes get the only name there is.
function showSelection() {
  const box = canvas.box, field = byId("label"), names = otherNames();
  if (box && !box.name && names.length === 1) setName(names[0]);
  warned = null;
  field.disabled = !box;
  field.value = box?.name ?? "";
  byId("remove").disabled = !box;
  byId("classes").hidden = true;
  showHint(box || canvas.boxes.length ? "" : texts.draw_hint);
  showList();
  if (!box) return;
  field.focus({ preventScroll: true });
  field.select();
  showClasses(chooseName);
}

function showList() {
  byId("boxes").replaceChildren(...canvas.boxes.map((box, number) => {
    const item = document.createElement("li"), button = document.createElement("button");
    const score = document.createElement("small");
    button.type = "button";
    button.className = box.score === null ? "" : `proposal ${sureness(box.score)}`;
    button.setAttribute("aria-pressed", box === canvas.box);
    score.textContent = box.score === null ? "" : percent(box.score);
    button.append(box.name || "?", score);
    button.addEventListener("click", () => select(number));
    item.append(button);
    return item;
  }));
}

function select(number) {
  canvas.select(number);
  showSelection();
}

function setName(name) {
  canvas.change(canvas.box, { name });
  canvas.draw();
  showList();
}

function chooseName(name) {
  setName(name);
  showSelection();
}

// Returns the names that are known, and those of the other boxes.
function otherNames() {
  const named = canvas.boxes.filter(box => box !== canvas.box && box.name).map(box => box.name);
  return [...new Set([...state.known_symbols, ...named])];
}

// Names the selected box as it is typed; the rest of the only known name that starts like that is added, selected.
function nameTyped(event) {
  const field = byId("label"), typed = field.value;
  const starting = otherNames().filter(name => name.startsWith(typed));
  if (event.inputType === "insertText" && starting.length === 1) {
    field.value = starting[0];
    field.setSelectionRange(typed.length, field.value.length);
  }
  setName(field.value.trim());
  showHint("");
  showClasses(chooseName);
}

function remove() {
  if (!canvas.box) return;
  canvas.remove();
  showSelection();
}

function confirmImage() {
  if (loadedNumber !== shownNumber) return; // the boxes are still those of the last image
  const unnamed = canvas.boxes.findIndex(box => !box.name);
  if (unnamed >= 0) {
    select(unnamed);
    return showHint(texts.name_missing, true);
  }
  const names = new Set(canvas.boxes.map(box => box.name.normalize("NFC"))), known = state.known_symbols;
  const unknown = [...names].filter(name => known.length && !known.includes(name));
  if (!names.size && warned !== "") return warn("", texts.no_objects);
  if (unknown.length && warned !== unknown.join()) {
    return warn(unknown.join(), format("new_symbol", { symbols: unknown.join(", ") }));
  }
  const boxes = canvas.boxes.map(({ name, xmin, ymin, xmax, ymax }) => ({ name, box: [xmin, ymin, xmax, ymax] }));
  request("confirm", { number: shownNumber, boxes });
}

function warn(about, text) {
  warned = about;
  showHint(text, true);
}

function onOtherKey(event) {
  const isElsewhere = event.target !== byId("label") && event.target !== document.body;
  if (!state?.image || loadedNumber !== shownNumber || isElsewhere || event.altKey || event.metaKey) return;
  const arrow = ARROWS[event.key], step = event.ctrlKey ? LARGE_STEP : STEP;
  if (event.key === "Tab") {
    const next = (canvas.selected ?? (event.shiftKey ? canvas.boxes.length : -1)) + (event.shiftKey ? -1 : 1);
    if (!canvas.boxes[next]) return; // beyond the last box is the next button
    select(next);
  } else if (event.key === "Delete" && canvas.box) {
    remove();
  } else if (arrow && canvas.box) {
    canvas.shift(arrow[0] * step, arrow[1] * step, event.shiftKey);
    showList();
  } else return;
  event.preventDefault();
}

byId("image").addEventListener("load", showBoxes);
document.addEventListener("state", showTagline);
byId("image").addEventListener("error", showBoxes); // the file is gone: confirming it says so, and goes on
addEventListener("resize", showBoxes);
byId("label").addEventListener("input", nameTyped);
byId("remove").addEventListener("click", remove);
start().catch(error => showMessage(String(error), true, true));
