"""Compile kernels before the first test: Hypothesis would take compiling for a slow test."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:  # pyright: ignore[reportUnusedFunction]  # pytest finds it by its decorator
    from kernels.warm import warm  # noqa: PLC0415  # compiles, so not while tests are collected

    warm()
