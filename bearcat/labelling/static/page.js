// What the labelling pages share: the state that the server returns, counts, keys and known names.
// A page defines showImage(image), which shows the image to label, confirmImage(), which Enter calls, and
// onOtherKey(event), which gets all keys but Enter, Shift + Enter and Esc; then it calls start(). The event "state" of
// the document tells it that there is a new state.
"use strict";

const SURE = 0.95, LIKELY = 0.8; // confidences, as on the page of the service
const POLL_MILLISECONDS = 400; // while no image is open yet
const MAX_CLASSES_SHOWN = 12;

let state = null, shownNumber = null;

async function start() {
  await loadTexts();
  byId("form").addEventListener("submit", event => { event.preventDefault(); confirmImage(); });
  byId("skip").addEventListener("click", skip);
  byId("undo").addEventListener("click", undo);
  byId("done-undo").addEventListener("click", undo);
  byId("review-skipped").addEventListener("click", reopenSkipped);
  document.addEventListener("keydown", onKey);
  await request("state");
}

// Sends a request, and asks for the state again while no image is open yet.
async function request(path, fields = null) {
  if (busy) return;
  await exchange(path, fields);
  if (state && !state.image && state.opened < 1) setTimeout(() => request("state"), POLL_MILLISECONDS);
}

function showState(answer) {
  const before = shownNumber;
  state = answer;
  shownNumber = state.image ? state.image.number : null;
  byId("folders").textContent = format("folders", { folder: pathEnd(state.folder, 1), target: pathEnd(state.target, 2) });
  showCounts();
  byId("labelling").hidden = !state.image;
  byId("tagline").hidden = !state.image;
  byId("done").hidden = Boolean(state.image);
  byId("undo").disabled = !state.can_undo;
  if (!state.image) showDone();
  else if (shownNumber !== before) showImage(state.image);
  byId("finish-hint").textContent = format("finish_hint", { target: state.target });
  byId("commands").textContent = state.commands.join("\n");
  document.dispatchEvent(new Event("state"));
}

function showCounts() {
  const all = state.labelled + state.remaining + state.skipped;
  showBar(all ? state.labelled / all : 1);
  const counts = [["labelled", state.labelled, true], ["remaining", state.remaining, true], ["skipped", state.skipped],
    ["already_labelled", state.already_labelled], ["duplicates", state.duplicates], ["damaged", state.damaged_count]];
  byId("counts").replaceChildren(...counts.filter(([, count, always]) => count || always).map(([key, count]) => {
    const item = countItem(count, texts[key]);
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

function onKey(event) {
  if (isComposing(event)) return;
  const plain = isPlain(event), onButton = event.target.closest?.("button, summary");
  // a key that is held down repeats, and would confirm images unseen
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
