"""JSON Schema of `contract.toml`, for editors: made from the models, so that it says what the loader takes."""

from typing import Any

from rules.contract import ContractFile

NAME = "contract.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DATED, _CLAUSE = "#/$defs/Dated", "#/$defs/Clause"
# A number is written plainly, or as a list of its values with their dates.
_PLAIN: dict[str, Any] = {"type": ["string", "integer", "number"]}


def contract_schema() -> dict[str, Any]:
    """Describe the terms' file.

    Returns
    -------
    dict
        A JSON Schema, draft 2020-12. What only the linter sees (references, orders, sums) is not in it.
    """
    made = ContractFile.model_json_schema(by_alias=True)
    return {"$schema": _DIALECT, **_as_written(made)}


def _as_written(node: Any) -> Any:  # noqa: ANN401  # JSON has no class
    """Let stand what a clerk writes, where the models hold what it is read into."""
    if isinstance(node, list):
        return [_as_written(one) for one in node]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(node, dict):
        return node
    said: dict[str, Any] = {
        key: _as_written(value)
        for key, value in node.items()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    }
    if said.get("items") == {"$ref": _DATED}:
        told = {key: said.pop(key) for key in ("title", "description", "default") if key in said}
        return {**told, "anyOf": [_PLAIN, said]}
    if said.get("$ref") == _CLAUSE:
        del said["$ref"]
        return {**said, "anyOf": [{"type": "string"}, {"$ref": _CLAUSE}]}
    return said
