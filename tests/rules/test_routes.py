"""Addresses: kebab-case, nouns of one vocabulary, and one door to each kind."""

import re

import pytest
from flask import Flask

WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?")
PARAMETER = re.compile(r"<([a-z]+:)?[a-z]+(_[a-z]+)*>")


SEEDS_OWN = re.compile(r"/api/v2/(download/)?organizations/.*/(models|model_versions|environment_groups)")
"""Addresses that the organizations dialect has from its first clients, for models alone."""


def is_tidy(rule: str) -> bool:
    parts = [part.removesuffix(".<extension>") for part in rule.strip("/").split("/")]
    return all(WORD.fullmatch(part) or PARAMETER.fullmatch(part) for part in parts if part)


@pytest.mark.parametrize("rule", ["/Models", "/new_model", "/models/<entryId>", "/models//-x", "/a/<id:x>y"])
def test_the_rule_knows_an_untidy_address(rule: str) -> None:
    assert not is_tidy(rule)


def test_every_address_is_tidy(bare_app: Flask) -> None:
    assert [rule for rule in ours(bare_app) if not is_tidy(rule)] == []


def test_nothing_is_written_twice_for_the_two_kinds(bare_app: Flask) -> None:
    twins = r"/(models|scripts|model|script)(/|$)"

    assert [rule for rule in ours(bare_app) if re.search(twins, rule)] == []


def ours(app: Flask) -> list[str]:
    return [rule.rule for rule in app.url_map.iter_rules() if not SEEDS_OWN.match(rule.rule)]


def test_no_two_views_answer_one_method_of_one_address(bare_app: Flask) -> None:
    seen: dict[tuple[str, str], str] = {}
    for rule in bare_app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert seen.setdefault((rule.rule, method), rule.endpoint) == rule.endpoint
