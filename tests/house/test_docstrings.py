"""Sections that docstrings of kernels and rules must have; that there are docstrings at all, ruff checks.

Private names and modules are left to their author's judgement. So are, in rules, functions of one argument, which a
good first line describes; in kernels an argument has a shape and a unit, so none is spared.
"""

import ast
import re
from collections.abc import Iterator

from tests.house.sources import Function, Source, assert_none, sources

_PARAMETERS = re.compile(r"^Parameters\n-{10}$", re.MULTILINE)


def _public(source: Source) -> Iterator[Function]:
    """Give the public functions of a module and the public methods of its public classes."""
    tops = source.tree.body if source.is_public else []
    classes = [node for node in tops if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for node in [*tops, *(member for found in classes for member in found.body)]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


def _arguments(function: Function) -> list[str]:
    stated = function.args
    every = [*stated.posonlyargs, *stated.args, *stated.kwonlyargs, stated.vararg, stated.kwarg]
    return [argument.arg for argument in every if argument and argument.arg not in {"self", "cls"}]


def _undescribed(place: str, at_least: int) -> list[str]:
    return [
        f"{source.at(function)} {function.name}"
        for source in sources(place)
        for function in _public(source)
        if len(_arguments(function)) >= at_least and not _PARAMETERS.search(ast.get_docstring(function) or "")
    ]


def test_parameters_when_in_kernels() -> None:
    assert_none(_undescribed("kernels", 1))


def test_parameters_when_in_rules() -> None:
    assert_none(_undescribed("rules", 2))


def test_argument_names_when_described() -> None:
    wrong: list[str] = []
    for source in sources("kernels", "rules"):
        for function in _public(source):
            _, heading, section = (ast.get_docstring(function) or "").partition("Parameters\n----------\n")
            described = re.findall(r"^(\S[^\n]*?)(?: :.*)?$", section.partition("\n\n")[0], re.MULTILINE)
            names = {name.strip(" *") for line in described for name in line.split(",")}
            if heading and (strange := names - set(_arguments(function))):
                wrong.append(f"{source.at(function)} {function.name}: {', '.join(sorted(strange))}")
    assert_none(wrong)
