"""MoveNet single pose: its network, and its decoding for a batch instead of one picture.

The network's heads lie on a grid of 48 × 48 cells. The decoding is the one of the TensorFlow.js graph: the person's centre is the
best cell of `center`; `regress` gives each point's place from there; the heat map of a point, divided by the distance to that
place + 1.8, has its best cell; `offset` moves the point within the cell.
"""

import json
from pathlib import Path

import numpy as np

from .graph import BATCH, float_tensor
from .tfjs import Converter

_GRID = 48
_CELLS = _GRID * _GRID
_POINTS = 17
_HEAD = "StatefulPartitionedCall/"
_CENTER = f"{_HEAD}truediv_2"
_HEATMAP = f"{_HEAD}Sigmoid"
_REGRESS = f"{_HEAD}kpt_regress_0/conv2d_6/BiasAdd"
_OFFSET = f"{_HEAD}kpt_offset_0/conv2d_7/BiasAdd"
_ROWS, _COLUMNS = f"{_HEAD}strided_slice_3", f"{_HEAD}strided_slice_4"
_DISTANCE, _SCALE = f"{_HEAD}add_5/y", f"{_HEAD}Reshape_13"
_CAST, _PREPARED, _FACTOR = f"{_HEAD}Cast", f"{_HEAD}sub_1", f"{_HEAD}truediv"


def convert(members: list[Path], output: Path) -> None:
    """`members`: the model's JSON, then its shards."""
    model = json.loads(members[0].read_text(encoding="utf-8"))
    converter = Converter(model, [shard.read_bytes() for shard in members[1:]])
    _prepare(converter)
    converter.run([_CENTER, _HEATMAP, _REGRESS, _OFFSET])
    _Decoding(converter).add("Identity")
    converter.save(output / f"{output.name}.onnx", [float_tensor("Identity", [BATCH, 1, _POINTS, 3])])


def _prepare(converter: Converter) -> None:
    """[0, 255] → [-1, 1]. The graph does it for a batch of one that it takes apart and puts together, and for each channel alike."""
    converter.run([_CAST])
    (factor,) = np.unique(converter.constant(_FACTOR))
    graph = converter.graph
    scaled = graph.add("Mul", [converter.value(_CAST), graph.float32(float(factor))])
    converter.give(_PREPARED, graph.add("Sub", [scaled, graph.float32(1)]))


class _Decoding:
    """Cells are numbered row by row; N is the batch, P the number of points."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._graph = converter.graph

    def add(self, output: str) -> None:
        """Adds [N, 1, P, 3]: row, column (both from 0 to 1) and score of each point."""
        graph = self._graph
        centre = self._best(self._cells(_CENTER, 1))  # [N, 1]
        # [N, 1, 2 P] → [N, P, 2]: row and column of a point, from the centre's cell.
        regressed = graph.add("GatherND", [self._cells(_REGRESS, 2 * _POINTS), self._index(centre)], batch_dims=1)
        regressed = graph.add("Reshape", [regressed, graph.int64(0, _POINTS, 2)])
        expected = graph.add("Add", [regressed, self._place(centre)])
        scores = self._cells(_HEATMAP, _POINTS)
        best = self._best(graph.add("Div", [scores, self._distance(expected)]))  # [N, P]
        place = graph.add("Add", [self._place(best), self._own(_OFFSET, best, 2)])
        scale = graph.constant(self._converter.constant(_SCALE).reshape(2))
        joined = graph.add("Concat", [graph.add("Mul", [place, scale]), self._own(_HEATMAP, best, 1)], axis=2)
        graph.add("Unsqueeze", [joined, graph.int64(1)], output=output)

    def _cells(self, head: str, channels: int) -> str:
        """[N, 48, 48, C] → [N, 2304, C]."""
        return self._graph.add("Reshape", [self._converter.value(head), self._graph.int64(0, _CELLS, channels)])

    def _best(self, scores: str) -> str:
        """[N, cells, C] → [N, C]: the number of the best cell."""
        return self._graph.add("ArgMax", [scores], axis=1, keepdims=0)

    def _index(self, cells: str) -> str:
        return self._graph.add("Unsqueeze", [cells, self._graph.int64(-1)])

    def _place(self, cells: str) -> str:
        """[N, C] → [N, C, 2]: row and column of each cell."""
        grid = np.stack(np.divmod(np.arange(_CELLS), _GRID), axis=1).astype(np.float32)
        return self._graph.add("Gather", [self._graph.constant(grid), cells], axis=0)

    def _distance(self, expected: str) -> str:
        """[N, P, 2] → [N, cells, P]: how far each cell is from each point's expected place, and 1.8 more."""
        graph, converter = self._graph, self._converter
        total = ""
        for axis, name in enumerate((_ROWS, _COLUMNS)):
            grid = converter.constant(name).astype(np.float32).reshape(1, _CELLS, -1)
            own = graph.add("Gather", [expected, graph.constant(np.array(axis, np.int64))], axis=2)
            difference = graph.add("Sub", [graph.constant(grid), graph.add("Unsqueeze", [own, graph.int64(1)])])
            squared = graph.add("Mul", [difference, difference])
            total = graph.add("Add", [total, squared]) if total else squared
        margin = graph.float32(float(converter.constant(_DISTANCE)))
        return graph.add("Add", [graph.add("Sqrt", [total]), margin])

    def _own(self, head: str, best: str, width: int) -> str:
        """[N, P, width]: what the head says of point p at its best cell. The head has `width` channels for each point."""
        graph = self._graph
        by_point = graph.add("Reshape", [self._converter.value(head), graph.int64(0, _CELLS, _POINTS, width)])
        by_point = graph.add("Transpose", [by_point], perm=[0, 2, 1, 3])
        return graph.add("GatherND", [by_point, self._index(best)], batch_dims=2)
