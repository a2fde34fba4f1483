"""What the list page's search finds."""

from tests import make
from tests.people import People


def found(people: People, query: str) -> str:
    return people.owner.client.get("/models", query_string={"q": query}).get_data(as_text=True)


def test_search_reads_names_and_descriptions_whatever_the_case(people: People) -> None:
    make.entry(people.owner, "Gerste ÄHRE", description="Counts ears.")
    make.entry(people.owner, "weizen", description="Zählt Ähren auf 100 % der Fläche_1.", type="Regression")
    for query, names in {
        "ähre": ("Gerste ÄHRE", "weizen"),
        "EARS": ("Gerste ÄHRE",),
        "100 %": ("weizen",),
        "fläche_1": ("weizen",),
        "fläche%1": (),
        "ears gerste": ("Gerste ÄHRE",),
        "regression  weizen zählt": ("weizen",),
        "gerste weizen": (),
    }.items():
        page = found(people, query)
        assert [name for name in ("Gerste ÄHRE", "weizen") if f">{name}</a>" in page] == list(names), query


def test_a_search_that_no_text_can_answer_is_no_fault(people: People) -> None:
    for query in ("\x00", "'", '"', "\\", "%", "_" * 5000, "😀"):
        answer = people.owner.client.get("/models", query_string={"q": query})
        assert answer.status_code in (200, 400), query
