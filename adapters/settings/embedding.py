"""The model that finds knowledge by its meaning."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from adapters.settings import values
from adapters.settings.fields import variable
from adapters.settings.operating import OperatingSettings


class EmbeddingSettings(OperatingSettings):
    embeddings: Annotated[str, AfterValidator(values.embeddings)] = variable(
        "minilm",
        "The model that finds knowledge by its meaning: minilm runs here and is fetched once, none searches by words.",
        "minilm, none, or a model such as openai/text-embedding-3-small or gemini/gemini-embedding-001",
    )

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"
