// A blind comparison: two pictures, three questions, by click or by arrow key.
"use strict";
const TEXTS = {
  style: "Which has more of the painting’s style?",
  content: "Which keeps more of the photo?",
  overall: "Which is the better picture?",
};
const KEYS = { ArrowLeft: "left", ArrowDown: "same", ArrowRight: "right" };
const LABELS = { left: "← Left", same: "↓ Same", right: "Right →" };
let trial = null, answers = {}, sending = false, unkept;

// The name under which this browser votes; it is kept, so that no pair is shown twice.
function voter() {
  const random = () => [...crypto.getRandomValues(new Uint8Array(4))].map((one) => one.toString(16).padStart(2, "0")).join("");
  try {
    return localStorage.voter ??= random();
  } catch { // a browser that keeps nothing
    return unkept ??= random();
  }
}

const next = async () => show(await call(`api/voters/${voter()}/trial`));

// Takes the last answer back: of this pair, or of the pair before, which is shown again.
async function back() {
  if (sending || !trial || !canGoBack()) return;
  if (!Object.keys(answers).length) {
    sending = true;
    await guarded(async () => show(await post(`api/voters/${voter()}/back`)));
    sending = false;
    if (!$("preferences").hidden) await guarded(showPreferences);
  }
  delete answers[Object.keys(answers).pop()];
  draw();
}

const canGoBack = () => Object.keys(answers).length > 0 || trial.voted > 0;

function show(found) {
  tell("");
  trial = found;
  answers = found.given;
  $("sides").hidden = !trial.trial;
  const address = (which) => `api/trials/${trial.trial}/${which}`;
  if (trial.trial) for (const side of ["left", "right"]) $(side).src = address(side);
  $("originals").replaceChildren(...trial.originals.map((which) => {
    const image = document.createElement("img");
    image.src = address(which);
    image.alt = which === "content" ? "The photo" : "The painting";
    return image;
  }));
  $("note").textContent = trial.trial
    ? `${trial.voted} of ${trial.of} done. Click, or press ← ↓ →.`
    : `Thank you: all ${trial.of} are done.`;
  draw();
}

function current() {
  return trial?.trial ? trial.questions.find((one) => !(one in answers)) : undefined;
}

function draw() {
  $("back").disabled = !canGoBack();
  const rows = !trial.trial ? [] : trial.questions.map((question) => {
    const row = document.createElement("div");
    row.className = question === current() ? "question now" : "question";
    row.dataset.question = question;
    const text = document.createElement("b");
    text.textContent = TEXTS[question];
    row.append(text, ...trial.answers.map((one) => {
      const button = document.createElement("button");
      button.textContent = LABELS[one];
      button.setAttribute("aria-pressed", answers[question] === one);
      button.onclick = () => answer(question, one);
      return button;
    }));
    return row;
  });
  $("questions").replaceChildren(...rows);
}

async function answer(question, one) {
  if (sending) return;
  delete answers[question]; // so that the last answer is the last key
  answers[question] = one;
  draw();
  if (current()) return;
  sending = true;
  await guarded(async () => {
    await post(`api/trials/${trial.trial}`, answers);
    await next();
    if (!$("preferences").hidden) await showPreferences();
  });
  sending = false;
}

async function showPreferences() {
  const cells = (kind, texts) => {
    const row = document.createElement("tr");
    row.append(...texts.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
    return row;
  };
  const rows = (await call("api/preferences")).rows.map((one) => cells("td", [
    one.systems, one.question, one.first, one.second, one.same,
    `${Math.round(100 * one.low)} to ${Math.round(100 * one.high)} %`,
  ]));
  $("preferences").replaceChildren(cells("th", ["systems", "question", "first", "second", "same", "first’s share, 95 %"]), ...rows);
  $("preferences").hidden = false;
}

document.addEventListener("keydown", (event) => {
  if (event.key in KEYS && current()) {
    event.preventDefault();
    answer(current(), KEYS[event.key]);
  } else if (event.key === "Backspace") {
    event.preventDefault();
    back();
  }
});
$("back").onclick = back;
$("show").onclick = async () => {
  await guarded(showPreferences);
  $("preferences").scrollIntoView({ behavior: "smooth", block: "nearest" });
};
guarded(next);
