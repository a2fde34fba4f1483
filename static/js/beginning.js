// Making an upload and cancelling it, again where that may help; an earlier try may have made it already.
import { wanted } from "./choosing.js";
import { panel } from "./page.js";
import { unfinished } from "./unfinished.js";

const { uploads, word } = panel.dataset;
const TRIES = 5;

/** The id of a new upload; or of the one an earlier try began, when its answer was lost (browsers repeat a lost POST). */
export async function begin(calls) {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await calls.begin(wanted())).upload_id;
    } catch (failure) {
      const found = [0, 409].includes(failure.status) && (await begunBefore(failure.said.upload_id).catch(() => null));
      if (found) return found;
      if (!failure.passing || attempt === TRIES) throw failure;
      await pause(failure, attempt);
    }
  }
}

async function begunBefore(known) {
  const about = wanted();
  const same = (row) => row.kind === word && row.fileName === about.file_name && Number(row.size) === about.size
    && (row.uploadId === known || row.entryId === about[`${word}_id`] || row.name === about[`${word}_name`]);
  return (await unfinished()).find(same)?.uploadId;
}

/** Ends an upload; again where that may help: it must not wait on because the portal was busy for a moment. */
export async function abort(calls) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await calls.abort();
    } catch (failure) {
      if (failure.status === 410) return null; // an earlier try whose answer was lost
      if (!failure.passing || attempt === TRIES) throw failure;
      await pause(failure, attempt);
    }
  }
}

const pause = ({ retryAfter }, attempt) => new Promise((resolve) => setTimeout(resolve, Math.max(retryAfter, 500 * attempt)));

/** What the portal says of single fields, as [field, message, way out]. */
export function complaints({ errors, said }) {
  const field = (name) => name.replace(`${word}_`, "").replace(/^id$/, "entry");
  return errors.map((each) => [field(each.field), each.message, wayOut(said)]);
}

/** Out of a taken name: to the upload that waits under it, or to a new version of what has it. */
function wayOut(said) {
  const entry = said[`${word}_id`];
  if (!entry) return null;
  if (said.upload_id) return { href: `${uploads}/${said.upload_id}`, words: "Go on with it" };
  const version = new URL(location.href);
  version.searchParams.set("entry", entry);
  return { href: version.href, words: "Add a version to it" };
}
