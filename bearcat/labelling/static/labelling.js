// The labelling page: shows what the server says is next, and sends what its keys and buttons ask for.
"use strict";

const SURE = 0.95, LIKELY = 0.8; // as on the page that reads images
const LARGEST = { width: 760, height: 210, factor: 5 };
const WAIT = 400; // milliseconds between two looks while the first images are read
const MOST_CLASSES = 12;

const at = id => document.getElementById(id);
const say = (word, values = {}) => words[word].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
let words = {}, state = null, shown = null, busy = false, warned = null;

async function start() {
  const told = await (await fetch("words")).json();
  words = told.words;
  document.documentElement.lang = told.language === "zh" ? "zh-CN" : "en";
  document.title = `Bearcat: ${words.title}`;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  at("image").alt = words.image;
  await ask("state");
}

// Ask the server, then show the state that it answers with.
async function ask(path, fields = null) {
  if (busy) return;
  busy = true;
  const asked = fields === null ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields),
  };
  try {
    const response = await fetch(path, asked);
    const answer = await response.json();
    if ("left" in answer) show(answer);
    tell(answer.wrong ?? (answer.return_info ?? (answer.said ? say(answer.said, answer.values) : "")),
      !response.ok, fields !== null);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    tell(words.lost ?? String(error), true, true);
  } finally {
    busy = false;
  }
  if (state && !state.image && state.looked_at < 1) setTimeout(() => ask("state"), WAIT);
}

function tell(text, wrong, always) {
  if (!text && !always) return;
  at("message").textContent = text;
  at("message").classList.toggle("wrong", Boolean(wrong));
}

function show(answer) {
  const before = shown;
  state = answer;
  shown = state.image ? state.image.number : null;
  at("tagline").textContent = state.unit ? words.tagline : words.tagline_blank;
  at("ways").textContent = say("ways", { folder: lastOf(state.folder, 1), target: lastOf(state.target, 2) });
  showCounts();
  at("desk").hidden = !state.image;
  at("rest").hidden = Boolean(state.image);
  at("back").disabled = !state.can_go_back;
  if (!state.image) showRest();
  else if (shown !== before) showImage(state.image);
  at("enough-words").textContent = say("enough_words", { target: state.target });
  at("commands").textContent = state.commands.join("\n");
}

// Return the last parts of a path, which say enough.
function lastOf(path, count) {
  return path.split(/[\\/]/).slice(-count).join("/");
}

function showCounts() {
  const all = state.labelled + state.left + state.skipped;
  at("bar").style.setProperty("--share", all ? state.labelled / all : 1);
  at("bar").setAttribute("aria-valuenow", all ? Math.round(100 * state.labelled / all) : 100);
  const told = [["labelled", state.labelled, true], ["left", state.left, true], ["skipped", state.skipped],
    ["before", state.before], ["duplicates", state.duplicates], ["damaged", state.damaged_count]];
  at("counts").replaceChildren(...told.filter(([, count, always]) => count || always).map(([word, count]) => {
    const item = document.createElement("li"), number = document.createElement("b");
    number.textContent = count;
    item.append(number, " ", words[word]);
    if (word === "damaged") item.title = state.damaged.join("\n");
    return item;
  }));
  if (state.unit && state.looked_at < 1) {
    const item = document.createElement("li");
    item.textContent = say("looking", { share: percent(state.looked_at) });
    at("counts").append(item);
  }
}

function showRest() {
  const waiting = state.looked_at < 1;
  at("rest-words").textContent = waiting ? words.waiting
    : state.skipped ? say("done_skipped", { count: state.skipped }) : words.done;
  at("again").hidden = waiting || !state.skipped;
  at("rest-back").hidden = waiting || !state.can_go_back;
  if (!waiting) at("enough").open = true;
}

function showImage(image) {
  at("image").src = `image/${image.number}`;
  at("name").textContent = image.name;
  at("read-by").textContent = state.unit ? say("read_by", { unit: state.unit }) : "";
  const parts = image.parts;
  at("parts").replaceChildren(...parts.map(([part, share]) => showPart(part, share)));
  const read = parts.length ? say("overall", { share: percent(image.confidence) }) : words.nothing_read;
  at("overall").textContent = image.confidence === null ? "" : read;
  warned = null;
  const field = at("label");
  field.value = image.text;
  field.focus();
  selectUnsure(field, image);
  if (state.classes) showClasses();
}

