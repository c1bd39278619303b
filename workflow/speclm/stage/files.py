"""Files that are whole or absent, and that say what they hold.

Everything is written under a temporary name, forced to disk and renamed: a reader never meets half a file, even
after a power cut, and what a killed process left is gone when the file is written again. Every binary array has a
JSON sidecar with its type, shape and checksum, and reading checks the array against it:

    tokens.npy         the data
    tokens.npy.json    {"dtype": "uint16", "shape": [12800], "sha256": "9f…", "origin": {"corpus": "generic"}}
    .tokens.npy.seen   9f… 25728   left by the first that read it against its checksum

A large file is read against its checksum once: its note has the file's own time of change, and who opens the file later
compares that and the size. What writes to a file changes its time; a copy without its time is read again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import zstandard

from speclm.stage.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

# A file that was just changed may change again before the file system's clock moves on (2 s on the coarsest).
_TICK = 2_000_000_000
_LONGEST_WINDOW = 1 << 31  # bytes


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, force it to disk and rename it to `path`, else remove it.

    It lies in a folder of its own, `.{name}.part`, because libraries may write temporary files of theirs beside it.

    Raises:
        UserError: the disk is full, the folder cannot be written, or another process writes this file.
    """
    path = Path(path)
    folder = path.with_name(f".{path.name}.part")
    temporary = folder / path.name
    with sole(folder, path):
        try:
            for leftover in folder.iterdir():  # of a process that was killed while it wrote
                leftover.unlink()
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except OSError as error:
            if error.filename is None or Path(str(error.filename)) in (path, folder, temporary):
                raise unwritable(path, error) from error
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sole(folder: Path, where: Path) -> Iterator[None]:
    """Make a folder, and keep other processes that ask for it out while the block runs; errors are told of `where`.

    A process that is killed leaves no lock behind.

    Raises:
        UserError: another process is at work in it; it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise unwritable(where, error) from error
    try:
        _lock(handle, where)
        yield
    finally:
        os.close(handle)


def unwritable(path: Path, error: OSError) -> UserError:
    """The user's view of a failed write."""
    remedy = "make room on this disk (or raise its quota or size limit) or give write permission"
    if error.errno == errno.ENOMEM:
        remedy = "let fewer jobs run at once with --cores"
    return UserError(
        f"cannot be written: {error.strerror or error}",
        where=path,
        remedy=f"{remedy}, then run the same command again: finished stages are kept",
    )


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of the names and checksums of its files that are not hidden, sorted."""
    path = Path(path)
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                digest.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_whole(path: str | Path, expected: str) -> bool:
    """Whether a file has the SHA-256 that is expected; it is read only where no note says so of its time and size."""
    path = Path(path)
    note, told = path.with_name(f".{path.name}.seen"), f"{expected} {path.stat().st_size}\n"
    changed = path.stat().st_mtime_ns
    with suppress(FileNotFoundError):
        if note.stat().st_mtime_ns == changed and note.read_text(encoding="utf-8") == told:
            return True
    if sha256(path) != expected:
        return False
    if time.time_ns() - changed > _TICK:
        with suppress(OSError):  # a folder that cannot be written to: the file is read again next time
            temporary = note.with_name(f"{note.name}{os.getpid()}")
            temporary.write_text(told, encoding="utf-8")
            os.utime(temporary, ns=(changed, changed))
            temporary.replace(note)
    return True


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, value: Any) -> None:
    """Write readable JSON: two spaces, keys in the order given, one final line end."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is not JSON (cut short, or edited by hand).
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"not valid JSON ({error})", where=path, remedy="delete the file and run again") from error


def write_documents(path: str | Path, documents: Iterable[Mapping[str, Any]]) -> int:
    """Write documents as Zstandard-compressed JSON lines; return how many."""
    count = 0
    with atomic(path) as temporary, temporary.open("wb") as raw:
        compressor = zstandard.ZstdCompressor(level=3, write_content_size=False)
        with compressor.stream_writer(raw, closefd=False) as stream:
            for document in documents:
                stream.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
                count += 1
    return count


def read_documents(path: str | Path) -> Iterator[dict[str, Any]]:
    """Read documents written by `write_documents`, one at a time.

    Raises:
        UserError: the file is damaged or cut short.
    """
    try:
        for line in _lines(Path(path)):
            yield json.loads(line)
    except (zstandard.ZstdError, UnicodeDecodeError, json.JSONDecodeError, EOFError) as error:
        raise UserError(f"damaged document file ({error})", where=path, remedy="delete it and run again") from error


