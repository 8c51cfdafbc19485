// The region that is drawn over the picture.
"use strict";
const region = { mask: "", tool: null, last: null }; // the mask: a PNG in base64, white in the region
const LONGEST_MASK = 512; // pixels
const RING = 2; // pixels of the line around it

function useTool(name) {
  region.tool = region.tool === name ? null : name;
  $("draw").setAttribute("aria-pressed", region.tool === "draw");
  $("erase").setAttribute("aria-pressed", region.tool === "erase");
  $("pair").classList.toggle("drawing", Boolean(region.tool));
  if (region.tool) fitMask();
}

// Gives the mask the picture's shape; what is drawn stays where it is in the picture.
function fitMask() {
  const { naturalWidth: width, naturalHeight: height } = $("after");
  if (!width) return;
  const scale = LONGEST_MASK / Math.max(width, height);
  const size = [Math.round(width * scale), Math.round(height * scale)];
  if ($("mask").width === size[0] && $("mask").height === size[1]) return;
  const before = copyOf($("mask"));
  [$("mask").width, $("mask").height] = size;
  if (region.mask) $("mask").getContext("2d").drawImage(before, 0, 0, ...size);
  drawRing();
}

function copyOf(canvas, color = null) {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const pen = copy.getContext("2d");
  if (color) {
    pen.fillStyle = color;
    pen.fillRect(0, 0, copy.width, copy.height);
  }
  if (copy.width && copy.height) pen.drawImage(canvas, 0, 0);
  return copy;
}

// The line around the region, which hides nothing of the picture.
function drawRing() {
  const mask = $("mask"), ring = $("ring"), pen = ring.getContext("2d");
  ring.width = mask.width;
  ring.height = mask.height;
  for (let turn = 0; turn < 16; turn++) {
    const angle = (turn / 8) * Math.PI;
    pen.drawImage(mask, RING * Math.cos(angle), RING * Math.sin(angle));
  }
  pen.globalCompositeOperation = "destination-out";
  pen.drawImage(mask, 0, 0);
}

function clearMask() {
  region.mask = "";
  $("mask").getContext("2d").clearRect(0, 0, $("mask").width, $("mask").height);
  drawRing();
}

function clearRegion() {
  clearMask();
  paint();
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
  pen.globalCompositeOperation = "source-over";
  region.last = [x, y];
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
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    pixels.data[at + 3] = pixels.data[at];
    pixels.data.fill(255, at, at + 3);
  }
  pen.putImageData(pixels, 0, 0);
  region.mask = mask;
  drawRing();
  $("region").open = true;
}

$("mask").onpointerdown = (event) => {
  $("mask").setPointerCapture(event.pointerId);
  $("pair").classList.add("stroking");
  region.last = null;
  stroke(event);
};
$("mask").onpointermove = (event) => {
  if (region.last && event.buttons) stroke(event);
};
$("mask").onpointerup = $("mask").onpointercancel = () => {
  if (!region.last) return;
  region.last = null;
  $("pair").classList.remove("stroking");
  region.mask = copyOf($("mask"), "#000").toDataURL("image/png").split(",")[1];
  drawRing();
  paint();
};
$("draw").onclick = () => useTool("draw");
$("erase").onclick = () => useTool("erase");
$("clear").onclick = clearRegion;
