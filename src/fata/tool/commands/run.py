"""fata run."""

from __future__ import annotations

import sys

import click

from fata.config.graph import Graph
from fata.config.settings import as_words
from fata.config.value import show
from fata.errors import ConfigError
from fata.target.output import make_files, write_main
from fata.target.unix.launch import become, environment, reload
from fata.target.unix.launch import command as command_line
from fata.target.virtio.machine import read_file
from fata.tool.keyed import keyed, show_help
from fata.tool.machine import VIRTIO, Options, machine_options
from fata.tool.screen import progress, say
from fata.tool.session import Session, application_version, open_session


@keyed()
@click.option("--logs", metavar="LEVELS", help="What to log: info, or *:info,http:debug.")
@click.option("--reload", "again", is_flag=True, help="Start again whenever a file of the application changes.")
@click.option("--pdb", "debug", is_flag=True, help="Stop in the debugger where an uncaught exception was raised.")
@machine_options
def command(
    ctx: click.Context, target: str | None, logs: str | None, again: bool, debug: bool, options: Options
) -> None:
    """Configure, build and start an application.

    DIR is a folder with a config.py (by default this one); MODULE:NAME is a class with `async def run`, or an
    ASGI application, and needs no config.py: devices that it asks for and that have no default are options.
    """
    if show_help(ctx, target):
        return
    extra = [] if logs is None else [f"--logs={logs}"]
    session = open_session(ctx.args, target)
    if session.plan.target == VIRTIO:
        from fata.target.virtio.capture import keys_of_the_guest
        from fata.tool.run_machine import run_machine  # what makes images is not for those who run processes

        _only_for_processes(again, debug)
        graph = session.graph(starting=True)
        sys.exit(run_machine(graph, [*as_words(keys_of_the_guest(graph), graph.settings), *extra], options))
    options.refuse(session.plan.target)

    def make(session: Session) -> tuple[list[str], dict[str, str]]:
        with progress() as report:
            graph = session.graph(starting=True)
            words = [*_boot_words(graph), *_file_words(graph, options), *extra]
            main = write_main(graph, application_version(graph.project.directory))
            make_files(graph, report)
        return command_line(main, words, debug=debug), environment(graph)

    if again:
        sys.exit(reload(lambda: make(open_session(ctx.args, target)), session.project.directory, say))
    become(*make(session))


def _only_for_processes(again: bool, debug: bool) -> None:
    for given, name in ((again, "reload"), (debug, "pdb")):
        if given:
            raise ConfigError(
                f"--{name} belongs to a process, and the target is {VIRTIO}",
                remedy="Run it with -t unix, or leave the option out; a machine has --gdb.",
            )


def _file_words(graph: Graph, options: Options) -> list[str]:
    """Return what a process is told of its boot-time files: they are its own key, of the device `boot_files`."""
    if not options.files:
        return []
    key = next((key for key in graph.boot_keys if key.name == "file"), None)
    if key is None:
        raise ConfigError(
            "--file: no device of this program takes files", remedy="Ask for a BootFiles, or leave the option out."
        )
    for each in options.files:
        read_file(each)
    return [f"--file={show(key.type, list(options.files))}"]


def _boot_words(graph: Graph) -> list[str]:
    return as_words(graph.boot_keys, graph.settings)