def write_array(path: str | Path, array: np.ndarray[Any, Any], **origin: Any) -> None:
    """Write an array as .npy with its sidecar; `origin` says where it comes from."""
    write_rows(path, len(array), [array], **origin)


def write_rows(path: str | Path, rows: int, blocks: Iterable[np.ndarray[Any, Any]], **origin: Any) -> None:
    """Write an array of so many rows from blocks of them: what `write_array` writes, but never in memory whole."""
    with atomic(path) as temporary:
        written = 0
        with temporary.open("wb") as stream:
            for block in blocks:
                if not stream.tell():
                    dtype, shape = block.dtype, [rows, *block.shape[1:]]
                    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False}
                    np.lib.format.write_array_header_1_0(stream, {**header, "shape": tuple(shape)})
                assert (block.dtype, list(block.shape[1:])) == (dtype, shape[1:])
                stream.write(np.ascontiguousarray(block).data)
                written += len(block)
        assert written == rows
        sidecar = {"dtype": str(dtype), "shape": shape, "sha256": sha256(temporary), "origin": origin}
    write_json(f"{path}.json", sidecar)


def read_array(path: str | Path) -> np.ndarray[Any, Any]:
    """Memory-map an array after checking it against its sidecar.

    Raises:
        UserError: the array is damaged, cut short, or has no sidecar.
    """
    if not Path(f"{path}.json").exists():
        raise UserError("has no sidecar", where=path, remedy="delete it and run again: its stage makes both files")
    if not is_whole(path, read_json(f"{path}.json")["sha256"]):
        raise UserError(
            f"is damaged: its checksum is not the one in {Path(path).name}.json",
            where=path,
            remedy="delete both files and run again: their stage makes them anew",
        )
    array: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def read_blocks(path: str | Path, sizes: Iterable[int]) -> Iterator[np.ndarray[Any, Any]]:
    """An array in blocks of so many rows: what `read_array` maps, with no more of it in memory than one block."""
    array = read_array(path)
    with Path(path).open("rb") as stream:
        stream.seek(-array.nbytes, os.SEEK_END)
        for rows in sizes:
            shape = (rows, *array.shape[1:])
            yield np.fromfile(stream, dtype=array.dtype, count=int(np.prod(shape))).reshape(shape)


def read_arrays(paths: Sequence[Path]) -> np.ndarray[Any, Any]:
    """The arrays of several shards one after the other (in memory, unless there is only one)."""
    parts = [read_array(path) for path in paths]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def write_table(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a TSV with eight significant digits, so that equal numbers are equal bytes."""
    write_text(path, frame.to_csv(sep="\t", index=False, float_format="%.8g", lineterminator="\n"))


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a TSV; only the empty field is missing ("none" and "NA" are words)."""
    import pandas as pd  # a quarter of a second, which stages that train do not need

    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


def _lock(handle: int, where: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(
            "another process is at work here",
            where=where,
            remedy="wait for its end, or end it (an interrupted run may have left it behind), then run again",
        ) from error
    except OSError:  # this file system has no locks: nobody is kept out
        return


def unzstd(stream: BinaryIO) -> Iterator[bytes]:
    """The decompressed blocks of a Zstandard file of one or several frames.

    Zstandard's own reader takes a file that is cut short for one that ends early.

    Raises:
        EOFError: the file is cut short. zstandard.ZstdError: it is damaged.
    """
    frame = _decompressor()
    begun = True  # an empty file lacks its first frame
    while block := stream.read(1 << 12):  # of which at most 128 MB come, however well it is compressed
        while block:
            begun = True
            yield frame.decompress(block)
            block = frame.unused_data
            if frame.eof:
                frame, begun = _decompressor(), False
    if begun:
        raise EOFError("cut short")


def _decompressor() -> Any:
    """Of one frame, with as long a window as there is (zstd --long=31): its memory is what the file asks for."""
    return zstandard.ZstdDecompressor(max_window_size=_LONGEST_WINDOW).decompressobj()


def _lines(path: Path) -> Iterator[bytes]:
    rest = b""
    with path.open("rb") as stream:
        for block in unzstd(stream):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
    if rest:
        raise EOFError("cut short")
