// The upload page: one panel, choose → check → sending → checking → done. What it shows is in templates/uploads/.
import { abort, begin, complaints } from "./beginning.js";
import { Calls, Failure } from "./calls.js";
import { choice, chooseNone, form, refuse, wanted, wrong } from "./choosing.js";
import { Pace, announce, button, panel, part, phase, say, size, slot, snippet, span } from "./page.js";
import { Transfer } from "./transfer.js";
import { recount } from "./unfinished.js";

const { api, uploads, entries, word } = panel.dataset;
const bar = part("transfer").querySelector("progress");
let pageTitle = document.title;

const calls = new Calls(api, uploads);
let uploadId = panel.dataset.uploadId;
let busy = false;
let transfer = null;
let pace = null;
let told = ""; // which quarter was last announced

/* What is shown */

function show(name) {
  for (const each of ["choose", "transfer", "done", "cancelled"]) part(each).hidden = each !== name;
  form.classList.toggle("only-file", Boolean(uploadId));
  if (part("ask").open) part("ask").close();
  part("terminal").hidden = !uploadId || isOver(name);
  const beginning = document.getElementById("from-terminal");
  if (beginning) beginning.hidden = Boolean(uploadId) && !isOver(name);
  if (name !== "choose") part(name).querySelector("h2").focus();
}

const isOver = (name) => name === "done" || name === "cancelled";

/** The upload is over: the page is no longer about going on with it. */
function conclude(name, fileName) {
  show(name);
  document.querySelector("h1").textContent = `Upload of ${fileName}`;
  pageTitle = document.title = `Upload of ${fileName} · Model Portal`;
  recount();
}

const TITLES = { comparing: "Comparing", sending: "Sending", checking: "Verifying" };
const NOTES = {
  comparing: "What is here already is compared with your file, byte for byte.",
  sending: "You may close this page at any time: what has arrived is kept, and you can go on later.",
  checking: "All bytes have arrived. The portal reads them once more before anybody can see them; please keep the page open.",
};

function render() {
  if (!transfer) return;
  const { file, phase: now, paused, trouble } = transfer;
  const total = now === "comparing" ? transfer.comparable : file.size;
  const bytes = { comparing: transfer.compared, sending: transfer.sent, checking: transfer.checked }[now];
  const title = paused ? `Paused: ${file.name}` : `${TITLES[now]} ${file.name}`;
  if (slot("title").textContent !== title) {
    say("title", title);
    announce(paused ? `Paused. ${size(transfer.kept)} have arrived.` : `${TITLES[now]}. ${NOTES[now]}`);
    phase(now === "checking" ? "checking" : "sending");
    pace = new Pace();
  }
  if (!paused && !trouble) pace.add(bytes);
  const known = now === "checking" ? bytes > 0 : total !== null;
  if (known) bar.value = total ? bytes / total : 1;
  else bar.removeAttribute("value");
  bar.classList.toggle("is-paused", paused || Boolean(trouble));
  const { speed } = pace;
  const moving = speed && !paused && !trouble;
  const percent = Math.floor(total === 0 ? 100 : (100 * bytes) / (total ?? Infinity));
  say("bytes", known ? `${size(bytes)} of ${size(total)}, ${percent} %` : total ? size(total) : "");
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
  const quarter = `${Math.floor(percent / 25) * 25} % sent`;
  if (now === "sending" && quarter !== told && percent >= 25 && percent < 100) announce(quarter);
  if (now === "sending") told = quarter;
}

/** One of two buttons in one place; the focus stays there. */
function swap(first, second, toSecond) {
  const focused = document.activeElement === first || document.activeElement === second;
  first.hidden = toSecond;
  second.hidden = !toSecond;
  if (focused) (toSecond ? second : first).focus();
}

const BEYOND_TRYING_AGAIN = ["file", "differs", 403, 404, 410, 413, 422];
const CHOOSE_AGAIN = ["file", "differs", 422];

function problem(failure) {
  const { status } = failure;
  const advice = [...part("problem").querySelectorAll("[data-advice]")];
  for (const each of advice) each.hidden = !each.dataset.advice.split(" ").includes(String(status));
  say("problem", failure.message);
  say("kept", transfer?.kept && advice.every((each) => each.hidden) ? `${size(transfer.kept)} have arrived and are kept.` : "");
  button("retry").hidden = BEYOND_TRYING_AGAIN.includes(status);
  button("replace").hidden = status !== "differs";
  part("login").hidden = status !== 401;
  part("problem").hidden = false;
  part("problem").focus();
}

