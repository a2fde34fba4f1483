// Loading many records: the file goes through the portal twice in slices of whole lines, rehearsed and then for good.
// What the portal has already it passes over, so every slice may be sent again.
import { announce, button, Pace, panel, part, phase, say, span } from "./page.js";

const SLICE = 1 << 20; // bytes; a little more or less, so that it ends with a line
const NEWLINE = 10;
const QUOTE = 34;

const form = part("choose");
const field = form.querySelector("#file");
const bar = panel.querySelector("progress");
const number = (value, word) => `${value.toLocaleString("en")} ${word}${value === 1 ? "" : "s"}`;

let file = null;
let run = null; // what is under way: {step, at, line, head, headLines, tally, stopped}

/** The first line of a CSV, which every slice needs on top; and its number of lines. */
async function headOf(sheet) {
  if (!sheet) return { head: null, at: 0, line: 1, headLines: 0 };
  const end = await lineEnd(0, true);
  const head = file.slice(0, end);
  const headLines = lines(new Uint8Array(await head.arrayBuffer()));
  return { head, at: end, line: headLines + 1, headLines };
}

const lines = (bytes) => bytes.reduce((sum, byte) => sum + (byte === NEWLINE), 0);

/** Where the line ends that is under way SLICE behind `start` (the first line, if `first`). In a CSV not within quotes. */
async function lineEnd(start, first = false) {
  let quoted = false;
  let found = 0;
  for (let at = start; at < file.size; at += SLICE) {
    const bytes = new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer());
    for (let place = 0; place < bytes.length; place++) {
      if (bytes[place] === QUOTE && isSheet()) quoted = !quoted;
      else if (bytes[place] === NEWLINE && !quoted) {
        found = at + place + 1;
        if (first) return found;
      }
    }
    if (found) return at + SLICE >= file.size && !quoted ? file.size : found;
  }
  return file.size;
}

const isSheet = () => /\.(csv|tsv)$/i.test(file.name);

async function post(step, slice) {
  const body = new FormData();
  body.append("csrf_token", form.elements.csrf_token.value);
  body.append("step", step);
  body.append("file", run.head ? new Blob([run.head, slice]) : slice, file.name);
  let answer;
  try {
    answer = await fetch(location.href, { method: "POST", body, headers: { Accept: "application/json" } });
  } catch {
    throw new Error(navigator.onLine ? "The portal cannot be reached." : "This computer is offline.");
  }
  const said = await answer.json().catch(() => null);
  if (answer.ok && said) return said;
  const gone = answer.redirected || answer.status === 401;
  const words = gone ? "You are no longer logged in." : said?.detail || `The portal answered with error ${answer.status}.`;
  throw Object.assign(new Error(words), { gone });
}

async function go() {
  const { tally, step } = run;
  const pace = new Pace();
  show("working");
  phase(step);
  say("working", step === "check" ? `Checking ${file.name}` : `Loading ${file.name}`);
  announce(step === "check" ? "Checking the file." : "Loading.");
  try {
    while (run.at < file.size && !run.stopped) {
      const end = await lineEnd(run.at);
      const slice = file.slice(run.at, end);
      const said = await post(step, slice);
      for (const name of ["inserted", "present", "wrong"]) tally[name] += said[name];
      for (const { line, error } of said.rejected) {
        if (tally.rejected.length < Number(panel.dataset.mostShown)) {
          tally.rejected.push([line - run.headLines + run.line - 1, error]);
        }
      }
      if (!tally.sample.length) tally.sample = said.sample;
      run.line += lines(new Uint8Array(await slice.arrayBuffer()));
      run.at = end;
      pace.add(run.at);
      figures(tally, pace);
    }
  } catch (problem) {
    return trouble(problem);
  }
  if (run.stopped) return trouble(new Error("Stopped."));
  finished();
}

function figures(tally, pace) {
  bar.value = run.at / file.size;
  const sum = tally.inserted + tally.present + tally.wrong;
  say("lines", number(sum, "line"));
  const { speed } = pace;
  say("speed", speed ? `${Math.round((speed * sum) / run.at).toLocaleString("en")} lines/s` : "");
  say("left", speed ? `${span((file.size - run.at) / speed)} left` : "");
}

function trouble(problem) {
  show("problem");
  say("problem", problem.message);
  say("kept", run.step === "check" ? "Nothing has been added." : `${number(run.tally.inserted, "record")} added so far; they stay.`);
  part("login").hidden = !problem.gone;
  part("problem").focus();
}

function finished() {
  const { tally, step } = run;
  const checked = step === "check";
  show("found");
  phase(checked ? "check" : "done");
  say("found", `${file.name}: ${checked ? number(tally.inserted, "new record") : `${number(tally.inserted, "record")} added`}`);
  say("present", `${number(tally.present, "line")} there already`);
  say("wrong", `${number(tally.wrong, "line")} left out`);
  part("present").hidden = !tally.present;
  part("wrong-number").hidden = part("errors").hidden = !tally.wrong;
  fill("errors", tally.rejected.map(([line, error]) => row("li", [["strong", `Line ${line.toLocaleString("en")}`], ["span", error]])));
  fill("sample", tally.sample.map((cells) => row("tr", cells.map((cell) => ["td", cell]))));
  part("sample").hidden = !checked || !tally.sample.length;
  part("ready").hidden = !checked;
  part("done").hidden = checked;
  button("load").hidden = !tally.inserted;
  say("load", `Load ${number(tally.inserted, "record")}`);
  panel.querySelector("[data-slot=found]").focus();
}

function row(name, cells) {
  const made = document.createElement(name);
  for (const [cell, words] of cells) {
    const inner = document.createElement(cell);
    inner.textContent = words;
    made.append(inner, " ");
  }
  return made;
}

const fill = (name, rows) => panel.querySelector(`[data-slot="${name}"]`).replaceChildren(...rows);

function show(name) {
  for (const each of ["choose", "working", "found", "problem"]) part(each).hidden = each !== name;
}

async function begin(step) {
  const tally = { inserted: 0, present: 0, wrong: 0, rejected: [], sample: [] };
  bar.value = 0;
  for (const name of ["lines", "speed", "left"]) say(name, "");
  run = { step, tally, stopped: false, ...(await headOf(isSheet())) };
  await go();
}

function choose(chosen) {
  file = chosen;
  part("chosen").hidden = !file;
  if (file) begin("check");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (field.files.length) choose(field.files[0]);
  else field.focus();
});
field.addEventListener("change", () => choose(field.files[0] ?? null));
button("stop").addEventListener("click", () => { run.stopped = true; });
button("retry").addEventListener("click", () => {
  run.stopped = false;
  go();
});
button("load").addEventListener("click", () => begin("load"));
for (const again of panel.querySelectorAll("[data-do=again]")) {
  again.addEventListener("click", () => {
    field.value = "";
    phase("choose");
    show("choose");
    field.focus();
  });
}
addEventListener("beforeunload", (event) => {
  if (!part("working").hidden && run.step === "load") event.preventDefault();
});

for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => event.preventDefault()); // a file dropped beside the zone must not replace the page
}
const zone = form.querySelector(".dropzone");
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  zone.addEventListener(name, () => zone.classList.toggle("is-over", over));
}
zone.addEventListener("drop", ({ dataTransfer }) => {
  if (dataTransfer.files.length) choose(dataTransfer.files[0]);
});
