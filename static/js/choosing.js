// The form of the upload page: which file, for what; everything that can be known before the portal is asked.
import { exact, panel, part, say, size } from "./page.js";
import { chunkSize } from "./transfer.js";

const { word, maxChunkSize } = panel.dataset;
export const form = part("choose");
const fileField = form.querySelector("#file");

/** `file`, and the `sum` of it: {hex or null, done: a promise of hex}, computed in a worker beside everything else. */
export const choice = { file: null, sum: null };

function choose(file) {
  choice.file = file;
  part("problem").hidden = true;
  fieldError("file", unfit(file));
  part("chosen").hidden = !file;
  choice.sum?.worker.terminate();
  choice.sum = null;
  if (!file) return;
  say("file", file.name);
  say("file-size", size(file.size));
  say("file-hash", "");
  if (unfit(file)) return;
  choice.sum = hash(file);
  const name = form.querySelector("#name");
  const type = form.querySelector("#type");
  const dot = file.name.lastIndexOf(".");
  if (name && (!name.value || name.value === name.dataset.made)) {
    name.value = name.dataset.made = dot > 0 ? file.name.slice(0, dot) : file.name;
  }
  if (type && (!type.value || type.value === type.dataset.made)) {
    type.value = type.dataset.made = dot > 0 ? file.name.slice(dot + 1).toLowerCase() : "";
  }
  const begun = part("begun");
  if (!begun) return;
  for (const row of begun.children) {
    row.hidden = !(row.dataset.fileName === file.name && Number(row.dataset.size) === file.size);
  }
  begun.hidden = ![...begun.children].some((row) => !row.hidden);
}

/** What the size alone says against a file; empty if nothing. An upload that was begun takes files of its size only. */
function unfit(file) {
  const { size: begun, maxFileSize } = panel.dataset;
  if (!file) return "";
  if (begun && file.size !== Number(begun)) {
    return `This is a different file: it has ${exact(file.size)}, the upload was begun with ${exact(Number(begun))}.`;
  }
  if (maxFileSize && file.size > Number(maxFileSize)) {
    return `This file has ${size(file.size)}; the portal takes up to ${size(Number(maxFileSize))}.`;
  }
  return "";
}

/** For what needs no file any more: `facts` are its {name, size}. */
export function chooseNone(facts) {
  fileField.value = "";
  choose(null);
  choice.file = facts;
}

/** The whole file's sha256, in a worker so that the page stays quick. */
function hash(file) {
  const worker = new Worker(new URL("./sha256.js", import.meta.url), { type: "module" });
  const sum = { worker, hex: null };
  sum.done = new Promise((resolve) => {
    worker.onerror = () => resolve(null);
    worker.onmessage = ({ data }) => {
      if (data.bytes) return say("file-hash", `sha256 ${Math.floor((100 * data.bytes) / file.size)} %`);
      say("file-hash", data.hex ? `sha256 ${data.hex.slice(0, 12)}…` : "");
      sum.hex = data.hex ?? null;
      return resolve(sum.hex);
    };
  });
  worker.postMessage({ file });
  return sum;
}

/** `way`, if given, is a link that follows the message: {href, words}. */
function fieldError(id, message, way) {
  const field = form.querySelector(`#${id}`);
  form.querySelector(`#${id}-error`)?.remove();
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== `${id}-error`);
  field.classList.toggle("is-invalid", Boolean(message) && id !== "file");
  if (message) {
    const line = Object.assign(document.createElement("div"), { className: "field-error", id: `${id}-error` });
    const words = line.appendChild(document.createElement("span"));
    words.textContent = message;
    if (way) words.append(" ", Object.assign(document.createElement("a"), { href: way.href, textContent: way.words }));
    field.closest(".form-group").append(line);
    field.setAttribute("aria-invalid", "true");
    others.push(line.id);
  } else {
    field.removeAttribute("aria-invalid");
  }
  if (others.length) field.setAttribute("aria-describedby", others.join(" "));
  else field.removeAttribute("aria-describedby");
}

/** Everything wrong that needs no portal to see, as [field, message]. */
export function wrong() {
  const found = [];
  const { file } = choice;
  if (!file) found.push(["file", "Choose a file."]);
  else if (unfit(file)) found.push(["file", unfit(file)]);
  const name = form.querySelector("#name");
  if (name && !entryId()) {
    const value = name.value.trim();
    if (!value) found.push(["name", "Give a name of 1 to 255 characters."]);
    else if (value.length > 255) found.push(["name", "Takes at most 255 characters."]);
    else if (/[\p{Cc}\u2028-\u202e\u2066-\u2069\u200e\u200f\u061c]/u.test(value)) {
      found.push(["name", "Must not contain control or direction-override characters."]);
    }
  }
  return found;
}

const entryId = () => panel.dataset.entryId || form.querySelector("#entry")?.value || "";

/** Says beside its field what is wrong, as [field, message, way]; no errors take away what was said before. */
export function refuse(errors) {
  for (const field of form.querySelectorAll("[aria-invalid]")) fieldError(field.id, "");
  for (const error of errors) fieldError(...error);
  if (errors.length) form.querySelector(`#${errors[0][0]}`).focus();
}

/** What the portal is told at the beginning. */
export function wanted() {
  const { file, sum } = choice;
  const value = (id) => form.querySelector(`#${id}`)?.value.trim() ?? "";
  const about = entryId() ? { [`${word}_id`]: entryId() } : { [`${word}_name`]: value("name"), [`${word}_type`]: value("type") };
  if (value("description")) about.description = value("description");
  if (sum?.hex) about.sha256 = sum.hex;
  return { ...about, file_name: file.name, size: file.size, chunk_size: chunkSize(file.size, Number(maxChunkSize)) };
}

fileField?.addEventListener("change", () => choose(fileField.files[0] ?? null));

for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => event.preventDefault()); // a file dropped beside the zone must not replace the page
}
const zone = form.querySelector(".dropzone");
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  zone?.addEventListener(name, () => zone.classList.toggle("is-over", over));
}
zone?.addEventListener("drop", ({ dataTransfer }) => {
  if (!dataTransfer.files.length) return;
  fileField.files = dataTransfer.files;
  choose(dataTransfer.files[0]);
});

// A reload may have left the file chosen.
if (fileField?.files.length) choose(fileField.files[0]);
