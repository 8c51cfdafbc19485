// The page of tfstyle: its state and its start. The other files are the parts of the page.
"use strict";
const state = {
  photos: [], styles: [], // on the shelves: {id, name, has_painting, isUpload}
  photo: null, chosen: [], // what is chosen of them; styles with their shares, `most` at a time
  most: 3, largest: 1024, pace: 0,
  view: "fast", render: null, // what is shown, of `shown`; the id of the last render
};
const SIZES = [256, 384, 512, 768, 1024, 1536, 2048]; // pixels

async function start() {
  const found = await fillShelves();
  Object.assign(state, { most: found.most_styles, largest: found.largest_size, pace: found.pace });
  for (const size of [...SIZES.filter((size) => size < state.largest), state.largest]) $("size").add(new Option(`${size} pixels`, size));
  $("size").value = Math.min(512, state.largest);
  for (const id of ["style-add", "brush-label", "render-box", "lead-render", "tabs"]) $(id).hidden = !found.takes_paintings;
  $("mix-hint").hidden = state.most < 2;
  await recall();
  draw();
  if (state.photo && state.chosen.length) paint();
  if (found.render) follow(found.render);
}

for (const id of ["strength", "brush", "keep-color", "size", "region-strength", "region-style"]) $(id).oninput = () => {
  if (id === "region-style") wanted.region = null;
  draw();
  paint();
};
wipe();
$("quality").onchange = remember;
$("show-fast").onclick = () => view("fast");
$("show-rendered").onclick = () => view("rendered");
$("photo-file").onchange = ({ target }) => upload([...target.files], "photos").then(() => { target.value = ""; });
$("style-file").onchange = ({ target }) => upload([...target.files], "styles").then(() => { target.value = ""; });
onDrop($("photo-drop"), "photos");
onDrop($("style-drop"), "styles");
onDrop($("stage"), "photos");
onDrop(window, "photos"); // the rest of the page
guarded(start);
