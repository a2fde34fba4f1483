// The calls of the chunked upload, each made once: who repeats them is transfer.js.
import { base64, hex } from "./sha256.js";

const STALL = 60_000; // ms without a byte moving before a chunk counts as lost
const ANSWER = 120_000; // ms the portal may take for an answer
const PASSING = [0, 408, 425, 429, 500, 502, 503, 504];

/**
 * What stands in the way. `status` is the portal's, 0 when there was no answer, "file" when the file itself is wrong,
 * "differs" when parts of it are not those on the portal; `said` is the portal's whole answer.
 */
export class Failure extends Error {
  constructor(status, sentence, said = {}) {
    super(sentence);
    const { errors = [], retryAfter = 0 } = said;
    Object.assign(this, { status, said, errors, retryAfter, passing: PASSING.includes(status) });
  }
}

const unreachable = () => new Failure(0, navigator.onLine ? "The portal cannot be reached." : "This computer is offline.");

function read(status, text, header) {
  let data = {};
  try {
    data = JSON.parse(text);
  } catch { /* a proxy's own error page */ }
  const retryAfter = 1000 * (Number(header("Retry-After")) || 0);
  if (status >= 200 && status < 300) return { ...data, retryAfter };
  const sentence = data.detail || data.title || `The portal answered with error ${status}.`;
  throw new Failure(status, sentence, { ...data, retryAfter });
}

/** The calls. `address` is …/api/v2/model/upload; `page` any page whose <meta name="csrf-token"> is this person's. */
export class Calls {
  constructor(address, page) {
    Object.assign(this, { address, page, token: null });
    this.csrf = document.querySelector("meta[name=csrf-token]").content;
  }

  /** Makes the upload; remembers its token. Answers with upload_id, chunk_size and the rest. */
  async begin(wanted) {
    return this.#remember(await this.#asPerson("", wanted));
  }

  /** A fresh token for an upload of the person who is logged in. */
  async renew(uploadId) {
    return this.#remember(await this.#asPerson("/token", { upload_id: uploadId }));
  }

  status(digests = false) {
    return this.#ask("GET", digests ? "?digests=true" : "");
  }

  /** With a sha256 the portal publishes these bytes or none. */
  commit(sha256) {
    return this.#ask("POST", "/commit", sha256 ? { sha256 } : undefined);
  }

  abort() {
    return this.#ask("DELETE", "");
  }

  /** Sends one chunk; `moved(bytes)` hears how many have left. Rejects with Failure, or AbortError by `signal`. */
  async put(index, blob, digest, moved, signal) {
    const headers = {
      Authorization: `Bearer ${this.token}`,
      "Content-Type": "application/octet-stream",
      "Content-Digest": `sha-256=:${base64(digest)}:`,
    };
    const answer = await this.#send("POST", `${this.address}/${index}`, headers, blob, moved, signal);
    return read(answer.status, answer.responseText, (name) => answer.getResponseHeader(name));
  }

  /** As `put`, straight to the portal's storage. */
  async putDirect(index, blob, digest, moved, signal) {
    const { url, headers } = await this.#ask("POST", `/${index}/url`, { sha256: hex(digest) });
    if (signal.aborted) throw new DOMException("stopped", "AbortError");
    const { status } = await this.#send("PUT", url, headers, blob, moved, signal);
    if (status !== 200) throw new Failure(status, "The portal’s storage does not take the chunk.");
  }

  #send(method, address, headers, blob, moved, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch says nothing about how far an upload is
      let clock;
      const within = (ms) => {
        clearTimeout(clock);
        clock = setTimeout(() => request.abort(), ms);
      };
      const stop = () => request.abort();
      request.open(method, address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        within(STALL);
        moved(event.loaded);
      };
      request.upload.onload = () => within(ANSWER);
      request.onloadend = () => {
        clearTimeout(clock);
        signal.removeEventListener("abort", stop);
        if (signal.aborted) return reject(new DOMException("stopped", "AbortError"));
        if (!request.status) return reject(unreachable());
        resolve(request);
      };
      signal.addEventListener("abort", stop);
      within(STALL);
      request.send(blob);
    });
  }

  #remember(answer) {
    this.token = answer.token;
    return answer;
  }

  async #ask(method, path, body, headers = { Authorization: `Bearer ${this.token}` }) {
    if (body) headers = { ...headers, "Content-Type": "application/json" };
    let answer, text;
    try {
      const signal = AbortSignal.timeout(ANSWER);
      answer = await fetch(this.address + path, { method, headers, body: body && JSON.stringify(body), signal });
      text = await answer.text();
    } catch {
      throw unreachable();
    }
    return read(answer.status, text, (name) => answer.headers.get(name));
  }

  // Rides on the session. After a new log-in in another tab this page's CSRF token is stale: fetch a fresh one, once.
  async #asPerson(path, body) {
    const ask = () => this.#ask("POST", path, body, { "X-CSRFToken": this.csrf });
    try {
      return await ask();
    } catch (failure) {
      if (![400, 401, 403].includes(failure.status)) throw failure;
      if (await this.#freshCsrf()) return ask();
      throw failure.status === 401 ? new Failure(401, "You are no longer logged in.") : failure;
    }
  }

  async #freshCsrf() {
    const page = await fetch(this.page).catch(() => { throw unreachable(); });
    const found = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("meta[name=csrf-token]");
    const loggedIn = page.ok && !page.redirected;
    if (!loggedIn) throw new Failure(401, "You are no longer logged in.");
    const fresh = found && found.content !== this.csrf;
    if (fresh) this.csrf = found.content;
    return fresh;
  }
}
