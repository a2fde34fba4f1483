"""Uploads one file to a Model Portal and survives what happens on the way.

Standard library only, Python 3.8 or newer, and one file: the portal also serves it, so that an upload begun in a
browser can go on from any machine.
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 given up for now (run it again to go on), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import http.client
import json
import os
import queue
import random
import shlex
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit
from urllib.request import getproxies, proxy_bypass

CHUNK_SIZE = 8 << 20
PIECE = 256 << 10
IN_FLIGHT = 2
MISSES = 3
"""Chunks in a row that did not get to the portal's storage, after which all go through the portal."""
PATIENCE, FIRST_PATIENCE = 600.0, 30.0
"""Seconds without any progress before the client gives up; the second as long as the portal has never answered."""
CONNECTING, SILENT = 10.0, 60.0
"""Seconds that the network may take to connect, and between two signs of life."""
WORTH_TRYING_AGAIN = {408, 425, 429, 500, 502, 503, 504}
REFUSED, USAGE, GIVEN_UP, STOPPED = 1, 2, 3, 130


class Failure(Exception):
    """The upload cannot go on; the text is one sentence for a person, `code` the exit code."""

    def __init__(self, sentence: str, code: int = REFUSED) -> None:
        super().__init__(sentence)
        self.code = code


class Answer(NamedTuple):
    status: int
    data: dict[str, Any]
    retry_after: float
    location: str = ""

    @property
    def sentence(self) -> str:
        """What the portal said, field errors included."""
        said = self.data.get("detail") or self.data.get("title") or http.client.responses.get(self.status, "no reason")
        fields = [e for e in self.data.get("errors") or [] if str(e.get("message")) not in said]
        return " ".join([said, *(f"{e.get('field')}: {e.get('message')}" for e in fields)])


class Part(NamedTuple):
    """A piece of the open file, sent as a request's body."""

    file: BinaryIO
    start: int
    length: int
    sent: Callable[[int], None]


