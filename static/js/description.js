// Swagger UI in the portal's colours; who is signed in here needs no token to try things out.
"use strict";

const place = document.getElementById("description");
const dark = matchMedia("(prefers-color-scheme: dark)");
const CREDENTIALS = ["Authorization", "X-API-TOKEN", "X-API-Key"];

function follow() {
  const theme = document.documentElement.dataset.bsTheme;
  document.documentElement.classList.toggle("dark-mode", theme ? theme === "dark" : dark.matches);
}

function withCsrf(request) {
  const method = request.method ?? "GET";
  if (method !== "GET" && !CREDENTIALS.some((name) => name in request.headers)) {
    request.headers["X-CSRFToken"] = csrfToken;
  }
  return request;
}

// What Swagger UI leaves undone for keyboards and screen readers.
function makeAccessible() {
  for (const field of place.querySelectorAll(":is(.opblock, .servers) :is(input, select, textarea):not([aria-label])")) {
    const name = field.closest("tr")?.querySelector(".parameter__name")?.firstChild.textContent;
    field.ariaLabel = name ?? (field.matches("textarea") ? "Request body" : "Media type");
  }
  for (const button of place.querySelectorAll(".close-modal:not([aria-label])")) {
    button.ariaLabel = "Close";
  }
  for (const button of place.querySelectorAll(".auth.authorize[aria-label]")) {
    button.removeAttribute("aria-label");  // it says something else than the button
  }
  for (const long of place.querySelectorAll("pre:not([tabindex])")) {
    long.tabIndex = 0;  // it scrolls
  }
}

follow();
dark.addEventListener("change", follow);
new MutationObserver(makeAccessible).observe(place, { childList: true, subtree: true });
SwaggerUIBundle({
  url: place.dataset.description,
  domNode: place,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  syntaxHighlight: false,
  validatorUrl: null,
  requestInterceptor: withCsrf,
});
