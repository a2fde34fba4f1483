// Brings one file to one upload and repeats what fails until all bytes are there. It knows no page.
import { Failure } from "./calls.js";
import { base64, sha256 } from "./sha256.js";

const IN_FLIGHT = 3;
const LONGEST_WAIT = 60_000; // ms
const MISSES = 3; // chunks in a row that did not get to the storage
const MIB = 2 ** 20;

/** Small chunks lose little on a bad line; large files take larger ones, so that they stay a few thousand. */
export function chunkSize(size, most) {
  let chunk = 2 * MIB;
  while (chunk * 2048 < size) chunk *= 2;
  return Math.min(chunk, most);
}

/** One file on its way to one upload; good for one run(). */
export class Transfer {
  phase = "comparing"; // then sending, checking
  replaces = false; // whether chunks on the portal that are not this file's may be sent anew
  sha256 = null; // of the whole file, as soon as somebody knows it
  whole = null; // a promise of the same
  paused = false;
  trouble = null; // {sentence, until} while it waits to try again
  compared = 0;
  comparable = null; // bytes on the portal that are to be compared, as soon as it has said
  kept = 0; // bytes that the portal has acknowledged
  checked = 0;
  flying = new Map(); // chunk index → bytes of it that have left
  #ended = false;
  #direct = false; // whether chunks go straight to the portal's storage
  #missed = 0;
  #allowed = 1;
  #successes = 0;
  #waiting = [];
  #cut = new AbortController();
  #gates = new Set();
  #naps = new Set();

  /**
   * `file` is a File; or, when all its bytes are on the portal, {name, size} is enough.
   * `listen()` is called when phase, paused or trouble changed; the figures are there to be read at any time.
   */
  constructor(file, uploadId, calls, listen) {
    Object.assign(this, { file, uploadId, calls, listen });
  }

  get sent() {
    return [...this.flying.values()].reduce((sum, bytes) => sum + bytes, this.kept);
  }

  pause() {
    this.paused = true;
    this.trouble = null;
    this.#cut.abort();
    this.#cut = new AbortController();
    this.hurry();
    this.listen();
  }

