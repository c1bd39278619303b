"""What is typed at the terminal, looked through before Snakemake sees it: mistakes that it answers with a traceback.

    snakemake --cores 2 --configfile config/smok.yaml
    ->  --configfile: there is no file "config/smok.yaml": did you mean "config/smoke.yaml"?

`envs/install.sh` puts scripts/_snakemake.py, which calls this, in the place of Snakemake's own command in .venv.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.settings import nearest

CONFIGFILE = ("--configfile", "--configfiles")
# Options after whose one value, or after which, a target may stand. All others may take any number of words.
ONE_WORD = ("--cores", "-c", "--jobs", "-j")
NO_WORD = re.compile(r"--.*=.*|-[cj]\d+|-[nFpkf]+|--(dry-run|forceall|force|keep-going|printshellcmds)")
ELSEWHERE = ("--snakefile", "-s", "--directory", "-d", "--help", "-h", "--version", "-v")
# Snakemake starts jobs through a shell, and leaves the path of Python without quotes.
SHELL_WORDS = re.compile(r"[\s'\"\\`$&|;<>()*?\[\]{}!#~]")


def check_command(arguments: Sequence[str], here: Path, repository: Path) -> None:
    """Look through the arguments of `snakemake`, typed in the folder `here`.

    Raises:
        UserError: the clone's path has letters that a shell reads; there is no Snakefile here; a configuration file is
            not there; a target is none, but almost a rule.
    """
    if (letter := SHELL_WORDS.search(str(repository))) is not None:
        raise UserError(
            f"jobs cannot be started below a folder with {letter[0]!r} in its name",
            where=repository,
            remedy="move the clone to a path of letters, digits and . _ - and install anew there (delete .venv)",
        )
    own = {argument.partition("=")[0] for argument in arguments}
    if not own & set(ELSEWHERE) and not any((here / name).is_file() for name in ("Snakefile", "workflow/Snakefile")):
        raise UserError("there is no Snakefile here", where=here, remedy=f"cd {repository}, and the same command there")
    for name in _configuration_files(arguments):
        if not (here / name).is_file() and not own & {"--directory", "-d"}:
            known = [str(path.relative_to(here)) for path in sorted(here.glob("config/*.yaml"))]
            raise UserError(
                f'there is no file "{name}"{nearest(name, known)}',
                key="--configfile",
                remedy=f"one of {', '.join(known)}, or a file of your own; targets stand before it, or after --",
            )
    check_targets(_targets(arguments), rule_names(here))


def check_targets(targets: Iterable[str], rules: Sequence[str]) -> None:
    """Name the rule that a target which is neither a rule nor a file may mean.

    Raises:
        UserError: such a target.
    """
    for target in targets:
        near = nearest(target, rules)
        if near and target not in rules and not set("/.") & set(target) and not Path(target).exists():
            raise UserError(
                f'there is no target "{target}"{near}', remedy="snakemake --list-rules shows all; or name a file"
            )


def rule_names(folder: Path) -> list[str]:
    """The rules of the workflow in a folder, by the look of its files."""
    files = [path for path in (folder / "Snakefile", *sorted(folder.glob("rules/*.smk"))) if path.is_file()]
    return [name for path in files for name in re.findall(r"^(?:rule|checkpoint) (\w+):", path.read_text(), flags=re.M)]


def _targets(arguments: Sequence[str]) -> Iterator[str]:
    """The words that are targets for sure."""
    words = iter(arguments)
    free = True
    for word in words:
        if word == "--":
            yield from words
        elif word in ONE_WORD:
            next(words, None)
            free = True
        elif word.startswith("-"):
            free = NO_WORD.fullmatch(word) is not None
        elif free:
            yield word


def _configuration_files(arguments: Sequence[str]) -> Iterator[str]:
    """What follows --configfile, up to the next option."""
    taken = False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if argument.startswith("-"):
            taken = option in CONFIGFILE and not equals
            if option in CONFIGFILE and equals:
                yield value  # this alone
        elif taken:
            yield argument
