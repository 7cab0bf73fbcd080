"""Settings of malloc: made under glibc only. What they do is measured in test_middleware.py."""

import ctypes
import sys
from types import SimpleNamespace

import pytest

from bearcat.serving import memory
from bearcat.serving.memory import ARENAS, KEPT_BYTES, return_freed_memory


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_are_left_alone(platform: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("another system's C library was loaded"))
    assert not return_freed_memory()


@pytest.mark.parametrize("is_glibc", [True, False])
def test_the_thresholds_are_set_only_in_glibc(is_glibc: bool, monkeypatch: pytest.MonkeyPatch):
    calls: dict[int, int] = {}
    library = SimpleNamespace(mallopt=calls.__setitem__)
    if is_glibc:
        library.gnu_get_libc_version = None
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert return_freed_memory() == is_glibc
    limits = {memory.M_ARENA_MAX: ARENAS, memory.M_MMAP_THRESHOLD: KEPT_BYTES, memory.M_TRIM_THRESHOLD: KEPT_BYTES}
    assert calls == (limits if is_glibc else {})
