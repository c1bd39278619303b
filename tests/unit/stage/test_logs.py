"""Records are found whole, whatever happens around them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from speclm.stage.files import atomic, write_json, write_text
from speclm.stage.logs import find_logs


def test_found_are_whole_files_alone_while_others_are_written(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.json", "b/1.json", "b/2.json")]
    for path in reversed(paths):
        write_json(path, 1)
    write_text(tmp_path / "b/1.txt", "another ending")
    with atomic(tmp_path / "a.json") as temporary:
        temporary.write_text("half")
        assert find_logs(tmp_path, ".json") == paths
    vanishing = tmp_path / "b/passing"
    with ThreadPoolExecutor() as others:
        busy = others.submit(lambda: [(vanishing.mkdir(), vanishing.rmdir()) for _ in range(500)])
        while not busy.done():
            assert find_logs(tmp_path, ".json") == paths
        busy.result()
    assert find_logs(tmp_path / "missing", ".json") == []
