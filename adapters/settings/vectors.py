"""Where the vectors of knowledge are kept."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from adapters.settings import values
from adapters.settings.fields import variable
from adapters.settings.operating import OperatingSettings


class VectorsSettings(OperatingSettings):
    chroma_url: Annotated[str, AfterValidator(values.origin)] | None = variable(
        None,
        "The Chroma server that keeps the vectors of knowledge. When unset, they are kept in the data directory.",
        "an http or https address without a path, such as http://chroma.example.com:8000",
    )

    @property
    def vectors_dir(self) -> Path:
        return self.data_dir / "vectors"
