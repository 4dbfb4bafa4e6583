"""Languages, and the catalogues of translations that are read when first needed.

The catalogues are `.po` files, the form translators edit; none is compiled into the repository. Source strings are
found by the names of the three functions below, `marked`, `told` and `counted`, so they must be written out there.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Language = Literal["en", "es", "pt"]

LANGUAGES: tuple[Language, ...] = ("en", "es", "pt")
# Spanish as Chile's offices write it, Portuguese as Brazil's do.
LOCALES: dict[Language, str] = {"en": "en", "es": "es_CL", "pt": "pt_BR"}


@cache
def translations(language: Language) -> NullTranslations:
    """Open a language's catalogue; English is its own.

    Parameters
    ----------
    language : str

    Returns
    -------
    gettext.NullTranslations
        Kept for the life of the process: a catalogue is part of a release.
    """
    if language == "en":
        return NullTranslations()
    with (files("app") / "locale" / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, locale=LOCALES[language])
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def marked(source: str) -> str:
    """Mark a string for translation where it is declared, not yet said."""
    return source


def told(source: str, language: Language, /, **values: str) -> str:
    """Say a source string in a language.

    Parameters
    ----------
    source : str
        English, with placeholders by name.
    language : str
    **values : str
        What stands in the placeholders, already written for the language.
    """
    return translations(language).gettext(source).format(**values)


def counted(one: str, many: str, number: int, language: Language, /, **values: str) -> str:
    """Say a source string in the grammatical number that a language wants.

    Parameters
    ----------
    one, many : str
        English, both with the same placeholders.
    number : int
        What is counted.
    language : str
    **values : str
        What stands in the placeholders.
    """
    return translations(language).ngettext(one, many, number).format(**values)
