// The upload page: one panel, choose → check → sending → checking → done. What it shows is in templates/uploads/.
import { Calls, Failure } from "./calls.js";
import { Transfer, chunkSize } from "./transfer.js";

const panel = document.getElementById("upload");
const { api, uploads, entries, word, maxChunkSize, maxFileSize } = panel.dataset;
const part = (name) => panel.querySelector(`[data-part="${name}"]`);
const slot = (name) => panel.querySelector(`[data-slot="${name}"]`);
const button = (name) => panel.querySelector(`[data-do="${name}"]`);
const say = (name, words) => {
  if (slot(name).textContent !== words) slot(name).textContent = words;
};
const form = part("choose");
const fileField = form.querySelector("#file");
const bar = part("transfer").querySelector("progress");
const pageTitle = document.title;

const calls = new Calls(api, uploads);
let uploadId = panel.dataset.uploadId;
let file = null;
let hashed = null; // {hex, bytes, done: a promise} of the whole file, computed beside everything else
let transfer = null;
let pace = null;

/* Figures */

function size(bytes) {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  let power = 1;
  while (Math.round(bytes / 1000 ** power * 10) / 10 >= 1000) power++;
  return `${(bytes / 1000 ** power).toFixed(1)} ${["kB", "MB", "GB", "TB", "PB"][power - 1]}`;
}

