"""What stands in the pages' fenced blocks: examples, and lines that one could type."""

import re
import shlex
from collections.abc import Iterator


def blocks(text: str, language: str) -> list[str]:
    """Give the blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


def published(text: str) -> Iterator[tuple[str, bytes]]:
    """Give topic and payload of every line that begins `$ mosquitto_pub`, with its continuation."""
    for line in re.findall(r"^\$ (mosquitto_pub .*?)(?=\n\$ |\n```$)", text, re.MULTILINE | re.DOTALL):
        words = shlex.split(line.replace("\\\n", " "))
        options = dict(zip(words[1::2], words[2::2], strict=True))
        assert {"-h": "127.0.0.1", "-p": "1883", "-V": "mqttv5", "-q": "1"}.items() <= options.items()
        yield options["-t"], options["-m"].encode()
