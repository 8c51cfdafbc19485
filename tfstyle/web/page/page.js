// The page of tfstyle: what is chosen, what is painted at once, what is rendered.
"use strict";
const $ = (id) => document.getElementById(id);
const state = { photos: [], styles: [], photo: null, chosen: [], most: 3, view: "fast", render: null };
const shown = { fast: null, rendered: null }; // {src, result} of the two pictures
const POLL_MS = 600;

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
  throw new Error(message);
}

const post = (path, body) => call(path, { method: "POST", body: JSON.stringify(body ?? {}) });

function tell(text, isError = false) {
  $("message").textContent = text;
  $("message").className = isError ? "error" : "";
}

async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    tell(error.message, true);
  }
}

function asked(changes = {}) {
  return {
    photo: state.photo.id,
    styles: state.chosen.map(({ style, share }) => ({ id: style.id, share })),
    strength: Number($("strength").value),
    keep_color: $("keep-color").checked,
    brush: Number($("brush").value),
    size: Number($("size").value),
    iterations: Number($("quality").value),
    region: {
      mask: region.mask,
      style: $("region-style").value,
      strength: Number($("region-strength").value),
    },
    ...changes,
  };
}

// The picture

function view(name) {
  state.view = name;
  $("show-fast").setAttribute("aria-pressed", name === "fast");
  $("show-rendered").setAttribute("aria-pressed", name === "rendered");
  refresh();
}

function refresh() {
  $("show-rendered").disabled = !shown.rendered;
  const picture = shown[state.view];
  if (!picture) return;
  $("after").src = picture.src;
  $("before").src = picture.photo;
  $("after-label").textContent = state.view === "fast" ? "painted" : "rendered";
  $("downloads").hidden = !picture.result;
  $("download").href = `api/results/${picture.result}.png`;
  $("download-deep").href = `api/results/${picture.result}.tif`;
}

function wipe() {
  const share = Number($("wipe").value);
  $("pair").style.setProperty("--wipe", `${share}%`);
  $("before-label").hidden = share < 12;
}

$("after").onload = ({ target }) =>
  $("pair").style.setProperty("--ratio", target.naturalWidth / target.naturalHeight);

const photoAddress = (photo) => `api/pictures/${photo.id}`;

let painting = false, again = false;

async function paint() {
  view("fast");
  again = true;
  if (painting) return; // the loop below paints once more, as it is then
  painting = true;
  $("busy").hidden = false;
  while (again) {
    again = false;
    await guarded(async () => {
      const photo = state.photo;
      const found = await post("api/paint", asked());
      shown.fast = { src: `api/results/${found.result}.png`, photo: photoAddress(photo), result: found.result };
      if ($("message").className === "error") tell("");
      refresh();
    });
  }
  painting = false;
  $("busy").hidden = true;
}

// The region

const region = { mask: "", tool: null, last: null }; // a PNG in base64, white in the region
const LONGEST_MASK = 512; // pixels

function useTool(name) {
  region.tool = region.tool === name ? null : name;
  $("draw").setAttribute("aria-pressed", region.tool === "draw");
  $("erase").setAttribute("aria-pressed", region.tool === "erase");
  $("pair").classList.toggle("drawing", Boolean(region.tool));
  const { naturalWidth: width, naturalHeight: height } = $("after");
  if (region.tool && width && !region.mask) sizeMask(width, height);
}

function sizeMask(width, height) {
  const scale = LONGEST_MASK / Math.max(width, height);
  $("mask").width = Math.round(width * scale);
  $("mask").height = Math.round(height * scale);
}

function clearMask() {
  region.mask = "";
  $("mask").getContext("2d").clearRect(0, 0, $("mask").width, $("mask").height);
}

function stroke(event) {
  const canvas = $("mask"), box = canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * canvas.width;
  const y = ((event.clientY - box.top) / box.height) * canvas.height;
  const pen = canvas.getContext("2d");
  pen.globalCompositeOperation = region.tool === "erase" ? "destination-out" : "source-over";
  pen.strokeStyle = "#fff";
  pen.lineCap = pen.lineJoin = "round";
  pen.lineWidth = Number($("width").value) * Math.max(canvas.width, canvas.height);
  pen.beginPath();
  pen.moveTo(...(region.last ?? [x, y]));
  pen.lineTo(x, y);
  pen.stroke();
  region.last = [x, y];
}

function takeMask() {
  const canvas = $("mask"), copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const pen = copy.getContext("2d");
  pen.fillRect(0, 0, copy.width, copy.height); // black
  pen.drawImage(canvas, 0, 0);
  region.mask = copy.toDataURL("image/png").split(",")[1];
}

async function setMask(mask) {
  clearMask();
  if (!mask) return;
  const image = new Image();
  image.src = `data:image/png;base64,${mask}`;
  await image.decode();
  const canvas = $("mask"), pen = canvas.getContext("2d");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  pen.globalCompositeOperation = "source-over";
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    pixels.data[at + 3] = pixels.data[at];
    pixels.data.fill(255, at, at + 3);
  }
  pen.putImageData(pixels, 0, 0);
  region.mask = mask;
}