class Connection:
    """A kept-alive connection, for one thread; opened on first use and again after every failure."""

    def __init__(self, base: SplitResult) -> None:
        self.base = base
        self.http: http.client.HTTPConnection | None = None
        self.absolute = ""
        self.away: Connection | None = None
        """The same to the portal's storage."""

    def ask(self, method: str, path: str, token: str, body: Any = None, digest: bytes = b"") -> Answer:
        """One request to the portal. Raises OSError or HTTPException when the network does."""
        headers = {"Authorization": "Bearer " + token}
        if method == "POST":
            headers["Content-Type"] = "application/octet-stream" if isinstance(body, Part) else "application/json"
        if digest:
            headers["Content-Digest"] = "sha-256=:" + base64.b64encode(digest).decode() + ":"
        answer = self.request(method, path, headers, body)
        if answer.status in (301, 302, 307, 308):
            raise Failure(f"{self.base.netloc} sends us on to {answer.location}: use that address.")
        return answer

    def request(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Answer:
        try:
            return self._request(method, path, headers, body)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        if self.http:
            self.http.close()
        self.http = None
        if self.away:
            self.away.close()

    def _request(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        link = self.http or self._open()
        self.http = link
        if not link.sock:
            _connect(link)
        payload = b"" if body is None or isinstance(body, Part) else json.dumps(body).encode()
        length = body.length if isinstance(body, Part) else len(payload)
        link.putrequest(method, self.absolute + self.base.path + path, skip_accept_encoding=True)
        for name, value in headers.items():
            link.putheader(name, value)
        if method in ("POST", "PUT"):
            link.putheader("Content-Length", str(length))
        link.endheaders()
        cut = False
        try:
            if isinstance(body, Part):
                _send(link, body)
            else:
                link.send(payload)
        except (BrokenPipeError, ConnectionResetError):
            cut = True  # a portal that refuses a body early has often said why before it hung up
        response = link.getresponse()
        text = response.read()
        if cut or response.will_close:
            self.close()
        return Answer(
            response.status,
            _object(text),
            _seconds(response.getheader("Retry-After")),
            response.getheader("Location", ""),
        )

    def _open(self) -> http.client.HTTPConnection:
        host, port, scheme = self.base.hostname or "", self.base.port, self.base.scheme
        proxy = None if proxy_bypass(host) else getproxies().get(scheme)
        there = urlsplit(proxy if "//" in proxy else "//" + proxy) if proxy else None
        first = (there.hostname or "", there.port) if there else (host, port)
        if scheme == "https":
            secure = http.client.HTTPSConnection(*first, timeout=CONNECTING, context=ssl.create_default_context())
            if there:
                secure.set_tunnel(host, port or 443)
            return secure
        self.absolute = f"http://{self.base.netloc}" if there else ""
        return http.client.HTTPConnection(*first, timeout=CONNECTING)


def _connect(link: http.client.HTTPConnection) -> None:
    link.connect()
    link.sock.settimeout(SILENT)


def _send(link: http.client.HTTPConnection, part: Part) -> None:
    sock = link.sock
    end = part.start + part.length
    piece = PIECE if isinstance(sock, ssl.SSLSocket) else 4 * PIECE
    for start in range(part.start, end, piece):
        length = min(piece, end - start)
        if isinstance(sock, ssl.SSLSocket):  # its own sendfile would go in pieces of 8 KiB
            part.file.seek(start)
            sock.sendall(part.file.read(length))
        else:
            sock.sendfile(part.file, start, length)
        part.sent(length)


def _object(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 0.0


class Progress:
    """One line on standard error: redrawn on a terminal, a plain line every ten seconds elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty()
        self.phase, self.total, self.kept = "", 0, 0
        self.drawn = 0.0
        self.line = ""
        self.marks: list[tuple[float, int]] = []

    def start(self, phase: str, total: int, kept: int = 0) -> None:
        self.end()
        self.phase, self.total, self.kept = phase, total, kept
        self.marks, self.drawn = [(time.monotonic(), kept)], 0.0

    def show(self, done: int) -> None:
        now = time.monotonic()
        if self.quiet or now - self.drawn < (0.1 if self.live else 10):
            return
        self.drawn = now
        self.marks = [*[m for m in self.marks if now - m[0] < 15][-150:], (now, done)]
        (since, before) = self.marks[0]
        speed = max(0.0, (done - before) / (now - since)) if now - since > 0.5 else 0.0
        percent = 100 * done // self.total if self.total else 100
        text = f"{self.phase} {size_words(done)} of {size_words(self.total)}, {percent} %"
        if speed:
            text += f", {size_words(int(speed))}/s, {time_words((self.total - done) / speed)} left"
        if self.live:
            bar = "#" * (percent // 5)
            text = f"[{bar:<20}] {text}"
        self._put(text)

    def say(self, sentence: str) -> None:
        """A sentence that stays on the screen."""
        if not self.quiet:
            self.end()
            sys.stderr.write(sentence + "\n")

    def end(self) -> None:
        if self.line and self.live:
            sys.stderr.write("\n")
        self.line = ""

    def _put(self, text: str) -> None:
        if self.live:
            sys.stderr.write("\r" + text.ljust(len(self.line)))
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()
        self.line = text


def size_words(size: int) -> str:
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1000, larger
    return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def time_words(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _about(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Upload:
    """One upload and the threads that send it.

    `token` is the upload's own; `owner`, where there is one, is a personal token that can fetch a fresh one.
    """

    def __init__(self, base: SplitResult, kind: str, token: str, patience: float, progress: Progress) -> None:
        self.base, self.kind, self.token = base, kind, token
        self.owner, self.upload_id = "", ""
        self.patience, self.progress = patience, progress
        self.api = f"/api/v2/{kind}"
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.link = Connection(base)
        self.reached = False
        self.moved = time.monotonic()
        self.trouble = self.told = ""
        self.kept = 0
        self.direct, self.missed = False, 0
        self.replaces = False
        """Whether chunks on the portal that are not this file's may be sent anew: it is known to be the right file."""
        self.whole: Whole | None = None
        self.flying: dict[int, int] = {}
        self.failure: Exception | None = None

    def ask(self, link: Connection, method: str, path: str, body: Any = None, digest: bytes = b"") -> Answer:
        """Asks until the answer is one that asking again would not change. Raises Failure when patience ends."""
        attempt, renewed = 0, False
        while True:
            token, wait = self.token, 0.0
            try:
                answer = link.ask(method, self.api + path, token, body, digest)
            except ssl.SSLCertVerificationError as error:
                raise Failure(f"{self.base.netloc} shows a bad certificate: {error.verify_message}.") from None
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                trouble = f"No connection to {self.base.netloc} ({reason})"
            else:
                self.reached = True
                if answer.status == 401 and self.owner and not renewed:
                    renewed = self._renew(link, token)
                    continue
                if answer.status not in WORTH_TRYING_AGAIN:
                    return answer
                trouble, wait = f"{self.base.netloc} answers {answer.status}: {answer.sentence}", answer.retry_after
            if isinstance(body, Part):
                self.flying[body.start] = 0
            self._wait(attempt, wait, trouble)
            attempt += 1

    def _renew(self, link: Connection, stale: str) -> bool:
        with self.lock:
            if self.token == stale:
                answer = link.ask("POST", self.api + "/upload/token", self.owner, {"upload_id": self.upload_id})
                if answer.status != 200:
                    raise Failure(f"The portal does not take this token: {answer.sentence}")
                self.token = answer.data["token"]
        return True

    def _wait(self, attempt: int, at_least: float, trouble: str) -> None:
        delay = max(at_least, min(30.0, 0.5 * 2 ** min(attempt, 6)) * random.uniform(0.5, 1))  # noqa: S311 - no secret
        patience = self.patience if self.reached else min(FIRST_PATIENCE, self.patience)
        left = patience - (time.monotonic() - self.moved)
        if delay > left:
            raise Failure(f"{trouble}. Given up for now.", GIVEN_UP)
        with self.lock:
            self.trouble = trouble
            # A line that is cut now and then is no news; one that has never been there is, at once.
            news = trouble != self.told and (attempt > 0 or not self.reached)
            self.told = trouble if news else self.told
        if news:
            self.progress.say(f"{trouble}. Trying again for {_about(left)}.")
        if self.stop.wait(delay):
            raise Failure("Stopped.", STOPPED)

    def status(self, digests: bool = False) -> dict[str, Any]:
        answer = self.ask(self.link, "GET", "/upload?digests=true" if digests else "/upload")
        if answer.status != 200:
            raise Failure(_gone(answer))
        return answer.data

    def run(self, path: Path) -> dict[str, Any]:
        """Compares, sends what is missing, finishes; returns the portal's answer and `local_sha256`."""
        before = path.stat()
        whole = self.whole = self.whole or Whole(path, self.stop)
        refused = False
        for _ in range(5):
            state = self.status(digests=True)
            if state["status"] == "open":
                self._check_shape(state, before.st_size, path)
                missing, others = self._compare(path, state)
                whole.start()
                self._require_same(path, state, others, whole)
                self._send(path, state, missing)
                after = path.stat()
                if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                    raise Failure(f"{path} changed while it was being sent. Nothing was published; run it again.")
            elif state["status"] not in ("checking", "done"):
                raise Failure(f"This upload is {state['status']}. Start it anew.")
            whole.start()
            here = whole.wait(self.progress, before.st_size)
            answer = self._finish(before.st_size, here)
            if answer.status == 200:
                return {**answer.data, "local_sha256": here}
            if answer.status == 422 and not refused:
                refused = self.replaces = True  # what differs was sent by somebody else
                self.progress.say(f"{answer.sentence} Comparing once more.")
            elif answer.status != 400:
                hint = f" To cancel it: {self.base.geturl()}/uploads" if answer.status == 422 else ""
                raise Failure(_gone(answer) + hint)
        raise Failure(f"The portal does not finish the upload: {answer.sentence}")

    def _check_shape(self, state: dict[str, Any], size: int, path: Path) -> None:
        if state.get("size") is None or not state.get("chunk_size"):
            raise Failure("This upload was begun without saying its size: only the program that began it can go on.")
        if state["size"] != size:
            raise Failure(f"A different file: {path} has {size:,} bytes, the upload was begun with {state['size']:,}.")

    def _compare(self, path: Path, state: dict[str, Any]) -> tuple[list[int], int]:
        """The indexes still to send, and how many of them the portal has with other bytes."""
        chunk, size = state["chunk_size"], state["size"]
        received = [i for first, last in state["received"] for i in range(first, last + 1)]
        digests = state.get("digests") or {}
        lengths = {i: min(chunk, size - i * chunk) for i in received if str(i) in digests}
        self.progress.start("comparing", sum(lengths.values()))
        self.kept = compared = others = 0
        same = set()
        with open(path, "rb") as source:
            for index, length in lengths.items():
                if base64.b64encode(_digest(source, index * chunk, length)).decode() == digests[str(index)]:
                    same.add(index)
                    self.kept += length
                else:
                    others += 1
                compared += length
                self.progress.show(compared)
        if same:
            self.progress.say(f"{size_words(self.kept)} of {size_words(size)} are on the portal already.")
        return [i for i in range(max(1, -(-size // chunk))) if i not in same], others

    def _require_same(self, path: Path, state: dict[str, Any], others: int, whole: Whole) -> None:
        """Raises Failure unless the file is the one that was begun: by its declared sha256, or by every chunk there."""
        declared = state.get("sha256")
        if declared and whole.wait(self.progress, state["size"]) != declared:
            raise Failure(f"A different file: the sha256 of {path} is not the one that the upload was begun with.")
        which = f"{others:,} of the chunks on the portal"
        if others and not (declared or self.replaces):
            raise Failure(
                f"A different file: {which} are not those of {path}. Nothing was sent. If it is the right one, "
                "--replace sends them anew."
            )
        if others:
            self.progress.say(f"{which} are not this file's and are sent anew.")

    def _send(self, path: Path, state: dict[str, Any], missing: list[int]) -> None:
        self.direct = bool(state.get("direct"))
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for index in missing:
            waiting.put(index)
        self.progress.start("sending", state["size"], self.kept)
        self.moved = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(path, state, waiting), daemon=True)
            for _ in range(min(IN_FLIGHT, len(missing)))
        ]
        for thread in threads:
            thread.start()
        try:
            while any(t.is_alive() for t in threads):
                self.progress.show(self.kept + sum(list(self.flying.values())))
                time.sleep(0.05)
        except KeyboardInterrupt:
            self.stop.set()
            raise
        if self.failure:
            raise self.failure

    def _work(self, path: Path, state: dict[str, Any], waiting: queue.SimpleQueue[int]) -> None:
        link = Connection(self.base)
        try:
            with open(path, "rb", buffering=0) as source:
                while not self.stop.is_set() and self._put(link, source, state, waiting.get_nowait()):
                    pass
        except queue.Empty:
            pass
        except Exception as error:
            self.failure = self.failure or error
            self.stop.set()
        finally:
            link.close()

    def _put(self, link: Connection, source: BinaryIO, state: dict[str, Any], index: int) -> bool:
        """Sends one chunk. False when the upload was finished from elsewhere in the meantime."""
        start = index * state["chunk_size"]
        length = min(state["chunk_size"], state["size"] - start)

        def sent(count: int) -> None:
            self.flying[start] += count
            if self.stop.is_set():
                raise Failure("Stopped.", STOPPED)

        part = Part(source, start, length, sent)
        for attempt in range(4):
            self.flying[start] = 0
            digest = _digest(source, start, length)
            if self.direct and self._put_away(link, index, part, digest):
                break
            self.flying[start] = 0
            answer = self.ask(link, "POST", f"/upload/{index}", part, digest)
            if answer.status == 200:
                break
            if answer.status == 409 and self._finished(link):
                return False
            if answer.status not in (400, 409, 422) or attempt == 3:
                raise Failure(_gone(answer), GIVEN_UP if answer.status == 507 else REFUSED)
            self.stop.wait(0.5 * (attempt + 1))
        with self.lock:
            del self.flying[start]
            self.kept += length
            self.moved, self.trouble, self.told = time.monotonic(), "", ""
        return True

    def _put_away(self, link: Connection, index: int, part: Part, digest: bytes) -> bool:
        """Sends one chunk straight to the portal's storage; False where that did not work."""
        answer = self.ask(link, "POST", f"/upload/{index}/url", {"sha256": digest.hex()})
        if answer.status != 200:
            return False
        url = urlsplit(answer.data["url"])
        if link.away is None or link.away.base.netloc != url.netloc:
            link.away = Connection(url._replace(path="", query=""))
        try:
            done = link.away.request("PUT", f"{url.path}?{url.query}", answer.data["headers"], part).status == 200
        except (OSError, http.client.HTTPException):
            done = False
        self.missed = 0 if done else self.missed + 1
        self.direct = self.missed < MISSES
        return done

    def _finished(self, link: Connection) -> bool:
        return self.ask(link, "GET", "/upload").data.get("status") in ("checking", "done")

    def _finish(self, size: int, sha256: str) -> Answer:
        """Commits what must have this sha256; shows how far the portal's check is while it lasts."""
        answers: list[Answer | Exception] = []

        def commit() -> None:
            link = Connection(self.base)
            try:
                answer = self.ask(link, "POST", "/upload/commit", {"sha256": sha256})
                while answer.status == 202 and not self.stop.wait(answer.retry_after or 1):
                    self.moved = time.monotonic()
                    answer = self.ask(link, "POST", "/upload/commit", {"sha256": sha256})
                answers.append(answer)
            except Exception as error:
                answers.append(error)
            finally:
                link.close()

        self.progress.start("checking", size)
        self.moved = time.monotonic()
        thread = threading.Thread(target=commit, daemon=True)
        thread.start()
        thread.join(0.5)
        while thread.is_alive():
            self.progress.show(self.status().get("bytes_checked") or 0)
            thread.join(1)
        self.progress.end()
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]


class Whole:
    """The whole file's sha256, computed beside the sending."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        self.path, self.stop = path, stop
        self.done, self.hex = 0, ""
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        if not self.thread.ident:
            self.thread.start()

    def wait(self, progress: Progress, size: int) -> str:
        progress.start("hashing here", size)
        while self.thread.is_alive():
            progress.show(self.done)
            self.thread.join(0.2)
        progress.end()
        return self.hex

    def _run(self) -> None:
        total = hashlib.sha256()
        with open(self.path, "rb", buffering=0) as source:
            while not self.stop.is_set():
                piece = source.read(PIECE)
                if not piece:
                    self.hex = total.hexdigest()
                    return
                total.update(piece)
                self.done += len(piece)


def _digest(source: BinaryIO, start: int, length: int) -> bytes:
    total = hashlib.sha256()
    source.seek(start)
    while length:
        piece = source.read(min(PIECE, length))
        if not piece:
            raise Failure(f"{source.name} became shorter while it was being read.")
        total.update(piece)
        length -= len(piece)
    return total.digest()


def _gone(answer: Answer) -> str:
    what = {
        401: "The portal does not take this token",
        403: "The right to write there is gone",
        404: "The portal does not know this upload",
        410: "This upload has expired or was cancelled",
        413: "The file is larger than this portal takes",
        507: "The portal has no space left; what was sent is kept",
    }.get(answer.status, f"The portal refuses ({answer.status})")
    return f"{what}: {answer.sentence}"


class Ledger:
    """Which upload belongs to which file and target, so that the same command goes on where the last one stopped."""

    def __init__(self, *facts: Any) -> None:
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
        home = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".local" / "state"
        self.path = Path(home) / "model-portal" / "uploads" / f"{key}.json"

    def read(self) -> dict[str, Any]:
        try:
            return _object(self.path.read_bytes())
        except OSError:
            return {}

    def write(self, facts: dict[str, Any]) -> None:
        """Readable by this person alone: an upload's token is in it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(facts, out)
        fresh.replace(self.path)

    def forget(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def upload(
    file: str | os.PathLike[str],
    to: str | None,
    token: str,
    *,
    name: str | None = None,
    entry: str | None = None,
    resume: str | None = None,
    replace: bool = False,
    kind: str = "model",
    entry_type: str | None = None,
    description: str | None = None,
    chunk_size: int = CHUNK_SIZE,
    patience: float = PATIENCE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Uploads `file` as a new entry called `name`, or as a new version of the entry with the id `entry`.

    `to` is the portal's address, `token` a personal one with the right to write. With `resume` (the address
    `…/api/v2/model/upload`) it goes on with the upload whose own token is given; the file must be the same one, or,
    with `replace`, one that takes the place of what is there.
    Returns `url`, `model_id` or `script_id`, `version`, `size`, `sha256`, `local_sha256`, and `already_there`: nothing
    was sent because the newest version is this very file. Raises Failure.
    """
    path = Path(file).resolve()
    progress = progress or Progress(quiet=True)
    try:
        facts = path.stat()
        open(path, "rb").close()
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", USAGE) from None
    address, kind = _resumed(resume) if resume else ((to or "").rstrip("/"), kind)
    base = urlsplit(address)
    if base.scheme not in ("http", "https") or not base.hostname:
        raise Failure(f"{address or 'The address'} is not an address: it begins with https:// or http://.", USAGE)
    job = Upload(base, kind, token, patience, progress)
    job.replaces = replace
    wanted: dict[str, Any] = {"file_name": path.name, "size": facts.st_size, "chunk_size": chunk_size}
    if entry:
        wanted[f"{kind}_id"] = entry
    else:
        wanted.update({f"{kind}_name": name or path.stem, f"{kind}_type": entry_type or _type(path)})
    if description:
        wanted["description"] = description
    ledger = Ledger(address, kind, str(path), facts.st_mtime_ns, wanted)
    with contextlib.closing(job.link):
        result = job.run(path) if resume else _sent(job, path, wanted, ledger)
    return _checked(result, address, kind)


def _sent(job: Upload, path: Path, wanted: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Goes on where an earlier run of the same command stopped, or begins."""
    result = None if _goes_on(job, ledger) else _begin(job, path, wanted, ledger)
    if result is None:
        result = job.run(path)
        ledger.forget()
    return result


def _checked(result: dict[str, Any], address: str, kind: str) -> dict[str, Any]:
    if result["sha256"] != result["local_sha256"]:
        raise Failure(
            f"Version {result['version']} has sha256 {result['sha256']}, the file here {result['local_sha256']}."
        )
    return {"already_there": False, **result, "url": f"{address}/{kind}s/{quote(str(result[kind + '_id']))}"}


def _goes_on(job: Upload, ledger: Ledger) -> bool:
    """Whether an earlier run of the same command began an upload that is still to be continued."""
    known = ledger.read()
    if not known:
        return False
    owner, job.token = job.token, known["token"]
    job.owner, job.upload_id = owner, known["upload_id"]
    answer = job.ask(job.link, "GET", "/upload")
    if answer.status == 200 and answer.data["status"] in ("open", "checking", "done"):
        job.replaces = True  # the ledger knows the file by its path, size and time
        return True
    job.token, job.owner = owner, ""
    ledger.forget()
    return False


def _begin(job: Upload, path: Path, wanted: dict[str, Any], ledger: Ledger) -> dict[str, Any] | None:
    """Begins the upload or takes over the one that waits under the name; the result, if the file is there already."""
    entry = wanted.get(f"{job.kind}_id")
    found = _already_there(job, path, entry) if entry else None
    if found:
        return found
    answer = job.ask(job.link, "POST", "/upload", wanted)
    begun = answer.data if answer.status == 200 else None
    if answer.status == 409:
        entry = answer.data.get(f"{job.kind}_id", "")
        found = _already_there(job, path, entry)
        if found:
            return found
        begun = _waiting(job, answer.data.get("upload_id", ""), wanted)
    if begun is None:
        hint = f" For a new version: --{job.kind} {entry}" if answer.status == 409 and entry else ""
        raise Failure(f"The portal refuses: {answer.sentence}{hint}")
    job.owner, job.token, job.upload_id = job.token, begun["token"], begun["upload_id"]
    if answer.status == 409:
        return None  # begun elsewhere: the ledger vouches for the very file, and this one is yet to be compared
    try:
        ledger.write({"token": job.token, "upload_id": job.upload_id})
    except OSError as error:
        job.progress.say(f"Cannot remember this upload for later ({error}).")
    return None


def _waiting(job: Upload, upload_id: str, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """A token for one's own unfinished upload, if its file has this name and size; the bytes are compared later."""
    answer = job.ask(job.link, "GET", f"/upload?upload_id={quote(upload_id)}")
    if answer.status != 200 or any(answer.data.get(fact) != wanted[fact] for fact in ("file_name", "size")):
        return None
    answer = job.ask(job.link, "POST", "/upload/token", {"upload_id": upload_id})
    return answer.data if answer.status == 200 else None


def _already_there(job: Upload, path: Path, entry_id: str) -> dict[str, Any] | None:
    """The entry's newest version as a result, if it has the very bytes of the file."""
    answer = job.ask(job.link, "GET", f"/{quote(entry_id, safe='')}")
    newest, size = answer.data, path.stat().st_size
    if answer.status != 200 or newest.get("version") is None or newest["size"] != size:
        return None
    job.whole = Whole(path, job.stop)
    job.whole.start()
    here = job.whole.wait(job.progress, size)
    job.moved = time.monotonic()
    if here != newest["sha256"]:
        return None
    return {**newest, "local_sha256": newest["sha256"], "already_there": True}


def _resumed(address: str) -> tuple[str, str]:
    for kind in ("model", "script"):
        tail = f"/api/v2/{kind}/upload"
        if address.rstrip("/").endswith(tail):
            return address.rstrip("/")[: -len(tail)], kind
    raise Failure("--resume takes the address of an upload, which ends with /api/v2/model/upload.", USAGE)


def _type(path: Path) -> str:
    return path.suffix.lstrip(".").lower() or "file"


def main(arguments: list[str] | None = None, prog: str | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Upload a file to a Model Portal; run it again to go on.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--to", metavar="URL", help="the portal's address")
    parser.add_argument("--token", default=os.environ.get("PORTAL_TOKEN"), help="a personal token (or PORTAL_TOKEN)")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--name", help="make a new entry of this name (else the file's name)")
    target.add_argument("--model", metavar="ID", help="make a new version of this model")
    target.add_argument("--script", metavar="ID", help="make a new version of this script")
    target.add_argument("--resume", metavar="URL", help="go on with the upload whose own token is given")
    parser.add_argument("--replace", action="store_true", help="send anew what the portal has of another file")
    parser.add_argument("--kind", choices=("model", "script"), default="model", help="what a new entry is (model)")
    parser.add_argument("--type", metavar="TYPE", help="the new entry's type (else the file name's ending)")
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--quiet", action="store_true", help="no progress, only the result")
    given = parser.parse_args(arguments)
    if not given.token:
        parser.error("a token is needed: --token or PORTAL_TOKEN")
    if not given.to and not given.resume:
        parser.error("say where to: --to URL")
    progress = Progress(given.quiet)
    try:
        result = upload(
            given.file,
            given.to,
            given.token,
            name=given.name,
            entry=given.model or given.script,
            resume=given.resume,
            replace=given.replace,
            kind="script" if given.script else given.kind,
            entry_type=given.type,
            description=given.description,
            progress=progress,
        )
    except Failure as failure:
        progress.end()
        hint = f"\nTo go on: {_again(given.token)}" if failure.code == GIVEN_UP else ""
        sys.stderr.write(f"{failure}{hint}\n")
        return failure.code
    except KeyboardInterrupt:
        progress.end()
        sys.stderr.write(f"Stopped; what was sent is kept. To go on: {_again(given.token)}\n")
        return STOPPED
    already = "already there as " if result["already_there"] else ""
    sys.stdout.write(f"{result['url']}\n{already}version {result['version']}, {result['size']:,} bytes\n")
    sys.stdout.write(f"sha256 {result['sha256']} (the same as here)\n")
    return 0


def _again(token: str) -> str:
    """The same command; the token is not repeated on the screen."""
    words = ["TOKEN" if word == token else shlex.quote(word.replace(token, "TOKEN")) for word in sys.argv]
    return " ".join(["python3", *words] if words[0].endswith(".py") else words)


if __name__ == "__main__":
    sys.exit(main())
