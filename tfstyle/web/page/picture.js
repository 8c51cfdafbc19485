// The picture: painted at once or rendered, beside the photo.
"use strict";
// {src, photo, label, result} of the two pictures; without a result it is no picture to download.
const shown = { fast: null, rendered: null };
const photoAddress = (photo) => `api/pictures/${photo.id}`;
const WIPE_STEPS = { ArrowLeft: -2, ArrowDown: -2, PageDown: -10, ArrowRight: 2, ArrowUp: 2, PageUp: 10 }; // %

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
  $("after-label").textContent = $("after-label").title = picture.label;
  $("downloads").hidden = !picture.result;
  $("download").href = `api/results/${picture.result}.png`;
  $("download-deep").href = `api/results/${picture.result}.tif`;
}

function wipe() {
  const share = Number($("wipe").value);
  $("pair").style.setProperty("--wipe", `${share}%`);
  $("before-label").hidden = share < 12;
}

$("wipe").oninput = wipe;
$("wipe").onkeydown = (event) => {
  const step = WIPE_STEPS[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  $("wipe").value = Number($("wipe").value) + (event.shiftKey ? 10 * Math.sign(step) : step);
  wipe();
};

$("after").onload = ({ target: { naturalWidth: width, naturalHeight: height } }) => {
  $("pair").style.setProperty("--ratio", width / height);
  const isPainted = shown[state.view]?.src !== shown[state.view]?.photo;
  $("pixels").textContent = isPainted ? `${width} × ${height} pixels` : "";
};

let painting = false, again = false;

// Paints what the controls ask for; calls during that paint once more, as it is then.
async function paint() {
  tell("");
  view("fast");
  remember();
  again = true;
  if (painting) return;
  painting = true;
  $("busy").hidden = false;
  while (again) {
    again = false;
    const photo = photoAddress(state.photo), asking = asked();
    try {
      const { result } = await post("api/paint", asking);
      shown.fast = { src: `api/results/${result}.png`, photo, label: "painted", result };
    } catch (error) {
      tell(error.message, true);
      // The photo as it is, rather than the picture of before beside the error.
      if (error.status === 400) shown.fast = { src: photo, photo, label: "not painted" };
      if (error.status === 404) {
        await guarded(fillShelves);
        again ||= JSON.stringify(asked()) !== JSON.stringify(asking);
      }
    }
    refresh();
  }
  painting = false;
  $("busy").hidden = true;
}
