"""Where `next` may lead: a path of this site, never off it."""

from urllib.parse import urlsplit


def safe_path(target: str | None) -> str:
    """`target` if it is a path of this site, else the start page. Browsers read a backslash as a slash."""
    if not target or len(target) > 2000 or not target.startswith("/") or "\\" in target:
        return "/"
    if any(ord(character) < 33 or ord(character) == 127 for character in target):
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc or target.startswith("//") else target