function span(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1440)} days`;
}

/** Bytes a second, smoothed over the last seconds; null until it means something. */
class Pace {
  #marks = [];

  add(bytes) {
    const now = performance.now();
    this.#marks = [...this.#marks.filter(([when]) => now - when < 8000), [now, bytes]];
  }

  get speed() {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (!first || last[0] - first[0] < 1000) return null;
    return Math.max(0, (last[1] - first[1]) / ((last[0] - first[0]) / 1000));
  }
}

/* What is shown */

function announce(words) {
  document.getElementById("live").textContent = words;
}

function phase(name) {
  let past = true;
  for (const step of panel.querySelectorAll("[data-phase]")) {
    const current = step.dataset.phase === name;
    if (current) past = false;
    step.classList.toggle("past", past || (current && name === "done"));
    if (current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

function show(name) {
  for (const each of ["choose", "transfer", "done", "cancelled"]) part(each).hidden = each !== name;
  form.classList.toggle("only-file", Boolean(uploadId));
  if (part("ask").open) part("ask").close();
  part("terminal").hidden = !uploadId || name === "done" || name === "cancelled";
  if (name !== "choose") part(name).querySelector("h2").focus();
}

const TITLES = { comparing: "Comparing", sending: "Sending", checking: "Verifying" };
const NOTES = {
  comparing: "What is here already is compared with your file, byte for byte.",
  sending: "You may close this page at any time: what has arrived is kept, and you can go on later.",
  checking: "All bytes have arrived. The portal reads them once more before anybody can see them; please keep the page open.",
};

function render() {
  if (!transfer) return;
  const { phase: now, paused, trouble } = transfer;
  const total = file.size;
  const bytes = { comparing: transfer.compared, sending: transfer.sent, checking: transfer.checked }[now];
  const title = paused ? `Paused: ${file.name}` : `${TITLES[now]} ${file.name}`;
  if (slot("title").textContent !== title) {
    say("title", title);
    announce(paused ? `Paused. ${size(transfer.kept)} have arrived.` : `${TITLES[now]}. ${NOTES[now]}`);
    phase(now === "checking" ? "checking" : "sending");
    pace = new Pace();
  }
  if (!paused && !trouble) pace.add(bytes);
  const known = now !== "checking" || bytes > 0;
  if (known) bar.value = total ? bytes / total : 1;
  else bar.removeAttribute("value");
  bar.classList.toggle("is-paused", paused || Boolean(trouble));
  const { speed } = pace;
  const moving = speed && !paused && !trouble;
  const percent = Math.floor(total ? (100 * bytes) / total : 100);
  say("bytes", known ? `${size(bytes)} of ${size(total)}, ${percent} %` : size(total));
  say("speed", moving ? `${size(speed)}/s` : "");
  say("left", moving ? `${span((total - bytes) / speed)} left` : "");
  const flying = transfer.flying.size;
  say("flying", now === "sending" && flying ? `${flying} ${flying === 1 ? "chunk" : "chunks"} in flight` : "");
  say("note", paused ? `${size(transfer.kept)} have arrived and are kept.` : NOTES[now]);
  part("trouble").hidden = !trouble || paused;
  if (trouble) {
    const wait = Math.max(0, Math.ceil((trouble.until - Date.now()) / 1000));
    const words = `${trouble.sentence} ${size(transfer.kept)} have arrived and are kept.`;
    if (!slot("trouble").textContent.startsWith(words)) announce(`${words} Trying again.`);
    say("trouble", `${words} Trying again in ${wait} s.`);
  }
  part("controls").hidden = now === "checking";
  swap(button("pause"), button("resume"), paused);
  document.title = `${percent} % · ${pageTitle}`;
}

/** One of two buttons in one place; the focus stays there. */
function swap(first, second, toSecond) {
  const focused = document.activeElement === first || document.activeElement === second;
  first.hidden = toSecond;
  second.hidden = !toSecond;
  if (focused) (toSecond ? second : first).focus();
}

const ADVICE = {
  file: "Choose the file that this upload was begun with.",
  401: "Log in again in a new tab, then come back and try again. What has arrived is kept.",
  403: "Your right to write there is gone. Ask whoever owns it.",
  404: "Perhaps it was cancelled from elsewhere. You can start anew.",
  410: "It was cancelled, or nothing came for too long. You can start anew.",
  413: "The portal takes no files of this size.",
  507: "What has arrived is kept. Tell whoever runs the portal, and try again when there is space.",
};

function problem(failure) {
  const { status } = failure;
  const kept = transfer?.kept ? `${size(transfer.kept)} have arrived and are kept.` : "";
  say("problem", failure.message);
  say("advice", ADVICE[status] ?? kept);
  button("retry").hidden = ["file", 403, 404, 410, 413].includes(status);
  part("login").hidden = status !== 401;
  part("problem").hidden = false;
  part("problem").focus();
}

/* Choosing */

function choose(chosen) {
  file = chosen;
  part("problem").hidden = true;
  fieldError("file", "");
  part("chosen").hidden = !file;
  hashed?.worker.terminate();
  hashed = null;
  if (!file) return;
  say("file", file.name);
  say("file-size", size(file.size));
  hash();
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

/** The whole file's sha256, in a worker so that the page stays quick. */
function hash() {
  const worker = new Worker(new URL("./sha256.js", import.meta.url), { type: "module" });
  const mine = { worker, bytes: 0, hex: null };
  hashed = mine;
  mine.done = new Promise((resolve) => {
    worker.onerror = () => resolve(null);
    worker.onmessage = ({ data }) => {
      if (data.bytes) mine.bytes = data.bytes;
      else resolve(mine.hex = data.hex ?? null);
      if (hashed === mine && !mine.hex) say("file-hash", `sha256 ${Math.floor(100 * mine.bytes / file.size)} %`);
      if (hashed === mine && mine.hex) say("file-hash", `sha256 ${mine.hex.slice(0, 12)}…`);
    };
  });
  worker.postMessage({ file });
}

function fieldError(id, message) {
  const field = form.querySelector(`#${id}`);
  form.querySelector(`#${id}-error`)?.remove();
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== `${id}-error`);
  field.classList.toggle("is-invalid", Boolean(message) && id !== "file");
  if (message) {
    const line = Object.assign(document.createElement("div"), { className: "field-error", id: `${id}-error`, textContent: message });
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
function wrong() {
  const found = [];
  if (!file) found.push(["file", "Choose a file."]);
  else if (maxFileSize && file.size > Number(maxFileSize)) {
    found.push(["file", `This file has ${size(file.size)}; the portal takes up to ${size(Number(maxFileSize))}.`]);
  }
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

/* Beginning and going on */

async function submit(event) {
  event.preventDefault();
  if (transfer || form.ariaBusy === "true") return;
  for (const field of form.querySelectorAll("[aria-invalid]")) fieldError(field.id, "");
  part("problem").hidden = true;
  const errors = wrong();
  if (errors.length) return refuse(errors);
  if (uploadId) return run();
  form.ariaBusy = "true";
  phase("check");
  say("submit", "Checking name, right and free space…");
  announce("Checking name, right and free space.");
  try {
    uploadId = await begin();
    history.replaceState(null, "", `${uploads}/${uploadId}`);
    return run();
  } catch (failure) {
    phase("choose");
    announce("");
    const known = failure.errors?.map(({ field, message }) => [field.replace(`${word}_`, "").replace(/^id$/, "entry"), message]) ?? [];
    const here = known.filter(([id]) => form.querySelector(`#${id}`));
    if (here.length) refuse(here);
    else problem(failure);
  } finally {
    form.ariaBusy = null;
    say("submit", "Upload");
  }
}

/** The id of a new upload; or of the one an earlier try began, when its answer was lost (browsers repeat a lost POST). */
async function begin() {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await calls.begin(wanted())).upload_id;
    } catch (failure) {
      const found = [0, 409].includes(failure.status) && (await begunBefore().catch(() => null));
      if (found) return found;
      if (!failure.passing || attempt > 4) throw failure;
      await new Promise((resolve) => setTimeout(resolve, Math.max(failure.retryAfter, 500 * attempt)));
    }
  }
}

