"""Files of the Hugging Face hub, streamed at a pinned revision: nothing of them is kept on disk.

In goes a file's place, "allenai/c4/en/c4-train.00000-of-01024.json.gz", and a commit of its repository; out comes an
open file and its SHA-256 as the hub states it. `datasets` opens it and reads it by ranges; a connection that drops, a
429 and a 5xx are waited out, as long as the server's Retry-After says, else 1, 2, 4, … 64 seconds.

A file that is in the local mirror is read there, and with HF_HUB_OFFLINE=1 nothing else is. The mirror is the hub's own
cache (HF_HOME), at that revision:

    hf download allenai/c4 en/c4-train.00000-of-01024.json.gz --repo-type dataset --revision 1588ec4…
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from speclm.stage.errors import UserError

Result = TypeVar("Result")
COMMIT = re.compile("[0-9a-f]{40}")
_WAITS = (1, 2, 4, 8, 16, 32, 64)  # seconds: a restart of the hub takes a minute or two
_AGAIN = "run the same command again: finished shards are kept"


@contextmanager
def open_hub_file(place: str, revision: str) -> Iterator[tuple[BinaryIO, str | None]]:
    """A file of the hub, open for reading, and its SHA-256 as the hub states it (None for small files outside LFS).

    Args:
        place: owner/name/path of a data set's file. revision: the commit, 40 hexadecimal digits.

    Raises:
        UserError: no such repository, revision or file; the hub does not answer, however long it is waited for;
            offline, and not in the mirror. Also for what fails while the block reads.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub
    from datasets.utils.file_utils import xopen
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    owner, name, path = place.split("/", 2)
    mirrored = huggingface_hub.try_to_load_from_cache(f"{owner}/{name}", path, revision=revision, repo_type="dataset")
    if isinstance(mirrored, str):
        blob = Path(mirrored).resolve().name  # the cache names what comes from LFS by its SHA-256
        with Path(mirrored).open("rb") as file:
            yield file, blob if re.fullmatch("[0-9a-f]{64}", blob) else None
        return
    if huggingface_hub.is_offline_mode():
        raise UserError(
            "is not in the local mirror, and HF_HUB_OFFLINE asks for nothing else",
            where=place,
            remedy=f"where there is a network: hf download {owner}/{name} {path} --repo-type dataset "
            f"--revision {revision}; or set HF_HUB_OFFLINE=0",
        )
    try:
        stream = _patiently(lambda: xopen(f"hf://datasets/{owner}/{name}@{revision}/{path}", "rb"))
        with stream:
            lfs = stream.details.get("lfs")
            yield cast(BinaryIO, _PatientFile(stream)), lfs["sha256"] if lfs else None
    except (HfHubHTTPError, FileNotFoundError, httpx.HTTPError, ConnectionError) as error:
        raise _explained(error, place, revision) from error


class _PatientFile:
    """A file whose reading waits for a server that comes back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return _patiently(lambda: self._stream.read(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _patiently(call: Callable[[], Result]) -> Result:
    """The call's result; what may pass is waited out and the call made again."""
    for wait in (*_WAITS, None):
        try:
            return call()
        except Exception as error:
            if wait is None or not _passing(error):
                raise
            said = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
            seconds = int(said) if said.isdigit() else wait
            logging.getLogger(__name__).info("waiting %d s for the hub (%s)", seconds, str(error).splitlines()[0])
            time.sleep(seconds)
    raise AssertionError("the last attempt returns or raises")


def _passing(error: Exception) -> bool:
    """Whether an error is of a kind that ends by itself."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 425, 429) or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError | ConnectionError)


def _explained(error: Exception, place: str, revision: str) -> UserError:
    """The user's view of what the hub, or the way there, refused."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    repository = "/".join(place.split("/")[:2])
    causes = (error, error.__cause__)
    if any(isinstance(cause, RevisionNotFoundError) for cause in causes):
        return UserError(
            f"{repository} has no revision {revision} (any more)",
            where=place,
            key="revision",
            remedy="write another commit of it into config/datasets.tsv (its text may differ), or read a mirror that "
            "has this one; finished shards are kept",
        )
    if any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
        return UserError(
            f"the hub has no data set {repository}, or does not show it to you",
            where=place,
            key="source",
            remedy="correct the name in config/datasets.tsv, or log in (hf auth login)",
        )
    if isinstance(error, FileNotFoundError):
        return UserError(
            f"there is no such file in revision {revision[:12]}",
            where=place,
            key="source",
            remedy="correct the name in config/datasets.tsv; finished shards are kept",
        )
    first = str(error).splitlines()[0]
    return UserError(f"the hub does not answer ({first})", where=place, remedy=f"when it does, {_AGAIN}")
