"""The two kinds of entry. What differs between models and scripts is listed here and nowhere else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`slug` stands in URLs, `word` in JSON field names, the labels in sentences, `icon` names the sprite's symbol.

    `type_help` says under a form's field what the type of an entry is.
    """

    slug: str
    word: str
    label: str
    plural_label: str
    icon: str
    type_help: str
    extra_fields: tuple[str, ...] = ()
    lists_experiment_names: bool = False


_MODEL_TYPE = "What kind of model it is, in a word: bert, xgboost, ndb …"
_SCRIPT_TYPE = "What it is for, in a word: training, cleaning, plotting …"

MODEL = Kind("models", "model", "Model", "Models", "box-seam", _MODEL_TYPE, lists_experiment_names=True)
SCRIPT = Kind("scripts", "script", "Script", "Scripts", "file-earmark-code", _SCRIPT_TYPE, extra_fields=("extension",))

KINDS = (MODEL, SCRIPT)
BY_SLUG = {kind.slug: kind for kind in KINDS}
BY_WORD = {kind.word: kind for kind in KINDS}