async function begunBefore() {
  const page = new DOMParser().parseFromString(await (await fetch(uploads)).text(), "text/html");
  const about = wanted();
  const same = ({ dataset: row }) => row.kind === word && row.fileName === file.name && Number(row.size) === file.size
    && (row.name === about[`${word}_name`] || row.entryId === about[`${word}_id`]);
  return [...page.querySelectorAll("[data-upload-id]")].find(same)?.dataset.uploadId;
}

function refuse(errors) {
  for (const [id, message] of errors) fieldError(id, message);
  form.querySelector(`#${errors[0][0]}`).focus();
}

function wanted() {
  const value = (id) => form.querySelector(`#${id}`)?.value.trim() ?? "";
  const about = entryId() ? { [`${word}_id`]: entryId() } : { [`${word}_name`]: value("name"), [`${word}_type`]: value("type") };
  if (value("description")) about.description = value("description");
  if (hashed?.hex) about.sha256 = hashed.hex;
  return { ...about, file_name: file.name, size: file.size, chunk_size: chunkSize(file.size, Number(maxChunkSize)) };
}

async function run() {
  part("problem").hidden = true;
  transfer = new Transfer(file, uploadId, calls, render);
  addEventListener("beforeunload", hold);
  const clock = setInterval(render, 250);
  say("title", "");
  show("transfer");
  render();
  try {
    if (!calls.token) await transfer.renew();
    terminal();
    done(await transfer.run());
  } catch (failure) {
    if (failure.name !== "AbortError") failed(failure);
  } finally {
    clearInterval(clock);
    removeEventListener("beforeunload", hold);
    document.title = pageTitle;
    transfer = null;
  }
}

// The browser asks in its own words; ours are already on the page.
function hold(event) {
  announce("What has arrived is kept. You can go on later.");
  event.preventDefault();
}

function failed(failure) {
  bar.classList.add("is-paused");
  part("controls").hidden = part("trouble").hidden = true;
  for (const name of ["speed", "left", "flying", "note"]) say(name, "");
  say("title", `Stopped: ${file.name}`);
  if (failure.status === "file") {
    phase("choose");
    show("choose");
  }
  problem(failure);
}

async function done(result) {
  const there = result.sha256;
  phase("done");
  show("done");
  const title = `${file.name} is on the portal as version ${result.version}`;
  say("done-title", title);
  announce(`Done. ${title}.`);
  say("done-size", `${size(result.size)} (${result.size.toLocaleString("en")} bytes)`);
  say("sha-there", there);
  const id = result[`${word}_id`];
  slot("entry-link").href = `${entries}/${id}`;
  const address = new URL(calls.address.replace(/upload$/, `${id}/download?version=${result.version}`), location.href);
  snippet("download", `curl -fL -OJ -H "Authorization: Bearer $PORTAL_TOKEN" '${address}'`);
  say("sha-verdict", "still being computed");
  const here = await hashed.done;
  say("sha-here", here ?? "");
  say("sha-verdict", !here ? "could not be computed" : here === there ? "the same ✓" : "");
  if (here && here !== there) problem(new Failure("sha", "The portal's bytes are not those of the file here: it changed while it was being sent. Do not use this version."));
}

/* In a terminal */

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

function snippet(name, text) {
  say(name, text);
  slot(`${name}-copy`).dataset.copy = text;
}

function terminal() {
  const client = new URL(`${uploads}/client.py`, location.href);
  const name = quoted(file?.name ?? "FILE");
  const resume = new URL(calls.address, location.href);
  snippet("command", `curl -fsSO ${client} && python3 client.py ${name} --resume ${resume} --token ${calls.token}`);
}

part("terminal").addEventListener("toggle", async () => {
  if (!part("terminal").open || calls.token) return;
  try {
    await calls.renew(uploadId);
    terminal();
  } catch (failure) {
    problem(failure);
  }
});

/* Hands */

form.addEventListener("submit", submit);
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

button("pause").addEventListener("click", () => transfer?.pause());
button("resume").addEventListener("click", () => transfer?.resume());
button("hurry").addEventListener("click", () => transfer?.hurry());
button("retry").addEventListener("click", () => (uploadId ? run() : form.requestSubmit()));
button("cancel").addEventListener("click", () => {
  say("ask", `${size(transfer.kept)} that have arrived will be deleted.`);
  part("ask").returnValue = "";
  part("ask").showModal();
});
part("ask").addEventListener("close", async () => {
  if (part("ask").returnValue !== "cancel" || !transfer) return;
  transfer.stop();
  try {
    await calls.abort();
    history.replaceState(null, "", uploads);
    show("cancelled");
    announce("Cancelled.");
  } catch (failure) {
    problem(failure);
  }
});
part("begun")?.addEventListener("click", (event) => {
  const row = event.target.closest("[data-do]")?.closest("li");
  if (!row || transfer) return;
  uploadId = row.dataset.uploadId;
  history.replaceState(null, "", `${uploads}/${uploadId}`);
  run();
});

// A reload may have left the file chosen.
if (fileField?.files.length) choose(fileField.files[0]);
