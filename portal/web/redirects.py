"""Where `next` may lead: a path of this site, never off it."""


def safe_path(target: str | None) -> str:
    """`target` if it is a path of this site, else the start page."""
    if not target or len(target) > 2000 or not target.startswith("/") or target.startswith("//"):
        return "/"
    # Browsers read a backslash as a slash, and leave out control characters.
    if "\\" in target or any(ord(character) < 33 or ord(character) == 127 for character in target):
        return "/"
    return target
