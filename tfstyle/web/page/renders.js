// Renders: what they cost, their progress, their end; and the sheet of all styles.
"use strict";
const POLL_MS = 600;
const QUALITIES = { 20: "Draft", 40: "Good", 120: "Gallery" }; // iterations
const OVER = ["done", "stopped", "failed", "cancelled"];

// Says how long each quality takes, by the pace of the last render.
function drawCosts() {
  const megapixels = Number($("size").value) ** 2 / 1e6;
  for (const option of $("quality").options) {
    const name = QUALITIES[option.value] ?? `${option.value} iterations`;
    option.textContent = `${name}, about ${duration(state.pace * option.value * megapixels, true)}`;
  }
}

async function render() {
  await guarded(async () => {
    const found = await post("api/renders", asked());
    shown.rendered = null;
    tell("");
    follow(found);
  });
}

// Shows a render {id, photo, title} until it is over.
async function follow({ id, photo, title }) {
  state.render = id;
  const about = { photo: `api/pictures/${photo}`, label: `rendered: ${title}` };
  let previews = 0, isNew = false; // at a reload, the end of a render is no news
  $("render").disabled = true;
  $("progress").hidden = false;
  for (;;) {
    const now = await guarded(() => call(`api/renders/${id}`));
    if (!now) break;
    state.pace = now.pace;
    if (now.previews > previews) {
      const isFirst = !previews;
      previews = now.previews;
      shown.rendered = { ...about, src: `api/renders/${id}/preview?${previews}` };
      if (isFirst) view("rendered");
      else refresh();
    }
    showProgress(now, title);
    if (now.result) {
      shown.rendered = { ...about, src: `api/results/${now.result}.png`, result: now.result };
      if (isNew) {
        tell(now.state === "stopped" ? "Stopped: this is the picture so far." : "Rendered.");
        view("rendered");
      }
      refresh();
    } else if (OVER.includes(now.state)) {
      shown.rendered = null;
      view("fast");
      tell(now.state === "failed" ? now.error : "Cancelled.", now.state === "failed");
    }
    if (OVER.includes(now.state)) break;
    isNew = true;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  $("render").disabled = false;
  $("progress").hidden = true;
  drawCosts();
}

function duration(seconds, isRough = false) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${isRough ? Math.max(5, 5 * Math.round(whole / 5)) : whole} s`;
  return isRough ? `${Math.round(whole / 60)} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function showProgress(now, title) {
  const bar = $("done");
  $("rendering").textContent = title;
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

// The photo, small, in each style.
async function sheet() {
  $("sheet").returnValue = "";
  $("sheet").showModal();
  const tiles = state.styles.map((style) => {
    const button = document.createElement("button");
    const image = document.createElement("img");
    image.alt = "";
    button.append(image, style.name);
    button.title = style.name;
    button.onclick = () => {
      $("sheet").close("chosen");
      chooseStyle(style);
    };
    return { button, image, style };
  });
  $("tiles").replaceChildren(...tiles.map(({ button }) => button));
  for (const { image, style } of tiles) {
    if (!$("sheet").open) return;
    await guarded(async () => {
      const found = await post("api/paint", asked({ styles: [{ id: style.id, share: 1 }], size: 256 }));
      image.src = `api/results/${found.result}.png`;
    });
  }
}

$("render").onclick = render;
$("stop").onclick = () => guarded(() => post(`api/renders/${state.render}/stop`));
$("cancel").onclick = () => guarded(() => post(`api/renders/${state.render}/cancel`));
$("sheet-button").onclick = sheet;
// The server keeps some last results, and those of many styles may be all of them.
$("sheet").onclose = () => {
  if ($("sheet").returnValue !== "chosen") paint();
};
