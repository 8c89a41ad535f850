"""Whether KVM works is found out by booting, remembered until the host boots again, and never waited for."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from fata.errors import ConfigError
from fata.target.virtio import accel, probe
from fata.target.virtio.qemu import QEMU
from tests.programs import needs

WORKS = "#!/bin/sh\necho run >> {log}\nexit 85\n"
REFUSES = "#!/bin/sh\necho run >> {log}\necho 'qemu-system-x86_64: error: failed to set MSR 0x10a' >&2\nexit 134\n"
HANGS = "#!/bin/sh\necho run >> {log}\necho 'KVM internal error. Suberror: 1' >&2\nexec sleep 60\n"


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "kvm.json"


class Program:
    """A program in QEMU's place, which counts its runs."""

    def __init__(self, folder: Path, text: str) -> None:
        self.log = folder / "runs"
        self.path = folder / "qemu"
        self.path.write_text(text.format(log=self.log))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    @property
    def runs(self) -> int:
        return len(self.log.read_text().split()) if self.log.exists() else 0


def ask(program: Program, memory: Path, device: Path = Path("/dev/null")) -> probe.Verdict:
    return probe.kvm(str(program.path), memory, device)


@pytest.mark.parametrize(("text", "verdict"), [(WORKS, (True, "")), (REFUSES, (False, "failed to set MSR 0x10a"))])
def test_a_verdict_is_remembered(tmp_path: Path, memory: Path, text: str, verdict: tuple[bool, str]) -> None:
    program = Program(tmp_path, text)
    assert ask(program, memory) == ask(program, memory) == verdict
    assert program.runs == 1


def test_it_is_asked_again_after_a_boot_of_the_host_or_of_another_qemu(tmp_path: Path, memory: Path) -> None:
    program = Program(tmp_path, WORKS)
    ask(program, memory)
    kept = json.loads(memory.read_text())
    for change in ({"boot": "another"}, {"qemu": "another"}):
        memory.write_text(json.dumps(kept | change))
        ask(program, memory)
    memory.write_text("{")
    ask(program, memory)
    assert program.runs == 4


def test_a_guest_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    verdict = probe.boots(str(Program(tmp_path, HANGS).path), "kvm", patience=0.2)
    assert verdict == (False, "KVM internal error. Suberror: 1")


def test_without_a_device_nothing_is_run(tmp_path: Path, memory: Path) -> None:
    program = Program(tmp_path, WORKS)
    assert ask(program, memory, tmp_path / "kvm") == (False, f"there is no {tmp_path / 'kvm'}")
    assert program.runs == 0


def test_without_qemu_there_is_no_verdict_but_a_reason() -> None:
    assert probe.boots("/nowhere/qemu", "kvm") == (False, "/nowhere/qemu: No such file or directory")


def test_the_tiny_guest_is_an_elf_file_with_a_pvh_entry() -> None:
    elf = ELFFile(io.BytesIO(probe.tiny_guest()))
    load, note = elf.iter_segments()
    assert isinstance(note, NoteSegment)
    (found,) = note.iter_notes()
    assert (found["n_name"], str(found["n_type"])) == ("Xen", "18")
    entry = elf["e_entry"]
    assert int.from_bytes(found["n_descdata"], "little") == entry
    assert load["p_paddr"] < entry < load["p_paddr"] + load["p_filesz"]


def test_without_qemu_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="there is no qemu-system-x86_64 to run a machine"):
        accel.choose("auto", print)


@needs(QEMU)
@pytest.mark.qemu
def test_the_tiny_guest_runs_where_guests_run() -> None:
    assert probe.boots(QEMU, "tcg", patience=20) == (True, "")


def test_asked_for_kvm_that_does_not_work_is_a_mistake_and_else_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(probe, "kvm", lambda *_: probe.Verdict(False, "no reason"))
    said: list[str] = []
    assert accel.choose("auto", said.append) == "tcg"
    assert said == ["without KVM (no reason) the guest is emulated (TCG), some ten times slower"]
    with pytest.raises(ConfigError, match="KVM does not work here: no reason"):
        accel.choose("kvm", said.append)
    monkeypatch.setattr(probe, "kvm", lambda *_: probe.Verdict(True, ""))
    assert [accel.choose(wanted, said.append) for wanted in ("auto", "kvm", "tcg")] == ["kvm", "kvm", "tcg"]
    assert len(said) == 1