/* Beginning and going on */

async function submit(event) {
  event.preventDefault();
  if (transfer || busy) return;
  part("problem").hidden = true;
  const errors = wrong();
  refuse(errors);
  if (errors.length) return;
  if (uploadId) return run();
  busy = true;
  phase("check");
  say("submit", "Checking name, right and free space…");
  announce("Checking name, right and free space.");
  try {
    uploadId = await begin(calls);
    panel.dataset.size = choice.file.size; // from now on no other will do
    history.replaceState(null, "", `${uploads}/${uploadId}`);
    return run();
  } catch (failure) {
    phase("choose");
    announce("");
    const here = complaints(failure).filter(([id]) => form.querySelector(`#${id}`));
    if (here.length) refuse(here);
    else problem(failure);
  } finally {
    busy = false;
    say("submit", "Upload");
  }
}

/** `replaces`: chunks on the portal that are not this file's are sent anew. */
async function run(replaces = false) {
  const { file, sum } = choice;
  const mine = new Transfer(file, uploadId, calls, render);
  transfer = mine;
  mine.replaces = replaces;
  mine.whole = sum?.done;
  sum?.done.then((hex) => { mine.sha256 = hex; });
  part("problem").hidden = true;
  addEventListener("beforeunload", hold);
  const clock = setInterval(render, 250);
  say("title", "");
  show("transfer");
  render();
  try {
    if (!calls.token) await transfer.renew();
    terminal();
    done(file, sum, await transfer.run());
  } catch (failure) {
    if (failure.name !== "AbortError") failed(file, failure);
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

function stopped(name) {
  bar.classList.add("is-paused");
  part("controls").hidden = part("trouble").hidden = true;
  for (const figure of ["speed", "left", "flying", "note"]) say(figure, "");
  say("title", `Stopped: ${name}`);
}

function failed(file, failure) {
  stopped(file.name);
  if (CHOOSE_AGAIN.includes(failure.status)) {
    phase("choose");
    show("choose");
    if (part("compare")) {
      part("compare").open = true;
      part("verify").hidden = button("finish").hidden = true; // it would only be refused again
    }
    if (!file.slice) choice.file = null; // it went without the file; now it needs one
  }
  problem(failure);
}

async function done(file, sum, result) {
  const there = result.sha256;
  phase("done");
  conclude("done", file.name);
  const title = `${file.name} is on the portal as version ${result.version}`;
  say("done-title", title);
  announce(`Done. ${title}.`);
  const exactly = result.size < 1000 ? "" : ` (${result.size.toLocaleString("en")} bytes)`;
  say("done-size", size(result.size) + exactly);
  say("sha-there", there);
  const id = result[`${word}_id`];
  slot("entry-link").href = `${entries}/${id}`;
  const address = new URL(calls.address.replace(/upload$/, `${id}/download?version=${result.version}`), location.href);
  snippet("download", `curl -fL -OJ -H "Authorization: Bearer $PORTAL_TOKEN" '${address}'`);
  say("sha-verdict", "still being computed");
  const here = await sum?.done;
  say("sha-here", here ?? "");
  say("sha-verdict", !here ? "not computed" : here === there ? "the same ✓" : "");
  if (here && here !== there) problem(new Failure("sha", "The portal's bytes are not those of the file here: it changed while it was being sent. Do not use this version."));
}

/* In a terminal */

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

function terminal() {
  const client = new URL(`${uploads}/client.py`, location.href);
  const name = quoted(transfer?.file.name ?? panel.dataset.fileName);
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
button("finish")?.addEventListener("click", () => {
  chooseNone({ name: panel.dataset.fileName, size: Number(panel.dataset.size) });
  run();
});
button("replace").addEventListener("click", () => run(true));
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
  const { name } = transfer.file;
  transfer.stop();
  try {
    await abort(calls);
    history.replaceState(null, "", uploads);
    conclude("cancelled", name);
    announce("Cancelled.");
  } catch (failure) {
    stopped(name);
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

// Before this line a click would have sent a form that only this script understands.
for (const waiting of panel.querySelectorAll("[data-needs-script]")) waiting.hidden = false;
