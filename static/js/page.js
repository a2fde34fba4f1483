// The panel of a page that goes on in steps, and the words and figures in it.

export const panel = document.querySelector("section.panel");
export const part = (name) => panel.querySelector(`[data-part="${name}"]`);
export const slot = (name) => panel.querySelector(`[data-slot="${name}"]`);
export const button = (name) => panel.querySelector(`[data-do="${name}"]`);

/** Writes where it changes something, so that a reader of the screen hears nothing twice. */
export function say(name, words) {
  if (slot(name).textContent !== words) slot(name).textContent = words;
}

export function announce(words) {
  document.getElementById("live").textContent = words;
}

export function phase(name) {
  let past = true;
  for (const step of panel.querySelectorAll("[data-phase]")) {
    const current = step.dataset.phase === name;
    if (current) past = false;
    step.classList.toggle("past", past || (current && name === "done"));
    if (current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

/** A snippet and its copy button. */
export function snippet(name, text) {
  say(name, text);
  slot(`${name}-copy`).dataset.copy = text;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  let power = 1;
  while (Math.round(bytes / 1000 ** power * 10) / 10 >= 1000) power++;
  return `${(bytes / 1000 ** power).toFixed(1)} ${["kB", "MB", "GB", "TB", "PB"][power - 1]}`;
}

export const exact = (bytes) => `${bytes.toLocaleString("en")} ${bytes === 1 ? "byte" : "bytes"}`;

export function span(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1440)} days`;
}

/** Bytes a second, smoothed over the last seconds; null until it means something. */
export class Pace {
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
