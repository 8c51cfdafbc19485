// What the controls say, and setting them: from a picture of ours, or as before the page was reloaded.
"use strict";
// Names in a picture's settings of what is not on the shelves yet; null for what is there, or is
// not wanted any more. `styles` is a list of {name, share}, `region` a style's name, `except` the
// id of that picture.
const wanted = { photo: null, styles: null, region: null, except: null };

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

// Sets all controls but for the choice of pictures.
async function setControls(found) {
  $("strength").value = found.strength;
  $("brush").value = found.brush;
  $("keep-color").checked = found.keep_color;
  setOption("size", found.size, (value) => `${value} pixels`);
  if (found.iterations) setOption("quality", found.iterations, (value) => `${value} iterations`);
  $("region-strength").value = found.region.strength;
  if (region.tool) useTool(region.tool);
  await setMask(found.region.mask);
}

function setOption(id, value, label) {
  const select = $(id);
  if (!value || id === "size" && value > state.largest) return;
  if (![...select.options].some((one) => Number(one.value) === value)) select.add(new Option(label(value), value));
  select.value = value;
}

// Settings of a picture

// Of a picture {id, settings}, which is none of its own photo and styles, whatever its name.
async function takeSettings({ id, settings }) {
  Object.assign(wanted, { photo: settings.photo, styles: settings.styles, region: settings.region.style || null, except: id });
  $("region-style").value = "";
  await setControls(settings);
  takeWanted();
}

// The shelf of a name that is wanted, or undefined.
function wantedKind(name) {
  if (name === wanted.photo) return "photos";
  if (name === wanted.region || wanted.styles?.some((one) => one.name === name)) return "styles";
}

// Chooses what is wanted and there, and says what is not; that is chosen when it comes.
function takeWanted() {
  const missing = [];
  const find = (what, name, shelf) => {
    const picture = shelf.find((one) => one.name === name && one.id !== wanted.except);
    if (!picture) missing.push(`the ${what} “${name}”`);
    return picture;
  };
  if (wanted.photo) {
    const photo = find("photo", wanted.photo, [...state.photos, ...state.styles]);
    if (photo) [state.photo, wanted.photo] = [photo, null];
  }
  if (wanted.styles) {
    const shelf = [...state.styles, ...state.photos];
    const chosen = wanted.styles.map(({ name, share }) => ({ share, style: find("painting", name, shelf) }));
    const there = chosen.filter(({ style }) => style);
    if (there.length) state.chosen = there;
    if (there.length === chosen.length) wanted.styles = null;
  }
  draw();
  if (wanted.region) {
    const style = find("painting", wanted.region, state.styles);
    $("region-style").value = style ? style.id : "";
    if (style) wanted.region = null;
  }
  paint();
  const rest = missing.length ? ` Not here: ${missing.join(", ")}. Drop it, too, and all is as it was.` : "";
  tell(`The settings of this picture are set.${rest}`);
}

// Reloading the page

// Keeps what is asked for in this tab.
function remember() {
  try {
    sessionStorage.asked = JSON.stringify(asked());
  } catch { /* a browser that keeps nothing */ }
}

// Sets what was asked for before, as far as it is still there.
async function recall() {
  let found = null;
  try {
    found = JSON.parse(sessionStorage.asked ?? "null");
  } catch { /* likewise */ }
  if (!found) return;
  state.photo = byId(found.photo) ?? state.photo;
  const chosen = found.styles.map(({ id, share }) => ({ style: byId(id), share })).filter(({ style }) => style);
  if (chosen.length) state.chosen = chosen.slice(0, state.most);
  await setControls(found);
  draw();
  if (byId(found.region.style)) $("region-style").value = found.region.style;
}
