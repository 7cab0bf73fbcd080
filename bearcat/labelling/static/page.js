// What the labelling pages share: the state that the server returns, requests, counts, messages, keys and known names.
// A page defines showImage(image), which shows the image to label, confirmImage(), which Enter calls, and
// onOtherKey(event), which gets all keys but Enter, Shift + Enter and Esc; then it calls start(). The event "state" of
// the document tells it that there is a new state.
"use strict";

const SURE = 0.95, LIKELY = 0.8; // confidences, as on the page of the service
const POLL_MILLISECONDS = 400; // while no image is open yet
const MAX_CLASSES_SHOWN = 12;

const byId = id => document.getElementById(id);
const format = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
let texts = {}, state = null, shownNumber = null, busy = false;

async function start() {
  const answer = await (await fetch("texts")).json();
  texts = answer.texts;
  document.documentElement.lang = answer.language === "zh" ? "zh-CN" : "en";
  document.title = `Bearcat: ${texts.title}`;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  byId("image").alt = texts.image;
  byId("form").addEventListener("submit", event => { event.preventDefault(); confirmImage(); });
  byId("skip").addEventListener("click", skip);
  byId("undo").addEventListener("click", undo);
  byId("done-undo").addEventListener("click", undo);
  byId("review-skipped").addEventListener("click", reopenSkipped);
  document.addEventListener("keydown", onKey);
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
  byId("folders").textContent = format("folders", { folder: pathEnd(state.folder, 1), target: pathEnd(state.target, 2) });
  showCounts();
  byId("labelling").hidden = !state.image;
  byId("done").hidden = Boolean(state.image);
  byId("undo").disabled = !state.can_undo;
  if (!state.image) showDone();
  else if (shownNumber !== before) showImage(state.image);
  byId("finish-hint").textContent = format("finish_hint", { target: state.target });
  byId("commands").textContent = state.commands.join("\n");
  document.dispatchEvent(new Event("state"));
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
  if (state.predicted < 1) {
    const item = document.createElement("li");
    item.textContent = format("predicting", { share: percent(state.predicted) });
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

// Returns how a confidence is shown: as sure, likely or unsure.
function sureness(confidence) {
  return confidence >= SURE ? "sure" : confidence >= LIKELY ? "likely" : "unsure";
}

function showHint(text, isWarning = false) {
  byId("hint").textContent = text;
  byId("hint").classList.toggle("warning", isWarning);
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

function showClasses(choose) {
  const names = matchingClasses();
  byId("classes").hidden = !names.length;
  byId("classes").title = texts.classes_hint;
  byId("classes").replaceChildren(...names.map(name => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => choose(name));
    item.append(button);
    return item;
  }));
}

function percent(share) {
  return share < 1 ? `${(100 * Math.min(share, 0.999)).toFixed(1)}%` : "100%";
}

function onKey(event) {
  // ignore the Enter that ends the composition of a Chinese word; a key held down would confirm images unseen
  if (event.isComposing || event.keyCode === 229) return;
  const plain = !(event.ctrlKey || event.altKey || event.metaKey);
  const onButton = event.target.closest?.("button, summary");
  if (plain && event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    if (!event.repeat && state?.can_undo) undo();
  } else if (plain && event.key === "Enter") {
    if (onButton) return;
    event.preventDefault();
    if (!event.repeat && state?.image) confirmImage();
    else if (!event.repeat && state?.skipped) reopenSkipped();
  } else if (plain && event.key === "Escape") {
    event.preventDefault();
    if (!event.repeat && state?.image) skip();
  } else onOtherKey(event);
}
