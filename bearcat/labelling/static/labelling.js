// The labelling page: shows the state that the server returns, and sends what its keys and buttons ask for.
"use strict";

const SURE = 0.95, LIKELY = 0.8; // confidences, as on the page of the service
const LARGEST_IMAGE = { width: 760, height: 210, factor: 5 };
const POLL_MILLISECONDS = 400; // while no image is open yet
const MAX_CLASSES_SHOWN = 12;

const byId = id => document.getElementById(id);
const format = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
let texts = {}, state = null, shownNumber = null, busy = false, warnedLabel = null;

async function start() {
  const answer = await (await fetch("texts")).json();
  texts = answer.texts;
  document.documentElement.lang = answer.language === "zh" ? "zh-CN" : "en";
  document.title = `Bearcat: ${texts.title}`;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  byId("image").alt = texts.image;
  await request("state");
}

// Sends a request (POST if it has fields), then shows the state in its answer.
async function request(path, fields = null) {
  if (busy) return;
  busy = true;
  const options = fields === null ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields),
  };
  try {
    const response = await fetch(path, options);
    const answer = await response.json();
    if ("remaining" in answer) showState(answer);
    const message = answer.message ? format(answer.message, answer.values) : "";
    showMessage(answer.error ?? answer.return_info ?? message, !response.ok, fields !== null);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    showMessage(texts.no_connection ?? String(error), true, true);
  } finally {
    busy = false;
  }
  if (state && !state.image && state.opened < 1) setTimeout(() => request("state"), POLL_MILLISECONDS);
}

function showMessage(text, isError, replace) {
  if (!text && !replace) return;
  byId("message").textContent = text;
  byId("message").classList.toggle("error", Boolean(isError));
}

function showState(answer) {
  const before = shownNumber;
  state = answer;
  shownNumber = state.image ? state.image.number : null;
  byId("tagline").textContent = state.model ? texts.tagline : texts.tagline_no_model;
  byId("folders").textContent = format("folders", { folder: pathEnd(state.folder, 1), target: pathEnd(state.target, 2) });
  showCounts();
  byId("labelling").hidden = !state.image;
  byId("done").hidden = Boolean(state.image);
  byId("undo").disabled = !state.can_undo;
  if (!state.image) showDone();
  else if (shownNumber !== before) showImage(state.image);
  byId("finish-hint").textContent = format("finish_hint", { target: state.target });
  byId("commands").textContent = state.commands.join("\n");
}

// Returns the last parts of a path.
function pathEnd(path, count) {
  return path.split(/[\\/]/).slice(-count).join("/");
}

function showCounts() {
  const all = state.labelled + state.remaining + state.skipped;
  byId("bar").style.setProperty("--share", all ? state.labelled / all : 1);
  byId("bar").setAttribute("aria-valuenow", all ? Math.round(100 * state.labelled / all) : 100);
  const counts = [["labelled", state.labelled, true], ["remaining", state.remaining, true], ["skipped", state.skipped],
    ["already_labelled", state.already_labelled], ["duplicates", state.duplicates], ["damaged", state.damaged_count]];
  byId("counts").replaceChildren(...counts.filter(([, count, always]) => count || always).map(([key, count]) => {
    const item = document.createElement("li"), number = document.createElement("b");
    number.textContent = count;
    item.append(number, " ", texts[key]);
    if (key === "damaged") item.title = state.damaged.join("\n");
    return item;
  }));
  if (state.model && state.opened < 1) {
    const item = document.createElement("li");
    item.textContent = format("predicting", { share: percent(state.opened) });
    byId("counts").append(item);
  }
}

function showDone() {
  const waiting = state.opened < 1;
  byId("done-text").textContent = waiting ? texts.waiting
    : state.skipped ? format("done_skipped", { count: state.skipped }) : texts.done;
  byId("review-skipped").hidden = waiting || !state.skipped;
  byId("done-undo").hidden = waiting || !state.can_undo;
  if (!waiting) byId("finish").open = true;
}

