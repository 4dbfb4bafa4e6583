"""Sizes, and what a package's first file may hold."""

from tests.house.sources import PACKAGES, assert_none, functions, sources, without_docstring

MODULE_LINES_MAX = 500
BODY_LINES_MAX = 70
_ALL = sources(*PACKAGES, "tests")


def test_modules_when_measured() -> None:
    lengths = [(source.path, len(source.text.splitlines())) for source in _ALL]
    assert_none(f"{path}: {lines} lines" for path, lines in lengths if lines > MODULE_LINES_MAX)


def test_function_bodies_when_measured() -> None:
    long: list[str] = []
    for source in _ALL:
        for function in functions(source.tree):
            body = without_docstring(function)
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > BODY_LINES_MAX:
                long.append(f"{source.at(function)} {function.name}: {lines} lines")
    assert_none(long)


def test_init_files_when_read() -> None:
    firsts = [source for source in _ALL if source.path.name == "__init__.py"]
    assert_none(source.path for source in firsts if without_docstring(source.tree))


def test_packages_when_listed() -> None:
    folders = {source.path.parent for source in sources(*PACKAGES)}
    firsts = {source.path.parent for source in _ALL if source.path.name == "__init__.py"}
    assert_none(folders - firsts)
