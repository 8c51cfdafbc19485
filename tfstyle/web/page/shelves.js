// Photos and styles: what is on the shelves, what is chosen, what is uploaded.
"use strict";

// Fills the shelves with what the server has; what is chosen stays chosen if it is still there.
async function fillShelves() {
  const found = await call("api/state");
  for (const kind of ["photos", "styles"]) {
    const own = found.uploads[kind].map((one) => ({ ...one, isUpload: true }));
    state[kind] = [...own, ...found[kind]];
  }
  state.photo = byId(state.photo?.id) ?? state.photos[0];
  state.chosen = state.chosen
    .map(({ style, share }) => ({ style: byId(style.id), share }))
    .filter(({ style }) => style);
  if (!state.chosen.length && state.styles.length) state.chosen = [{ style: state.styles[0], share: 1 }];
  draw();
  return found;
}

const byId = (id) => [...state.photos, ...state.styles].find((one) => one.id === id);

function smallButton(className, text, title, act) {
  const button = document.createElement("button");
  button.className = className;
  button.textContent = text;
  button.title = title;
  button.setAttribute("aria-label", title);
  button.onclick = (event) => {
    event.preventDefault();
    act();
  };
  return button;
}

function tile(picture, isChosen, onPick) {
  const box = document.createElement("div");
  box.className = "thumb";
  const button = smallButton("pick", "", picture.name, onPick);
  button.setAttribute("aria-pressed", isChosen);
  const image = document.createElement("img");
  image.src = `${photoAddress(picture)}/thumbnail`;
  image.alt = "";
  button.append(image);
  box.append(button);
  if (picture.isUpload) box.append(smallButton("remove", "×", `Remove ${picture.name}`, () => removeUpload(picture)));
  return box;
}

function draw() {
  $("photos").replaceChildren(...state.photos.map((photo) =>
    tile(photo, photo === state.photo, () => choosePhoto(photo))));
  $("styles").replaceChildren(...state.styles.map((style) => {
    const isChosen = state.chosen.some((one) => one.style === style);
    const box = tile(style, isChosen, () => chooseStyle(style));
    if (!isChosen && state.chosen.length && state.chosen.length < state.most) {
      box.append(smallButton("mix", "+", `Mix with ${style.name}`, () => chooseStyle(style, true)));
    }
    return box;
  }));
  drawMix();
  const chosen = $("region-style").value;
  $("region-style").replaceChildren(new Option("the same", ""), ...state.styles.map((style) => new Option(style.name, style.id)));
  $("region-style").value = byId(chosen) ? chosen : "";
  for (const name of ["strength", "brush", "region-strength"]) $(`${name}-value`).textContent = percent($(name).value);
  drawCosts();
}

const percent = (share) => `${Math.round(100 * share)} %`;

// A slider for each style of a mixture.
function drawMix() {
  const mixed = state.chosen.length > 1 ? state.chosen : [];
  const outputs = mixed.map(() => document.createElement("output"));
  const total = () => mixed.reduce((sum, { share }) => sum + share, 0);
  const drawShares = () => outputs.forEach((output, at) => {
    output.textContent = total() ? percent(mixed[at].share / total()) : "";
  });
  $("shares").replaceChildren(...mixed.map((one, at) => {
    const label = document.createElement("label");
    const name = document.createElement("span");
    name.textContent = one.style.name;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.05, value: one.share });
    slider.oninput = () => {
      one.share = Number(slider.value);
      drawShares();
      if (total()) paint();
    };
    const remove = smallButton("", "×", `Without ${one.style.name}`, () => {
      state.chosen = state.chosen.filter((other) => other !== one);
      draw();
      paint();
    });
    label.append(name, slider, outputs[at], remove);
    return label;
  }));
  drawShares();
}

function choosePhoto(photo) {
  if (region.tool) useTool(region.tool);
  state.photo = photo;
  wanted.photo = null;
  draw();
  paint();
  if (region.mask) tell("The region stays, at the same place in this photo.", false, { label: "Clear it", act: clearRegion });
}

function chooseStyle(style, mix = false) {
  const before = state.chosen;
  state.chosen = [...(mix ? before : []), { style, share: 1 }];
  wanted.styles = null;
  draw();
  paint();
  if (mix || before.length < 2) return;
  const names = before.map((one) => one.style.name).join(" + ");
  tell(`${style.name} takes the place of the mixture ${names}.`, false, {
    label: "Mix again",
    act: () => {
      state.chosen = before.filter((one) => byId(one.style.id));
      draw();
      paint();
    },
  });
}

// Uploads files for a shelf, and chooses them; a picture of ours gives back its settings.
async function upload(files, box) {
  if (!files.length) return tell("Drop the file of a picture.", true);
  const problems = [], notes = [];
  for (const file of files) {
    const kind = wantedKind(file.name.replace(/\.[^.]*$/, "")) ?? box;
    tell(`uploading ${file.name} …`);
    try {
      const found = await call(`api/${kind}/${encodeURIComponent(file.name)}`, { method: "PUT", body: file });
      tell("");
      await fillShelves();
      $(kind).scrollTo(0, 0); // the newest is the first
      if (found.note) notes.push(found.note);
      if (found.settings) await takeSettings(found);
      else if (wantedKind(found.name)) takeWanted();
      else if (kind === "photos") choosePhoto(byId(found.id));
      else chooseStyle(byId(found.id), file !== files[0] && state.chosen.length < state.most);
    } catch (error) {
      problems.push(error.message);
    }
  }
  if ($("message").textContent.startsWith("uploading")) tell("");
  if (problems.length || notes.length) tell([...problems, ...notes].join("\n"), problems.length > 0);
}

async function removeUpload(picture) {
  const isUsed = picture === state.photo || state.chosen.some(({ style }) => style === picture)
    || $("region-style").value === picture.id;
  await guarded(async () => {
    await call(photoAddress(picture), { method: "DELETE" });
    tell("");
    await fillShelves();
    if (isUsed) paint();
  });
}

function onDrop(box, kind) {
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList?.add("over");
  });
  box.addEventListener("dragleave", () => box.classList?.remove("over"));
  box.addEventListener("drop", (event) => {
    if (event.defaultPrevented) return; // of a box inside of this one
    event.preventDefault();
    box.classList?.remove("over");
    upload([...event.dataTransfer.files], kind);
  });
}
