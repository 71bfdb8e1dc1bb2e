"""Debian's archive beside the machine's own packages: another release or processor, unpacked into a folder.

apt gets a configuration, lists and a state of its own, so that nothing of the machine's is touched. Where the archive is, the
machine's own configuration says.
"""

from __future__ import annotations

import os
import pathlib
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Archive:
    """One or more releases of Debian for one processor, such as ``Archive(folder, ["trixie"], "arm64")``."""

    def __init__(self, folder: pathlib.Path, suites: list[str], architecture: str) -> None:
        self.folder = folder
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        address = _address()
        kinds = [f"{kind} [signed-by={KEYRING}] {address} {suite} main" for suite in suites for kind in ("deb", "deb-src")]
        (folder / "sources.list").write_text("\n".join(kinds) + "\n")
        (folder / "apt.conf").write_text(f"""
            Dir::State "{folder}";
            Dir::State::lists "{folder}/lists";
            Dir::State::status "{folder}/status";
            Dir::Cache "{folder}/cache";
            Dir::Etc::sourcelist "{folder}/sources.list";
            Dir::Etc::sourceparts "/dev/null";
            Dir::Etc::preferencesparts "/dev/null";
            APT::Architecture "{architecture}";
            APT::Architectures {{ "{architecture}"; }};
            APT::Sandbox::User "root";
            APT::Install-Recommends "false";
        """)
        self._run("apt-get", "update", "-qq")

    def _run(self, *command: str, cwd: pathlib.Path | None = None) -> None:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf")}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")

    def unpack(self, packages: list[str], target: pathlib.Path) -> None:
        """Fetches packages with all that they depend on and unpacks them into ``target``; nothing is installed, and no
        script of theirs is run. OSError when the archive does not have them."""
        # Only sizes and hashes of the state count here: nothing is taken to be installed.
        self._run("apt-get", "install", "-qq", "--yes", "--download-only", *packages)
        for package in sorted((self.folder / "cache/archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), str(target)], check=True)
        if not (target / "lib").exists():  # as every Debian has it; a package that nothing depends on makes it
            (target / "lib").symlink_to("usr/lib")

    def source(self, package: str) -> pathlib.Path:
        """Fetches a package's source, as its authors released it and without Debian's changes; the unpacked folder."""
        folder = self.folder / f"source-{package}"
        folder.mkdir(exist_ok=True)
        self._run("apt-get", "source", "-qq", "--download-only", package, cwd=folder)
        (archive,) = folder.glob("*.orig.tar.*z")
        subprocess.run(["tar", "xf", str(archive)], cwd=folder, check=True)
        return next(path for path in folder.iterdir() if path.is_dir())


def _address() -> str:
    """Where this machine gets Debian's packages from."""
    form = ["--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(["apt-get", "indextargets", *form], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        label, address = line.split(" ", 1)
        if label == "Debian":
            return address
    raise OSError("this machine has no lists of Debian's packages: run apt-get update")
