"""Reads a page as a browser would, far enough to say what is wrong with it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LABELLED = {"input", "select", "textarea", "progress"}
UNSEEN_INPUTS = {"hidden", "submit", "button", "reset", "image"}
REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "form", "list")


@dataclass(eq=False)
class Element:
    tag: str
    attributes: dict[str, str]
    ancestors: list["Element"]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    @property
    def name(self) -> str:
        """What a screen reader says, without what ids refer to."""
        inner = self.text + "".join(child.name for child in self.children)
        return self["aria-label"] or inner.strip() or self["title"]


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.problems: list[str] = []
        self.feed(html)
        self.close()
        self.problems += [f"<{element.tag}> is not closed" for element in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, {name: value or "" for name, value in attrs}, list(self.open))
        if self.open:
            self.open[-1].children.append(element)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1].tag == tag:
            self.open.pop()
        else:
            self.problems.append(f"</{tag}> closes <{self.open[-1].tag if self.open else 'nothing'}>")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]


def faults(html: str) -> list[str]:
    """Sentences about what is wrong with a whole page; none where all is well."""
    page = Page(html)
    return [*page.problems, *_skeleton(page), *_ids(page), *_names(page), *_inline(page), *_nesting(page)]


def _skeleton(page: Page) -> list[str]:
    found = []
    headings = page.all("h1")
    if [heading.name != "" for heading in headings] != [True]:
        found.append(f"{len(headings)} h1, or an empty one")
    titles = [title for title in page.all("title") if not any(up.tag == "svg" for up in title.ancestors)]
    if len(titles) != 1 or titles[0].name in ("", "· Model Portal"):
        found.append("no title, or several")
    if [each["lang"] for each in page.all("html")] != ["en"]:
        found.append("no language")
    if len(page.all("main")) != 1:
        found.append("not one main")
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    found += [f"h{after} follows h{before}" for before, after in pairwise(levels) if after > before + 1]
    return found


def _ids(page: Page) -> list[str]:
    ids = [element["id"] for element in page.elements if "id" in element.attributes]
    found = [f"the id {each!r} twice, or not one" for each in ids if ids.count(each) > 1 or not each or " " in each]
    for element in page.elements:
        for attribute in REFERRING:
            found += [
                f"{attribute}={target!r} leads nowhere" for target in element[attribute].split() if target not in ids
            ]
        if element.tag == "a" and element["href"].startswith("#") and element["href"][1:] not in ids:
            found.append(f"the link {element['href']!r} leads nowhere")
    return found


def _names(page: Page) -> list[str]:
    labels = {label["for"] for label in page.all("label") if label.name}
    found = []
    for element in page.elements:
        named = bool(element["aria-label"] or element["aria-labelledby"] or element["title"])
        unseen = "hidden" in element.attributes or element["type"] in UNSEEN_INPUTS
        if element.tag in LABELLED and not unseen:
            inside = any(up.tag == "label" for up in element.ancestors)
            if not (named or inside or element["id"] in labels):
                found.append(f"<{element.tag} name={element['name']!r}> has no label")
        if element.tag in ("a", "button", "summary") and not (named or unseen or element.name):
            found.append(f"<{element.tag} {element.attributes}> has no words")
        if element.tag == "img" and "alt" not in element.attributes:
            found.append("a picture without alt")
        if element.tag == "nav" and not named:
            found.append("a nav without a name")
    return found


def _inline(page: Page) -> list[str]:
    found = []
    for element in page.elements:
        bad = [name for name in element.attributes if name == "style" or name.startswith(("on", "hx-on"))]
        found += [f"<{element.tag} {name}=…> is inline code" for name in bad]
        if element.tag == "style" or (element.tag == "script" and not element["src"]):
            found.append(f"<{element.tag}> is inline code")
        for name in ("src", "href", "action", "formaction"):
            target = element[name].strip().lower()
            if target.startswith(("javascript:", "data:", "//")) or (name != "href" and "://" in target):
                found.append(f"{name}={target!r} leads off the site or runs code")
    return found


def _nesting(page: Page) -> list[str]:
    found = []
    for element in page.elements:
        above = [up.tag for up in element.ancestors]
        if element.tag in ("a", "button") and {"a", "button"} & set(above):
            found.append(f"<{element.tag}> inside a link or button")
        if element.tag == "form" and "form" in above:
            found.append("a form inside a form")
        if element.tag == "li" and above[-1] not in ("ul", "ol", "menu"):
            found.append("<li> outside a list")
        if element.tag in ("ul", "ol") and not {child.tag for child in element.children} <= {
            "li",
            "template",
            "script",
        }:
            found.append(f"<{element.tag}> holds something that is no <li>")
    return found