  resume() {
    this.paused = false;
    release(this.#gates);
    this.listen();
  }

  /** Ends it here; what the portal has, it keeps. */
  stop() {
    this.#ended = true;
    this.#cut.abort();
    release(this.#gates);
    this.hurry();
  }

  /** Tries again at once. */
  hurry() {
    release(this.#naps);
  }

  /** The portal's answer to the commit. Rejects with a Failure that only a person can mend, or AbortError after stop(). */
  async run() {
    const hurry = () => this.hurry();
    addEventListener("online", hurry);
    try {
      for (let round = 0; round < 5; round++) {
        const status = await this.#patiently(() => this.calls.status(true));
        if (!["open", "checking", "done"].includes(status.status)) throw new Failure(410, `This upload is ${status.status}.`);
        if (status.status === "open" && this.file.slice) await this.#send(status, await this.#compare(status));
        const result = await this.#finish();
        if (result) return result;
      }
      throw new Failure(500, "The portal keeps asking for chunks that it has been sent.");
    } finally {
      removeEventListener("online", hurry);
      this.stop();
    }
  }

  // Only the same file may go on. Chunks on the portal that are not its own are sent anew where the declared sha256 shows
  // that it is the right file all the same, or where a person says so.
  async #compare({ size, chunk_size: chunk, sha256: declared, digests = {} }) {
    if (size == null || !chunk) throw new Failure("file", "Only the program that began this upload can go on with it.");
    if (this.file.size !== size) {
      throw new Failure("file", `This is a different file: it has ${this.file.size} bytes, the upload was begun with ${size}.`);
    }
    const missing = new Set(Array(Math.max(1, Math.ceil(size / chunk))).keys());
    const there = Object.keys(digests).map(Number);
    this.comparable = there.reduce((sum, index) => sum + this.#slice(index, chunk).size, 0);
    this.kept = this.compared = 0;
    this.#become("comparing");
    for (const index of there) {
      await this.#gate();
      const blob = this.#slice(index, chunk);
      if (base64(await this.#digest(blob)) === digests[index]) {
        missing.delete(index);
        this.kept += blob.size;
      }
      this.compared += blob.size;
    }
    const others = there.filter((index) => missing.has(index)).length;
    const whole = declared && (await this.whole);
    if (whole && whole !== declared) {
      const why = others ? "it is as large, but its bytes are not those on the portal" : "its sha256 is not the one that the upload was begun with";
      throw new Failure("file", `This is a different file: ${why}.`);
    }
    if (others && !whole && !this.replaces) {
      const which = `${others} of the ${there.length} ${there.length === 1 ? "chunk" : "chunks"} on the portal`;
      throw new Failure("differs", `${which} ${others === 1 ? "is" : "are"} not this file’s.`);
    }
    return [...missing];
  }

  async #send({ chunk_size: chunk, direct }, missing) {
    this.#become("sending");
    this.#direct = direct;
    this.#waiting = missing;
    const line = async (number) => {
      for (;;) {
        await this.#gate(number);
        if (!this.#waiting.length) return;
        await this.#chunk(this.#waiting.shift(), chunk);
        release(this.#gates);
      }
    };
    try {
      await Promise.all(Array.from({ length: IN_FLIGHT }, (_, number) => line(number)));
    } catch (failure) {
      this.stop(); // the other lines end with this one
      throw failure;
    }
  }

  async #chunk(index, chunk) {
    const blob = this.#slice(index, chunk);
    const moved = (bytes) => this.flying.set(index, Math.min(bytes, blob.size));
    let odd = 0;
    for (let attempt = 0; ; attempt++) {
      const digest = await this.#digest(blob);
      await this.#gate();
      try {
        moved(0);
        await this.#put(index, blob, digest, moved);
        break;
      } catch (failure) {
        this.flying.delete(index);
        if (failure.name === "AbortError") continue;
        if (failure.status === 409 && (await this.#isElsewhere())) {
          this.#waiting = [];
          return;
        }
        if (failure.passing) await this.#wait(failure, attempt);
        else if (![400, 401, 409, 422].includes(failure.status) || ++odd > 3) throw failure;
        else if (failure.status === 401) await this.renew();
        else await this.#nap(300 * odd);
      }
    }
    this.flying.delete(index);
    this.kept += blob.size;
    this.#calm();
    if (++this.#successes % 2 === 0) this.#allowed = Math.min(IN_FLIGHT, this.#allowed + 1);
  }

  // A storage that this browser cannot reach, or may not, looks like a line that is cut: the portal's own way is always open.
  async #put(index, blob, digest, moved) {
    const { signal } = this.#cut;
    if (this.#direct) {
      try {
        await this.calls.putDirect(index, blob, digest, moved, signal);
        this.#missed = 0;
        return;
      } catch (failure) {
        if (failure.name === "AbortError" || failure.status === 409) throw failure;
        this.#direct = ++this.#missed < MISSES;
        moved(0);
      }
    }
    await this.calls.put(index, blob, digest, moved, signal);
  }

  /** Whether the upload was finished from another place, a terminal for example. */
  async #isElsewhere() {
    const { status } = await this.calls.status().catch(() => ({ status: "open" }));
    return status !== "open";
  }

  async #finish() {
    this.#become("checking");
    this.checked = 0;
    const asking = setInterval(async () => {
      const status = await this.calls.status().catch(() => ({}));
      this.checked = Math.max(this.checked, status.bytes_checked ?? 0);
    }, 1000);
    try {
      for (;;) {
        const answer = await this.#patiently(() => this.calls.commit(this.sha256));
        if (answer.status !== "checking") return answer;
        this.checked = Math.max(this.checked, answer.bytes_checked);
        await this.#nap(answer.retryAfter || 1000);
      }
    } catch (failure) {
      if (failure.status === 400 && this.file.slice) return null; // a chunk is missing after all
      throw failure;
    } finally {
      clearInterval(asking);
    }
  }

  async #patiently(action) {
    for (let attempt = 0; ; attempt++) {
      await this.#gate();
      try {
        const answer = await action();
        this.#calm();
        return answer;
      } catch (failure) {
        if (failure.passing) await this.#wait(failure, attempt);
        else if (failure.status === 401 && attempt < 3) await this.renew();
        else throw failure;
      }
    }
  }

  /** A fresh token, however long it takes; rejects with 401 when the person is logged out. */
  async renew() {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.calls.renew(this.uploadId);
      } catch (failure) {
        if (!failure.passing) throw failure;
        await this.#wait(failure, attempt);
      }
    }
  }

  // After a failure chunks go one by one, so that on a bad line at least one arrives; successes widen it again.
  async #wait(failure, attempt) {
    this.#allowed = 1;
    const backOff = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
    const wait = Math.max(backOff, failure.retryAfter);
    if (attempt) {
      this.trouble = { sentence: failure.message, until: Date.now() + wait };
      this.listen();
    }
    await this.#nap(wait);
    await this.#gate();
  }

  #calm() {
    if (this.trouble) {
      this.trouble = null;
      this.listen();
    }
  }

  #become(phase) {
    this.phase = phase;
    this.listen();
  }

  #slice(index, chunk) {
    return this.file.slice(index * chunk, Math.min((index + 1) * chunk, this.file.size));
  }

  async #digest(blob) {
    try {
      return await sha256(blob);
    } catch {
      throw new Failure("file", "The file cannot be read any more. Was it changed, moved or deleted?");
    }
  }

  async #gate(number = 0) {
    while (!this.#ended && (this.paused || (number >= this.#allowed && this.#waiting.length))) {
      await new Promise((resolve) => this.#gates.add(resolve));
    }
    if (this.#ended) throw new DOMException("stopped", "AbortError");
  }

  #nap(ms) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(clock);
        this.#naps.delete(wake);
        resolve();
      };
      const clock = setTimeout(wake, ms);
      this.#naps.add(wake);
    });
  }
}

function release(waiting) {
  const woken = [...waiting];
  waiting.clear();
  for (const wake of woken) wake();
}
