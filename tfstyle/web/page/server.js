// What both pages have in common: requests to the server, and the line that says what happened.
"use strict";
const $ = (id) => document.getElementById(id);

// The JSON of an answer; an error has the server's message, and its `status` if it answered.
async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is `tfstyle web` still running?");
  }
  if (answer.ok) return answer.json();
  const text = await answer.text();
  let message = text || `The server answered ${answer.status}.`;
  try {
    message = JSON.parse(text).error;
  } catch { /* plain text */ }
  throw Object.assign(new Error(message), { status: answer.status });
}

const post = (path, body) => call(path, { method: "POST", body: JSON.stringify(body ?? {}) });

// Shows a line, with a button {label, act} behind it if one is given.
function tell(text, isError = false, offer = null) {
  $("message").replaceChildren(text);
  $("message").className = isError ? "error" : "";
  if (!offer) return;
  const button = document.createElement("button");
  button.textContent = offer.label;
  button.onclick = () => {
    tell("");
    offer.act();
  };
  $("message").append(" ", button);
}

// The result of the work; undefined if it failed, of which the line says why.
async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    tell(error.message, true);
  }
}
