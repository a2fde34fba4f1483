// While the page still loads, the form of the upload page waits for upload.js, which sends it so that it can go on later.
// A module script delays `load`; where it did not come after all, the form goes as it would without JavaScript.
"use strict";

{
  let waiting = null;

  const wait = (event) => {
    if (event.defaultPrevented || !event.target.matches("[data-part=choose]")) return; // upload.js was there before
    event.preventDefault();
    waiting = event.target;
    label("Loading the page…");
  };

  const label = (words) => {
    const place = waiting.querySelector("[data-slot=submit]");
    if (!place) return;
    place.dataset.words ??= place.textContent;
    place.textContent = words ?? place.dataset.words;
  };

  document.addEventListener("submit", wait);
  addEventListener("load", () => {
    document.removeEventListener("submit", wait);
    if (!waiting) return;
    label();
    waiting.requestSubmit();
  });
}
