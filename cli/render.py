"""Documents as files: one call for every format, in several processes if there are many."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from cli.font import font_path
from ledger.errors import FormError
from settlement.document import Document

FORMATS = ("json", "xlsx", "pdf")
LANGUAGES = ("zh", "en")
WORTH_IT = 24  # prints below which starting processes costs more than it saves


class Job(NamedTuple):
    """One file to be made."""

    document: Document
    form: str
    language: str

    @property
    def name(self) -> str:
        """What the file is called; the canonical JSON has no language."""
        language = "" if self.language == "zh" or self.form == "json" else f"-{self.language}"
        return f"{self.document.name}{language}.{self.form}"


def check_formats(forms: Sequence[str]) -> None:
    """Check that files of these formats can be made here.

    Raises:
        FormError: No such format, or what it needs is not installed.
    """
    for form in forms:
        if form not in FORMATS:
            raise FormError("--format", ", ".join(FORMATS), form)
    if "pdf" in forms:
        font_path()


def render(job: Job) -> bytes:
    """Return the bytes of a file; the same job gives the same bytes everywhere."""
    if job.form == "json":
        return job.document.encode()
    # Every command imports this module; only whoever prints waits for the libraries.
    if job.form == "pdf":
        from cli.pdf import render_pdf

        return render_pdf(job.document, job.language)
    from cli.paper import render_xlsx

    return render_xlsx(job.document, job.language)


def render_all(jobs: Sequence[Job]) -> Iterator[tuple[Job, bytes]]:
    """Yield the files in the order of the jobs."""
    count = os.cpu_count() or 1
    if count < 2 or sum(job.form == "pdf" for job in jobs) < WORTH_IT:
        for job in jobs:
            yield job, render(job)
        return
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        yield from zip(jobs, pool.map(render, jobs, chunksize=4), strict=True)
