"""Drives the platform from outside, as a person could: through its command line, in a clean environment.

What runs as the platform's user runs out of the current release, which a candidate may have changed. What runs as the
invoker (stop, deploy) runs out of the harness's own checkout: nobody else's code gets the invoker's rights.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brownout.errors import PlatformError
from brownout.secrecy import Secrecy, hand_over, secrecy
from brownout.settings import ROOT, Harness
from ontime.runtime.process_environment import addresses, clean
from ontime.settings import Environment

COMMAND_SECONDS = 420.0


@dataclass(frozen=True, slots=True)
class Platform:
    """`user` is the Unix user that the platform runs as; None means the invoker's own. `python` must be its to run."""

    environment: Environment
    harness: Harness
    user: str | None
    python: Path

    def ontime(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `ontime …` of the current release as the platform's user.

        Raises `PlatformError` when there is no release, when the command takes too long and, with `check`, when it
        fails: with its last line.
        """
        root = self.environment.current
        if not (root / "platform").is_dir():
            raise PlatformError(f"There is no release at {root}. Restore a baseline: `brownout reset`.")
        return self._run(root, self.user, args, check)

    def run_python(self, program: str) -> subprocess.CompletedProcess[str]:
        """Runs `program` over the modules of the current release, as the platform's user.

        It is read from standard input, so that neither arguments nor files tell what is asked. Raises `PlatformError`
        when there is no release, or when it takes too long; a failure is the exit code's to tell.
        """
        root = self.environment.current
        if not (root / "platform").is_dir():
            raise PlatformError(f"There is no release at {root}. Restore a baseline: `brownout reset`.")
        return self._command(root, self.user, ("-P", "-"), "a question to the release", program)

    def start(self, components: Sequence[str] | None = None) -> None:
        """Starts components (default: all) and waits until they are ready.

        Whoever ran the platform before, its state is its user's from now on. Raises `PlatformError`, `SecrecyError`.
        """
        self.hand_over()
        self.ontime("up", *(components or ()))

    def stop(self) -> None:
        """Stops every component and the supervisor, also of a platform whose own command line is broken."""
        if self.environment.state.exists():
            self._run(ROOT, None, ("down",), check=True)

    def deploy(self, tree: Path) -> None:
        """Makes HEAD of the checkout `tree` the current release; works while stopped. Raises `PlatformError`."""
        self._run(ROOT, None, ("deploy", str(tree.resolve())), check=True)
        self.hand_over()

    def hand_over(self) -> None:
        """Gives all platform state to the platform's user."""
        if self.user is not None:
            found = secrecy(self.harness)
            hand_over(self.environment.state, Secrecy(found.level, self.user, found.why))

    def surroundings(self, root: Path, user: str | None) -> dict[str, str]:
        """The whole environment of a command: addresses and paths of the platform, nothing of the harness's."""
        home = {"HOME": pwd.getpwnam(user).pw_dir} if user else {}
        return {**clean(os.environ, root), **addresses(self.environment), **home}

    def _run(self, root: Path, user: str | None, args: Sequence[str], check: bool) -> subprocess.CompletedProcess[str]:
        done = self._command(root, user, ("-P", "-m", "ontime.cli", *args), f"ontime {' '.join(args)}")
        if check and done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("error: ")]
            said = "\n".join(lines[lines.index(errors[0]) :]) if errors else (lines or ["it said nothing"])[-1]
            raise PlatformError(f"ontime {' '.join(args)} ended with exit code {done.returncode}: {said}")
        return done

    def _command(
        self, root: Path, user: str | None, args: Sequence[str], what: str, told: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs the interpreter in `root`; `told` is its standard input."""
        variables = self.surroundings(root, user)
        command = [str(self.python), *args]
        if user is not None:
            given = [f"{name}={value}" for name, value in variables.items()]
            command = Secrecy("separate-user", user, "").command("env", "-i", *given, *command)
        try:
            return subprocess.run(
                command,
                cwd=root,
                env=variables,
                input=told or "",
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PlatformError(f"{what} took longer than {COMMAND_SECONDS:.0f} s.") from error
