"""Runs a guide: writes the files that its blocks name, runs its commands, compares what they answer."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(r"^```(?P<language>[\w-]+)(?: file=(?P<file>\S+))?\n(?P<body>.*?)^```$", re.M | re.S)
PORT = re.compile(r"--port[= ](\d+)")


class Step(NamedTuple):
    """A file to write (`file`, `text`), or a command to run and what it should answer."""

    file: str | None
    text: str
    answer: str


def steps(guide: str, language: str = "console") -> Iterator[Step]:
    """Return the steps of a guide in order: its files, and the commands in blocks of `language`."""
    for block in BLOCK.finditer(guide):
        if block["file"] is not None:
            yield Step(block["file"], block["body"], "")
        elif block["language"] == language:
            for command in re.split(r"^\$ ", block["body"], flags=re.M)[1:]:
                words, _, answer = command.partition("\n")
                yield Step(None, words, answer)


def agrees(answer: str, expected: str) -> bool:
    """Compare an answer with what a guide shows, where "…" stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, answer.strip(), re.S) is not None


class Reader:
    """Does what a guide says, in a folder. What it starts in the background is reached at `address`."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        self.folder = folder
        self.address = address
        self._background: list[subprocess.Popen[bytes]] = []

    def follow(self, guide: str, language: str = "console") -> int:
        """Do every step; return how many answers were compared. Raises AssertionError at the first that differs."""
        compared = 0
        try:
            for step in steps(guide, language):
                compared += self._do(step)
        finally:
            for process in self._background:
                process.terminate()
                process.wait(10)
        return compared

    def _do(self, step: Step) -> int:
        if step.file is not None:
            target = self.folder / step.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(step.text, encoding="utf-8")
            return 0
        if step.text.endswith(" &"):
            self._start(step.text.removesuffix(" &"))
            return 0
        done = subprocess.run(
            ["bash", "-c", step.text],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert agrees(done.stdout, step.answer), f"$ {step.text}\n{done.stdout}\n--- the guide says ---\n{step.answer}"
        return 1

    def _start(self, command: str) -> None:
        words = command.split()
        self._background.append(
            subprocess.Popen(words, cwd=self.folder, env=self._environment(), stderr=subprocess.DEVNULL)
        )
        port = PORT.search(command)
        assert port is not None, "a command in the background must name the port to wait for"
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex((self.address, int(port[1]))) == 0:
                    return
            time.sleep(0.05)  # another process is starting; there is nothing to wait on
        raise AssertionError(f"nothing listens after: {command}")

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FATA_")}
        return {**inherited, "PATH": path, "NO_COLOR": "1", "COLUMNS": "120"}
