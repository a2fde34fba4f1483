"""What names, addresses and file names the portal accepts."""

import pytest

from portal.domain import rules
from portal.errors import Invalid


@pytest.mark.parametrize("name", ["a", "é", "🌾", "模型", "-", "x" * 255, "a b", "<b>"])
def test_names(name: str) -> None:
    assert rules.name(f"  {name} ", "name") == name


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 256, "a\nb", "a\x00", "a\x7f", "\u202ea", "a\u2066b", "\u200b", "\u3164", "\u2800", "\ud800"],
)
def test_no_names(name: str) -> None:
    with pytest.raises(Invalid) as error:
        rules.name(name, "name")
    assert error.value.fields[0][0] == "name"


def test_names_are_compared_folded_and_normal() -> None:
    assert rules.key(" STRASSE ") == rules.key("straße")
    assert rules.key("e\u0301") == rules.key("É")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("model.bin", "model.bin"),
        ("../../etc/cron.d/x", "x"),
        ("..\\..\\x", "x"),
        ("C:\\models\\x.bin", "x.bin"),
        ("x:stream", "x_stream"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("a\r\nb", "ab"),
        ("a\x00b", "ab"),
        ("\u202egpj.exe", "gpj.exe"),
        ("...", "file"),
        ("   ", "file"),
        ("", "file"),
        (None, "file"),
        (".hidden", "hidden"),
        ('q"uo?te*', "q_uo_te_"),
    ],
)
def test_file_names_are_names_on_every_system(sent: str | None, kept: str) -> None:
    assert rules.file_name(sent) == kept


@pytest.mark.parametrize("sent", ["x" * 300 + ".safetensors", "模" * 300 + ".bin", "🌾" * 100])
def test_long_file_names_keep_their_extension(sent: str) -> None:
    kept = rules.file_name(sent)
    assert len(kept.encode()) <= 240
    assert kept.rpartition(".")[2] == sent.rpartition(".")[2] or "." not in sent
