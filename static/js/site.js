// What every page may have on top of plain HTML: nothing here is needed for a page to work.
"use strict";

const csrfToken = document.querySelector("meta[name=csrf-token]")?.content;
const live = document.getElementById("live");
const notice = document.getElementById("notice");

function announce(words) {
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = words; });
}

function warn(words) {
  notice.textContent = words;
  notice.hidden = false;
  announce(words);
}

// `/` goes to the search field, as long as nobody is typing.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const fields = [...document.querySelectorAll("[data-search]")];
    const field = fields.find((one) => one.checkVisibility?.() ?? true);
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  }
  if (event.key === "Escape") {
    const menu = event.target.closest(".menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

// Menus close when one looks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// Copy buttons. The clipboard interface is missing on plain http, so the old command stands in.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await copy(button.dataset.copy);
  } catch {
    warn("The browser did not allow copying. Select the text and copy it by hand.");
    return;
  }
  button.focus();
  const words = button.querySelector("[data-copy-words]");
  button.classList.add("copied");
  if (words) words.textContent = "Copied";
  announce("Copied");
  setTimeout(() => {
    button.classList.remove("copied");
    if (words) words.textContent = "Copy";
  }, 2000);
});

// The light switch acts at once; the cookie still comes from the server.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-theme-switch]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (!answer || (answer.type !== "opaqueredirect" && !answer.ok)) {
    warn("The portal cannot be reached; the colours stay as they are.");
    return;
  }
  const choice = event.submitter.value;
  const root = document.documentElement;
  if (choice === "system") root.removeAttribute("data-bs-theme");
  else root.setAttribute("data-bs-theme", choice);
  document.querySelector("meta[name=color-scheme]").content = choice === "system" ? "light dark" : choice;
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  }
});

// A form that came back with errors starts at the list of them.
document.querySelector("[data-focus]")?.focus();

// htmx: the token goes along, empty fields stay at home, what was dimmed says so.
document.addEventListener("htmx:configRequest", (event) => {
  const { headers, formData, verb } = event.detail;
  if (csrfToken) headers["X-CSRFToken"] = csrfToken;
  if (verb !== "get") return;
  for (const name of new Set(formData.keys())) {
    const values = formData.getAll(name).filter((value) => value !== "");
    formData.delete(name);
    values.forEach((value) => formData.append(name, value));
  }
});

document.addEventListener("htmx:beforeRequest", (event) => {
  notice.hidden = true;
  event.detail.target?.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:afterRequest", (event) => event.detail.target?.removeAttribute("aria-busy"));

// What was unfolded stays unfolded after a swap.
let unfolded = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  unfolded = [...event.detail.target.querySelectorAll("details[open][id]")].map((one) => one.id);
});

document.addEventListener("htmx:afterSettle", (event) => {
  const target = document.getElementById(event.detail.target.id) ?? event.detail.elt;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  const words = target.querySelector("[data-announce]")?.textContent.trim();
  if (words) announce(words);
  // htmx finds the focused element again by its id; if it is gone, the new content takes its place.
  if (document.activeElement === document.body) {
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  }
});

document.addEventListener("htmx:sendError", () => warn("The portal cannot be reached. What you see is the last answer."));
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401) warn("You are no longer logged in. Log in again in another tab, then repeat this.");
  else if (status === 400) warn("This page is out of date. Load it again; what you see was not changed.");
  else if (status === 429 || status === 503) warn("The portal is busy. Try again in a moment.");
  else warn(`That did not work (error ${status}). What you see is the last answer.`);
});

// What scrolls sideways inside a description can be reached by keyboard.
for (const part of document.querySelectorAll(".markdown :is(pre, table)")) {
  if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
}
