"""A made-up scenario as a file that people read and replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fenix_conformance.vnfm.fuzz.drawing import Document
from fenix_conformance.vnfm.options import Options, rerun_command


def text_of(document: Document) -> str:
    """The document as YAML: its members in their order, each fault on a line."""
    import yaml

    lines = []
    for name, value in document.items():
        if isinstance(value, list):
            lines.append(f"{name}:")
            lines += [f"  - {_flow(yaml.safe_dump(item, default_flow_style=True, sort_keys=False))}" for item in value]
        else:
            lines.append(f"{name}: {_flow(yaml.safe_dump(value, default_flow_style=True, sort_keys=False))}")
    return "\n".join(lines) + "\n"


def _flow(dumped: str) -> str:
    """One line of flow style, without the end mark of a scalar's document."""
    return " ".join(dumped.removesuffix("...\n").split())


def file_text(document: Document, rule: str, said: str, command: str) -> str:
    """The file: what it shows, how to see it again, and the scenario."""
    return (
        f"# The smallest scenario found in which the VNFM does not keep {rule}.\n"
        "#\n"
        f"# {_plain(' '.join(said.split()))}\n"
        "#\n"
        f"# Play it again: {_plain(command)}\n"
        f"{text_of(document)}"
    )


def _plain(text: str) -> str:
    """The text as a comment can hold it: a VNFM may have sent anything."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def replay_command(options: Options, rule: str, path: Path, *, strict: bool = False) -> str:
    """The command line that plays the file again and judges the rule."""
    return rerun_command(replace(options, scenarios=(str(path),)), rule, strict=strict)


def file_name(rule: str, seed: int) -> str:
    """``made-up-reply-once-7.yaml``"""
    return f"made-up-{rule}-{seed}.yaml"
