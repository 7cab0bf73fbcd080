// The page that hides the labels: shows an image, measures how long its answer takes, and sends what is typed.
"use strict";

const PERSON = "bearcat-person"; // kept by the window, so that a reload goes on with the same session
let state = null, loaded = null; // when the current image was loaded; null before
let paused = false, failed = false; // since the current image was asked for

const imageUrl = ({ person, number }) => `image/${number}?person=${person}`;

function showState(answer) {
  const before = state;
  state = answer;
  sessionStorage.setItem(PERSON, state.person);
  byId("tagline").textContent = state.number === null ? "" : texts.tagline;
  byId("folders").textContent = format("folders", { folder: pathEnd(state.folder, 1), file: state.file });
  showBar(state.answered + state.remaining ? state.answered / (state.answered + state.remaining) : 1);
  byId("counts").replaceChildren(countItem(state.answered, texts.answered), countItem(state.remaining, texts.remaining));
  byId("finish-hint").textContent = format("finish_hint", { file: state.file });
  byId("commands").textContent = state.commands.join("\n");
  byId("done").hidden = true;
  byId("finish-now").hidden = state.number === null || !state.can_finish;
  byId("labelling").hidden = state.number === null;
  byId("result").hidden = state.number !== null;
  if (state.number === null) showResult();
  else if (!before || imageUrl(state) !== imageUrl(before)) showImage();
}

function showImage() {
  const image = byId("image"), field = byId("label");
  loaded = null;
  failed = false;
  paused = document.hidden;
  image.classList.add("loading");
  image.src = imageUrl(state);
  field.value = "";
  field.focus();
  showHint(state.ignore_case ? texts.case_ignored : texts.case_matters);
}

// The time begins at the first frame with the image.
function onLoaded() {
  byId("image").classList.remove("loading");
  const url = imageUrl(state);
  requestAnimationFrame(() => { if (imageUrl(state) === url) loaded = performance.now(); });
}

// Goes on with the next image if the server left this one out; otherwise the next Enter or Esc loads it again.
async function onFailed() {
  const url = imageUrl(state);
  failed = true;
  if (!await exchange("begin", { person: state.person })) return; // whose message stays
  showMessage(imageUrl(state) === url ? texts.not_loaded : texts.image_gone, true, true);
}

function showResult() {
  const { result } = state;
  byId("result-title").textContent = result ? texts.result : texts.result_none;
  byId("figures").replaceChildren(...(result ? resultLines(result) : []).map(line => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  byId("finish").open = true;
}

function resultLines(result) {
  const [low, high] = result.interval.map(percent), seconds = result.seconds_median;
  return [
    format("result_exact", { correct: result.correct, answers: result.answers, exact: percent(result.exact), low, high }),
    seconds === null ? texts.result_no_seconds : format("result_seconds", { seconds: seconds.toFixed(1) }),
    format("result_given_up", { count: result.given_up }),
  ];
}

// Sends an answer, unless the image is still loading, or has to be loaded again.
async function send(path, fields) {
  if (busy) return;
  if (failed) return loadAgain();
  if (loaded === null) return;
  const milliseconds = Math.round(performance.now() - loaded);
  const common = { person: state.person, number: state.number, milliseconds, paused };
  if (!await exchange(path, { ...common, ...fields })) await goOn();
}

function loadAgain() {
  showMessage("", false, true);
  showImage();
}

// Shows the state again after a refusal, which the message goes on to say.
async function goOn() {
  const message = byId("message").textContent;
  if (await exchange("begin", { person: state.person })) showMessage(message, true, true);
}

function answer() {
  if (!failed && !byId("label").value.trim()) return showHint(texts.label_empty, true);
  send("answer", { typed: byId("label").value });
}

function giveUp() {
  send("give_up", {});
}

function onKey(event) {
  const action = { Enter: answer, Escape: giveUp }[event.key];
  if (!action || isComposing(event) || !isPlain(event) || !state || state.number === null) return;
  if (event.key === "Enter" && event.target.closest?.("button, summary")) return;
  event.preventDefault();
  if (!event.repeat) action();
}

async function start() {
  await loadTexts();
  byId("form").addEventListener("submit", event => { event.preventDefault(); answer(); });
  byId("give-up").addEventListener("click", giveUp);
  byId("finish-now").addEventListener("click", () => exchange("finish", { person: state.person }));
  byId("again").addEventListener("click", () => exchange("begin", { person: "" }));
  byId("image").addEventListener("load", onLoaded);
  byId("image").addEventListener("error", onFailed);
  document.addEventListener("visibilitychange", () => { paused = paused || document.hidden; });
  document.addEventListener("keydown", onKey);
  await exchange("begin", { person: sessionStorage.getItem(PERSON) ?? "" });
}

start().catch(error => showMessage(String(error), true, true));
