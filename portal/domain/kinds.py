"""The two kinds of entry. What differs between models and scripts is listed here and nowhere else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`slug` stands in URLs, `word` in JSON field names, the labels in sentences, `icon` names the sprite's symbol."""

    slug: str
    word: str
    label: str
    plural_label: str
    icon: str
    extra_fields: tuple[str, ...] = ()
    lists_experiment_names: bool = False


MODEL = Kind("models", "model", "Model", "Models", "box-seam", lists_experiment_names=True)
SCRIPT = Kind("scripts", "script", "Script", "Scripts", "file-earmark-code", extra_fields=("extension",))

KINDS = (MODEL, SCRIPT)
BY_SLUG = {kind.slug: kind for kind in KINDS}
BY_WORD = {kind.word: kind for kind in KINDS}
