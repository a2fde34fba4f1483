// The records page on top of plain HTML: nothing here is needed for it to work.
"use strict";

// An empty value of a filter means records without one; other empty fields stay at home (site.js).
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "record-filter") return;
  for (const box of event.target.elements) {
    if (box.type === "checkbox" && box.checked && box.value === "") event.detail.formData.append(box.name, "");
  }
});

// The histogram is one stop of the Tab key; arrows go from bar to bar.
function bars() {
  return [...document.querySelectorAll("[data-bars] a")];
}

function stopAt(bar) {
  for (const each of bars()) each.setAttribute("tabindex", each === bar ? "0" : "-1");
}

document.addEventListener("keydown", (event) => {
  const bar = event.target.closest("[data-bars] a");
  if (!bar || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = bars();
  const place = all.indexOf(bar);
  const there = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }[event.key];
  if (there === undefined) return;
  event.preventDefault();
  all[Math.max(0, Math.min(there, all.length - 1))].focus();
});

document.addEventListener("focusin", (event) => {
  const bar = event.target.closest("[data-bars] a");
  if (bar) stopAt(bar);
});

document.addEventListener("htmx:afterSettle", () => stopAt(bars()[0]));
stopAt(bars()[0]);
