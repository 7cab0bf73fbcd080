// The labelling page of texts and classes: shows an image with its prediction, and sends the label that is typed.
"use strict";

const LARGEST_IMAGE = { width: 760, height: 210, factor: 5 };
const STATE_MILLISECONDS = 2000; // between looks at what runs beside the page
const READING_MILLISECONDS = 700; // from a change on the page until it can be confirmed
const PREDICTED_BY = { model: "predicted_by", guess: "predicted_by_guess", trained: "predicted_by_trained" };
const TAGLINES = { model: "tagline", guess: "tagline_guess", trained: "tagline" };
const holds = new Map(); // button → its latest hold
let warnedLabel = null, shownImage = null;
let isTouched = false; // whether the label of the shown image has been typed or chosen

function showImage(image) {
  byId("image").src = `image/${image.number}`;
  byId("name").textContent = image.name;
  showConfidences(image);
  warnedLabel = null;
  isTouched = false;
  const field = byId("label");
  field.value = image.text;
  field.focus();
  selectLeastConfident(field, image);
  if (state.labels_are_classes) showClasses(chooseClass);
}

// Shows who has predicted an image, and how sure each character is.
function showConfidences(image) {
  shownImage = image;
  byId("predicted-by").textContent = predictedBy(image.predictor);
  byId("labelling").dataset.predictor = image.predictor?.kind ?? "";
  byId("parts").replaceChildren(...image.parts.map(([part, confidence]) => partItem(part, confidence)));
  const overall = image.parts.length
    ? format("overall_confidence", { share: percent(image.confidence) }) : texts.empty_prediction;
  byId("overall").textContent = image.confidence === null ? "" : overall;
}

function partItem(part, confidence) {
  const item = document.createElement("li"), text = document.createElement("b");
  const bar = document.createElement("i"), number = document.createElement("small");
  item.className = sureness(confidence);
  text.textContent = part.trim() ? part : "␣";
  bar.style.setProperty("--share", confidence);
  number.textContent = percent(confidence);
  item.append(text, bar, number);
  return item;
}

// Returns who has predicted an image.
function predictedBy(predictor) {
  return predictor ? format(PREDICTED_BY[predictor.kind], { model: predictor.name, count: predictor.labels }) : "";
}

// Shows a prediction that arrives while its image is on the page, unless the label is being typed. All of it is selected:
// who was about to type the label replaces it, instead of adding to it.
function showNewPrediction() {
  const image = state.image, isSame = image && shownImage && image.number === shownImage.number;
  if (!isSame || isTouched || isGridShown()) return;
  if (JSON.stringify(image) === JSON.stringify(shownImage)) return;
  if (image.text === shownImage.text) {
    showConfidences(image);
    return showClassesHint(); // another character may be the least confident one now
  }
  showImage(image);
  byId("label").select();
  showHint(texts.arrived_hint);
  holdConfirmation(byId("confirm"));
}

// Keeps a button, and Enter with it, from confirming what nobody can have read yet: a pause, and until images are loaded.
async function holdConfirmation(button, loaded = []) {
  const hold = Promise.all([...loaded, new Promise(resolve => setTimeout(resolve, READING_MILLISECONDS))]);
  holds.set(button, hold);
  button.disabled = true;
  await hold;
  if (holds.get(button) === hold) button.disabled = false;
}

// Says what runs beside the page, and when it will train.
function showStatus() {
  const { predictor, background } = state;
  byId("tagline").textContent = texts[predictor ? TAGLINES[predictor.kind] : "tagline_no_model"];
  let text = "";
  if (background?.activity) text = format(`status_${background.activity}`, { count: background.labels });
  else if (background?.failed) text = texts.status_failed;
  else if (background?.needed) text = format("status_needed", { count: background.needed });
  byId("status").textContent = text;
}

// Asks for the state now and then, since what runs beside the page changes it.
async function watchState() {
  const before = state;
  if (!document.hidden && !busy && state?.background) {
    const answer = await fetch("state").then(response => response.json()).catch(() => null);
    if (answer && "remaining" in answer && state === before && !busy) showState(answer);
  }
  setTimeout(watchState, STATE_MILLISECONDS);
}

// Selects the least confident character, so that typing replaces it; a class is selected as a whole.
function selectLeastConfident(field, image) {
  const parts = image.parts, isPrediction = parts.map(([part]) => part).join("") === image.text;
  const confidences = parts.map(([, confidence]) => confidence), least = confidences.indexOf(Math.min(...confidences));
  showClassesHint();
  if (state.labels_are_classes) return field.select();
  if (!isPrediction || !parts.length || confidences[least] >= SURE) {
    return field.setSelectionRange(field.value.length, field.value.length);
  }
  const start = parts.slice(0, least).map(([part]) => part).join("").length;
  field.setSelectionRange(start, start + parts[least][0].length);
  showHint(texts.selected_hint);
}

// Explains how classes are chosen, if any are known.
function showClassesHint() {
  showHint(state.labels_are_classes && state.known_symbols.length ? texts.classes_hint : "");
}

// Returns the symbols of a label that were never seen, which are mostly typing errors.
function newSymbols(label) {
  if (!state.known_symbols || (state.labels_are_classes && !state.known_symbols.length)) return [];
  const known = new Set(state.known_symbols);
  const text = label.normalize("NFC");
  return [...new Set(state.labels_are_classes ? [text] : text)].filter(symbol => !known.has(symbol));
}

function confirmImage() {
  if (byId("confirm").disabled) return;
  const label = byId("label").value.trim(), symbols = label ? newSymbols(label) : [];
  if (symbols.length && warnedLabel !== label) {
    warnedLabel = label;
    return showHint(format("new_symbol", { symbols: symbols.join(" ") }), true);
  }
  request("confirm", { number: shownNumber, label });
}

function chooseClass(name) {
  byId("label").value = name;
  byId("label").focus();
  isTouched = true;
  showClassesHint();
}

// Chooses the next or the previous of the classes shown.
function stepClasses(by) {
  const names = [...byId("classes").querySelectorAll("button")].map(button => button.textContent);
  if (!names.length) return;
  const now = names.indexOf(byId("label").value);
  chooseClass(names[now < 0 ? (by > 0 ? 0 : names.length - 1) : (now + by + names.length) % names.length]);
}

function onOtherKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (state?.labels_are_classes && (event.key === "ArrowDown" || event.key === "ArrowUp")
      && event.target === byId("label")) {
    event.preventDefault();
    stepClasses(event.key === "ArrowDown" ? 1 : -1);
  }
}

function enlarge() {
  const image = byId("image"), { width, height, factor } = LARGEST_IMAGE;
  const scale = Math.min(factor, width / image.naturalWidth, height / image.naturalHeight);
  image.style.width = `${Math.round(image.naturalWidth * scale)}px`;
}

byId("image").addEventListener("load", enlarge);
document.addEventListener("state", () => { showStatus(); showNewPrediction(); });
byId("label").addEventListener("input", () => {
  isTouched = true;
  showClassesHint();
  if (state.labels_are_classes) showClasses(chooseClass);
});
start().then(watchState).catch(error => showMessage(String(error), true, true));