$("mask").onpointerdown = (event) => {
  $("mask").setPointerCapture(event.pointerId);
  region.last = null;
  stroke(event);
};
$("mask").onpointermove = (event) => {
  if (region.last && event.buttons) stroke(event);
};
$("mask").onpointerup = () => {
  region.last = null;
  takeMask();
  paint();
};
$("draw").onclick = () => useTool("draw");
$("erase").onclick = () => useTool("erase");
$("clear").onclick = () => {
  clearMask();
  paint();
};

// Photos and styles

function thumb(picture, isChosen, onPick) {
  const box = document.createElement("div");
  box.className = "thumb";
  const button = document.createElement("button");
  button.className = "pick";
  button.title = picture.name;
  button.setAttribute("aria-label", picture.name);
  button.setAttribute("aria-pressed", isChosen);
  const image = document.createElement("img");
  image.src = `${photoAddress(picture)}/thumbnail`;
  image.alt = "";
  button.append(image);
  button.onclick = onPick;
  box.append(button);
  return box;
}

function draw() {
  $("photos").replaceChildren(...state.photos.map((photo) =>
    thumb(photo, photo === state.photo, () => choosePhoto(photo))));
  $("styles").replaceChildren(...state.styles.map((style) => {
    const isChosen = state.chosen.some((one) => one.style === style);
    const box = thumb(style, isChosen, () => chooseStyle(style));
    if (!isChosen && state.chosen.length && state.chosen.length < state.most) {
      const mix = document.createElement("button");
      mix.className = "mix";
      mix.textContent = "+";
      mix.title = `Mix with ${style.name}`;
      mix.setAttribute("aria-label", mix.title);
      mix.onclick = () => chooseStyle(style, true);
      box.append(mix);
    }
    return box;
  }));
  const mixed = state.chosen.length > 1 ? state.chosen : [];
  $("shares").replaceChildren(...mixed.map((one) => {
    const label = document.createElement("label");
    const name = document.createElement("span");
    name.textContent = name.title = one.style.name;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.05, value: one.share });
    slider.oninput = () => {
      one.share = Number(slider.value);
      if (state.chosen.some(({ share }) => share)) paint();
    };
    const remove = document.createElement("button");
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Without ${one.style.name}`);
    remove.onclick = (event) => {
      event.preventDefault();
      state.chosen = state.chosen.filter((other) => other !== one);
      draw();
      paint();
    };
    label.append(name, slider, remove);
    return label;
  }));
  const chosen = $("region-style").value;
  $("region-style").replaceChildren(new Option("the same", ""), ...state.styles.map((style) => new Option(style.name, style.id)));
  $("region-style").value = chosen;
  $("region-strength-value").textContent = `${Math.round(100 * $("region-strength").value)} %`;
  $("strength-value").textContent = `${Math.round(100 * $("strength").value)} %`;
  $("brush-value").textContent = `${Math.round(100 * $("brush").value)} %`;
}

function choosePhoto(photo) {
  if (region.tool) useTool(region.tool);
  clearMask();
  state.photo = photo;
  draw();
  paint();
}

function chooseStyle(style, mix = false) {
  state.chosen = [...(mix ? state.chosen : []), { style, share: 1 }];
  draw();
  paint();
}

async function upload(files, kind) {
  for (const file of files) {
    tell(`uploading ${file.name} …`);
    await guarded(async () => {
      const found = await call(`api/pictures/${encodeURIComponent(file.name)}`, { method: "PUT", body: file });
      tell("");
      state[kind === "photo" ? "photos" : "styles"].push(found);
      if (found.settings) return takeSettings(found.settings);
      const mixes = kind === "style" && file !== files[0] && state.chosen.length < state.most;
      if (kind === "photo") choosePhoto(found);
      else chooseStyle(found, mixes);
    });
  }
}

async function takeSettings(found) {
  const missing = [];
  const named = (name, kind, first, second) => {
    const picture = [...first].reverse().find((one) => one.name === name) ?? second.find((one) => one.name === name);
    if (!picture) missing.push(`the ${kind} “${name}”`);
    return picture;
  };
  state.photo = named(found.photo, "photo", state.photos, state.styles) ?? state.photo;
  const chosen = found.styles
    .map(({ name, share }) => ({ share, style: named(name, "painting", state.styles, state.photos) }))
    .filter(({ style }) => style);
  if (chosen.length) state.chosen = chosen;
  $("strength").value = found.strength;
  $("brush").value = found.brush;
  $("keep-color").checked = found.keep_color;
  setOption("size", found.size, (value) => `${value} pixels`);
  if (found.iterations) setOption("quality", found.iterations, (value) => `${value} iterations`);
  const inside = found.region.style && named(found.region.style, "painting", state.styles, state.photos);
  draw();
  $("region-style").value = inside ? inside.id : "";
  $("region-strength").value = found.region.strength;
  if (region.tool) useTool(region.tool);
  await setMask(found.region.mask);
  draw();
  paint();
  const rest = missing.length ? ` Not here: ${missing.join(", ")}; drop it, too.` : "";
  tell(`The settings of this picture are set.${rest}`);
}

function setOption(id, value, label) {
  const select = $(id);
  if (!value || id === "size" && value > state.largest) return;
  if (![...select.options].some((one) => Number(one.value) === value)) select.add(new Option(label(value), value));
  select.value = value;
}

// All styles

async function sheet() {
  $("sheet").showModal();
  const tiles = state.styles.map((style) => {
    const tile = document.createElement("button");
    const image = document.createElement("img");
    image.alt = "";
    tile.append(image, style.name);
    tile.onclick = () => {
      $("sheet").close();
      chooseStyle(style);
    };
    return { tile, image, style };
  });
  $("tiles").replaceChildren(...tiles.map(({ tile }) => tile));
  for (const { image, style } of tiles) {
    if (!$("sheet").open) return;
    await guarded(async () => {
      const found = await post("api/paint", asked({ styles: [{ id: style.id, share: 1 }], size: 256 }));
      image.src = `api/results/${found.result}.png`;
    });
  }
}

// Renders

async function render() {
  await guarded(async () => {
    const photo = state.photo;
    const found = await post("api/renders", asked());
    shown.rendered = null;
    tell("");
    follow(found.render, photo);
  });
}

async function follow(id, photo) {
  state.render = id;
  let previews = 0;
  $("render").disabled = true;
  $("progress").hidden = false;
  for (;;) {
    const now = await guarded(() => call(`api/renders/${id}`));
    if (!now) break;
    if (now.previews > previews) {
      if (!previews) view("rendered");
      previews = now.previews;
      shown.rendered = { src: `api/renders/${id}/preview?${previews}`, photo: photoAddress(photo) };
      refresh();
    }
    showProgress(now);
    if (now.result) {
      shown.rendered = { src: `api/results/${now.result}.png`, photo: photoAddress(photo), result: now.result };
      tell(now.state === "stopped" ? "Stopped: this is the picture so far." : "Rendered.");
      view("rendered");
    }
    if (["done", "stopped", "failed", "cancelled"].includes(now.state)) {
      if (!now.result) {
        shown.rendered = null;
        view("fast");
        tell(now.state === "failed" ? now.error : "Cancelled.", now.state === "failed");
      }
      break;
    }
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  $("render").disabled = false;
  $("progress").hidden = true;
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function showProgress(now) {
  const bar = $("done");
  if (now.state === "waiting") {
    bar.removeAttribute("value");
    $("note").textContent = now.before === 1 ? "1 render before yours" : `${now.before} renders before yours`;
  } else if (now.done === null) {
    bar.removeAttribute("value");
    $("note").textContent = now.note;
  } else {
    bar.value = now.done;
    const left = Number.isFinite(now.remaining) ? `, ${duration(now.remaining)} left` : "";
    $("note").textContent = `${Math.floor(100 * now.done)} %, ${now.note}${left}`;
  }
}

// Start

function onDrop(id, kind) {
  const box = $(id);
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    upload([...event.dataTransfer.files], kind);
  });
}

async function start() {
  const found = await call("api/state");
  Object.assign(state, { photos: found.photos, styles: found.styles, most: found.most_styles, largest: found.largest_size });
  const sizes = [256, 384, 512, 768, 1024, 1536, 2048].filter((size) => size < state.largest);
  for (const size of [...sizes, state.largest]) $("size").add(new Option(`${size} pixels`, size));
  $("size").value = Math.min(512, state.largest);
  [state.photo] = state.photos;
  if (state.styles.length) state.chosen = [{ style: state.styles[0], share: 1 }];
  draw();
  if (state.photo && state.chosen.length) paint();
  if (found.render) follow(found.render, state.photo);
}

for (const id of ["strength", "brush", "keep-color", "size", "region-strength", "region-style"]) $(id).oninput = () => {
  draw();
  paint();
};
$("wipe").oninput = wipe;
wipe();
$("show-fast").onclick = () => view("fast");
$("show-rendered").onclick = () => view("rendered");
$("render").onclick = render;
$("stop").onclick = () => guarded(() => post(`api/renders/${state.render}/stop`));
$("cancel").onclick = () => guarded(() => post(`api/renders/${state.render}/cancel`));
$("sheet-button").onclick = sheet;
$("photo-file").onchange = (event) => upload([...event.target.files], "photo");
$("style-file").onchange = (event) => upload([...event.target.files], "style");
onDrop("photo-drop", "photo");
onDrop("style-drop", "style");
onDrop("stage", "photo");
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => event.preventDefault()); // not on a box: the page stays
guarded(start);
