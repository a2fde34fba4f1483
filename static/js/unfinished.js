// The person's unfinished uploads, as the page that lists them knows them.
import { panel } from "./page.js";

const { uploads } = panel.dataset;

/** What each row of the list says of its upload. Rejects where the list cannot be had. */
export async function unfinished() {
  const answer = await fetch(uploads);
  if (!answer.ok || answer.redirected) throw new Error("There is no list for who is not logged in.");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("[data-upload-id]")].map((row) => row.dataset);
}

/** Brings the number in the top bar down to what is left. */
export async function recount() {
  const rows = await unfinished().catch(() => null);
  for (const tally of rows ? document.querySelectorAll(".tally") : []) {
    if (rows.length) tally.firstChild.data = rows.length;
    else tally.remove();
  }
}