function showImage(image) {
  byId("image").src = `image/${image.number}`;
  byId("name").textContent = image.name;
  byId("predicted-by").textContent = state.model ? format("predicted_by", { model: state.model }) : "";
  byId("parts").replaceChildren(...image.parts.map(([part, confidence]) => partItem(part, confidence)));
  const overall = image.parts.length
    ? format("overall_confidence", { share: percent(image.confidence) }) : texts.empty_prediction;
  byId("overall").textContent = image.confidence === null ? "" : overall;
  warnedLabel = null;
  const field = byId("label");
  field.value = image.text;
  field.focus();
  selectLeastConfident(field, image);
  if (state.labels_are_classes) showClasses();
}

function partItem(part, confidence) {
  const item = document.createElement("li"), text = document.createElement("b");
  const bar = document.createElement("i"), number = document.createElement("small");
  item.className = confidence >= SURE ? "sure" : confidence >= LIKELY ? "likely" : "unsure";
  text.textContent = part.trim() ? part : "␣";
  bar.style.setProperty("--share", confidence);
  number.textContent = percent(confidence);
  item.append(text, bar, number);
  return item;
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

function showHint(text, isWarning = false) {
  byId("hint").textContent = text;
  byId("hint").classList.toggle("warning", isWarning);
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

function confirmLabel() {
  const label = byId("label").value.trim(), symbols = label ? newSymbols(label) : [];
  if (symbols.length && warnedLabel !== label) {
    warnedLabel = label;
    return showHint(format("new_symbol", { symbols: symbols.join(" ") }), true);
  }
  request("confirm", { number: shownNumber, label });
}

function skip() {
  request("skip", { number: shownNumber });
}

function undo() {
  request("undo", {});
}

function reopenSkipped() {
  request("reopen_skipped", {});
}

function matchingClasses() {
  const typed = byId("label").value.trim(), lower = typed.toLowerCase(), known = state.known_symbols;
  if (known.includes(typed)) return known.slice(0, MAX_CLASSES_SHOWN);
  const starting = known.filter(name => name.toLowerCase().startsWith(lower));
  const containing = known.filter(name => !starting.includes(name) && name.toLowerCase().includes(lower));
  return [...starting, ...containing].slice(0, MAX_CLASSES_SHOWN);
}

function showClasses() {
  const names = matchingClasses();
  byId("classes").hidden = !names.length;
  byId("classes").title = texts.classes_hint;
  byId("classes").replaceChildren(...names.map(name => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => chooseClass(name));
    item.append(button);
    return item;
  }));
}

function chooseClass(name) {
  byId("label").value = name;
  byId("label").focus();
  showClassesHint();
}

// Chooses the next or the previous of the classes shown.
function stepClasses(by) {
  const names = [...byId("classes").querySelectorAll("button")].map(button => button.textContent);
  if (!names.length) return;
  const now = names.indexOf(byId("label").value);
  chooseClass(names[now < 0 ? (by > 0 ? 0 : names.length - 1) : (now + by + names.length) % names.length]);
}

function percent(share) {
  return share < 1 ? `${(100 * Math.min(share, 0.999)).toFixed(1)}%` : "100%";
}

function onKey(event) {
  // ignore the Enter that ends the composition of a Chinese word; a key held down would confirm images unseen
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
  const onButton = event.target.closest?.("button, summary");
  if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    if (!event.repeat && state?.can_undo) undo();
  } else if (event.key === "Enter" && !onButton) {
    event.preventDefault();
    if (!event.repeat && state?.image) confirmLabel();
    else if (!event.repeat && state?.skipped) reopenSkipped();
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (!event.repeat && state?.image) skip();
  } else if (state?.labels_are_classes && (event.key === "ArrowDown" || event.key === "ArrowUp")
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
byId("form").addEventListener("submit", event => { event.preventDefault(); confirmLabel(); });
byId("skip").addEventListener("click", skip);
byId("undo").addEventListener("click", undo);
byId("done-undo").addEventListener("click", undo);
byId("review-skipped").addEventListener("click", reopenSkipped);
byId("label").addEventListener("input", () => { showClassesHint(); if (state.labels_are_classes) showClasses(); });
document.addEventListener("keydown", onKey);
start().catch(error => showMessage(String(error), true, true));