function showPart(part, share) {
  const item = document.createElement("li"), text = document.createElement("b");
  const bar = document.createElement("i"), number = document.createElement("small");
  item.className = share >= SURE ? "sure" : share >= LIKELY ? "likely" : "unsure";
  text.textContent = part.trim() ? part : "␣";
  bar.style.setProperty("--share", share);
  number.textContent = percent(share);
  item.append(text, bar, number);
  return item;
}

// Select the least sure character, so that typing puts it right; a class is selected as a whole.
function selectUnsure(field, image) {
  const parts = image.parts, asRead = parts.map(([part]) => part).join("") === image.text;
  const shares = parts.map(([, share]) => share), least = shares.indexOf(Math.min(...shares));
  hintAtKeys();
  if (state.classes) return field.select();
  if (!asRead || !parts.length || shares[least] >= SURE) {
    return field.setSelectionRange(field.value.length, field.value.length);
  }
  const start = parts.slice(0, least).map(([part]) => part).join("").length;
  field.setSelectionRange(start, start + parts[least][0].length);
  hint(words.marked);
}

function hint(text, warn = false) {
  at("hint").textContent = text;
  at("hint").classList.toggle("warn", warn);
}

// Say how classes are chosen, where there are any.
function hintAtKeys() {
  hint(state.classes && state.known.length ? words.classes : "");
}

// Return what of a label was never seen, which is mostly a slip of the fingers.
function strangers(label) {
  if (!state.known || (state.classes && !state.known.length)) return [];
  const known = new Set(state.known);
  return [...new Set(state.classes ? [label] : label)].filter(symbol => !known.has(symbol));
}

function confirmLabel() {
  const label = at("label").value.trim(), strange = label ? strangers(label) : [];
  if (strange.length && warned !== label) {
    warned = label;
    return hint(say("new_symbol", { symbols: strange.join(" ") }), true);
  }
  ask("confirm", { number: shown, label });
}

function matchingClasses() {
  const typed = at("label").value.trim().toLowerCase();
  const starts = state.known.filter(name => name.toLowerCase().startsWith(typed));
  const holds = state.known.filter(name => !starts.includes(name) && name.toLowerCase().includes(typed));
  const exact = state.known.includes(at("label").value.trim());
  return (exact ? state.known : [...starts, ...holds]).slice(0, MOST_CLASSES);
}

function showClasses() {
  const names = matchingClasses();
  at("classes").hidden = !names.length;
  at("classes").title = words.classes;
  at("classes").replaceChildren(...names.map(name => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => takeClass(name));
    item.append(button);
    return item;
  }));
}

function takeClass(name) {
  at("label").value = name;
  at("label").focus();
  hintAtKeys();
}

// Go through the classes that are offered.
function stepClasses(by) {
  const names = [...at("classes").querySelectorAll("button")].map(button => button.textContent);
  if (!names.length) return;
  const now = names.indexOf(at("label").value);
  takeClass(names[now < 0 ? (by > 0 ? 0 : names.length - 1) : (now + by + names.length) % names.length]);
}

function percent(share) {
  return share < 1 ? `${(100 * Math.min(share, 0.999)).toFixed(1)}%` : "100%";
}

function onKey(event) {
  // Enter that ends the writing of a Chinese word is none of ours; one that is held down would confirm unseen images
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
  const onButton = event.target.closest?.("button, summary");
  if (event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    if (!event.repeat && state?.can_go_back) ask("back", {});
  } else if (event.key === "Enter" && !onButton) {
    event.preventDefault();
    if (!event.repeat && state?.image) confirmLabel();
    else if (!event.repeat && state?.skipped) ask("again", {});
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (!event.repeat && state?.image) ask("skip", { number: shown });
  } else if (state?.classes && (event.key === "ArrowDown" || event.key === "ArrowUp") && event.target === at("label")) {
    event.preventDefault();
    stepClasses(event.key === "ArrowDown" ? 1 : -1);
  }
}

function enlarge() {
  const image = at("image");
  const factor = Math.min(LARGEST.factor, LARGEST.width / image.naturalWidth, LARGEST.height / image.naturalHeight);
  image.style.width = `${Math.round(image.naturalWidth * factor)}px`;
}

at("image").addEventListener("load", enlarge);
at("form").addEventListener("submit", event => { event.preventDefault(); confirmLabel(); });
at("skip").addEventListener("click", () => ask("skip", { number: shown }));
at("back").addEventListener("click", () => ask("back", {}));
at("rest-back").addEventListener("click", () => ask("back", {}));
at("again").addEventListener("click", () => ask("again", {}));
at("label").addEventListener("input", () => { hintAtKeys(); if (state.classes) showClasses(); });
document.addEventListener("keydown", onKey);
start().catch(error => tell(String(error), true, true));
