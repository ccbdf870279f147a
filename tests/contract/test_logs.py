"""Logs are read by byte offset, while an instance runs and after it."""

from tests.contract.sites import Site
from zoe_core.cluster import InstanceId


def test_a_log_is_read_in_pieces(site: Site) -> None:
    seen, _ = site.run("echo", "hello world")
    assert site.backend.log_size(seen.id) == 12
    assert site.backend.read_log(seen.id, 0, 5) == b"hello"
    assert site.backend.read_log(seen.id, 6, 100) == b"world\n"
    assert site.backend.read_log(seen.id, 12, 100) == b""
    assert site.backend.read_log(seen.id, 1000, 100) == b""


def test_a_log_grows_while_the_instance_runs(site: Site) -> None:
    instance = site.start("sh", "-c", "echo one; sleep 0.3; echo two; sleep infinity")
    site.await_log(instance, b"one\n")
    assert site.await_log(instance, b"two\n") == b"one\ntwo\n"


def test_there_is_no_log_of_what_never_was(site: Site) -> None:
    nobody = InstanceId(99, "worker", 0)
    assert site.backend.log_size(nobody) == 0
    assert site.backend.read_log(nobody, 0, 100) == b""


def test_both_streams_are_in_the_log(real_site: Site) -> None:
    _, log = real_site.run("sh", "-c", "echo out; echo err >&2")
    assert sorted(log.splitlines()) == [b"err", b"out"]  # containers have a pipe for each


def test_a_log_may_hold_any_bytes(real_site: Site) -> None:
    _, log = real_site.run("sh", "-c", r"printf '\000\377\200\r\n'")
    assert log == b"\x00\xff\x80\r\n"


def test_a_large_log_is_whole(real_site: Site) -> None:
    seen, _ = real_site.run("sh", "-c", "seq 1000000")
    expected = "".join(f"{number}\n" for number in range(1, 1_000_001)).encode()
    assert real_site.backend.log_size(seen.id) == len(expected)
    assert real_site.log(seen.id) == expected


def test_the_last_words_of_what_crashes_are_kept(real_site: Site) -> None:
    seen, log = real_site.run("sh", "-c", "echo last words; kill -KILL $$")
    assert (seen.exit_code, log) == (-9, b"last words\n")
