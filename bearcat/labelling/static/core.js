// What all pages share: their texts, requests, messages, counts, and which keys count.
// A page defines showState(answer), which shows the state that an answer holds.
"use strict";

const byId = id => document.getElementById(id);
const format = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
let texts = {}, busy = false;

// Loads the texts in the browser's language, and shows those that never change.
async function loadTexts() {
  const answer = await (await fetch("texts")).json();
  texts = answer.texts;
  document.documentElement.lang = answer.language === "zh" ? "zh-CN" : "en";
  document.title = `Bearcat: ${texts.title}`;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  byId("image").alt = texts.image;
}

// Sends a request (POST if it has fields), then shows the state in its answer; returns whether it was accepted.
async function exchange(path, fields = null) {
  if (busy) return false;
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
    return response.ok;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    showMessage(texts.no_connection ?? String(error), true, true);
    return false;
  } finally {
    busy = false;
  }
}

function showMessage(text, isError, replace) {
  if (!text && !replace) return;
  byId("message").textContent = text;
  byId("message").classList.toggle("error", Boolean(isError));
}

function showHint(text, isWarning = false) {
  byId("hint").textContent = text;
  byId("hint").classList.toggle("warning", isWarning);
}

function showBar(share) {
  byId("bar").style.setProperty("--share", share);
  byId("bar").setAttribute("aria-valuenow", Math.round(100 * share));
}

function countItem(count, text) {
  const item = document.createElement("li"), number = document.createElement("b");
  number.textContent = count;
  item.append(number, " ", text);
  return item;
}

// Returns the last parts of a path.
function pathEnd(path, count) {
  return path.split(/[\\/]/).slice(-count).join("/");
}

function percent(share) {
  return share < 1 ? `${(100 * Math.min(share, 0.999)).toFixed(1)}%` : "100%";
}

// Whether a key belongs to the composition of a word, such as the Enter that ends that of a Chinese one.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

function isPlain(event) {
  return !(event.ctrlKey || event.altKey || event.metaKey);
}
