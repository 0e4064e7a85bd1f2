"""The face board reads and writes the text of a selection as the node does."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from panini_core.faces import Face
from panini_core.stages.selection import (
    face_areas,
    face_distances,
    missed_faces,
    parse_rule,
    select_faces,
    sort_faces,
)

WEB = Path(__file__).resolve().parents[2] / "web"
WIDTH, HEIGHT, MOST = 400, 300, 3
SCRIPT = """
const { judgeFaces, parseRule, toggleFace } = await import(process.argv[1]);
const kept = (rule, frame, most) =>
  [...judgeFaces(rule, frame, most)].filter(([, v]) => v === "kept").map(([number]) => number);
const { frame, rules, most } = JSON.parse(process.argv[2]);
const last = frame.faces.length - 1;
process.stdout.write(JSON.stringify(rules.map((rule) => ({
  readable: parseRule(rule) !== null,
  all: kept(rule, frame, 0),
  some: kept(rule, frame, most),
  toggled: toggleFace(rule, 1, frame, last),
}))));
"""


# full-width comma, enumeration, digit, space and dash; en dash
WIDE = ["0\uff0c2", "1\u30013", "\uff12\u3000", "0\uff0d2", "1\u20134", "\uff0c"]


def random_rules(count: int) -> list[str]:
    """Readable ones, and some that are nearly so."""
    rng = random.Random(0)
    parts = ["0", "1", "2-4", " 3 - 3", "5", "07", "9999", "10000", "4-2", "-1", "a", "", "1.5"]
    parts += WIDE
    named = ["\uff41\uff4c\uff4c", "all", "ALL ", "none", "largest", "center", "centre"]
    lists = [",".join(rng.choices(parts[: rng.choice((7, 13, 19))], k=3)) for _ in range(count)]
    return [*parts, *named, *lists]


def ask_browser(frame: dict[str, Any], rules: list[str]) -> list[dict[str, Any]]:
    """What the board makes of each rule on a frame."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    task = json.dumps({"frame": frame, "rules": rules, "most": MOST})
    module = (WEB / "face_board" / "selection.js").as_uri()
    command = [node, "--input-type=module", "--eval", SCRIPT, module, task]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_every_text_means_the_same_in_the_browser() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(6, 2, generator=generator) * torch.tensor([WIDTH - 80, HEIGHT - 80])
    boxes = torch.cat([corners, corners + 10 + 70 * torch.rand(6, 2, generator=generator)], 1)
    faces = [Face(box, torch.zeros(5, 2), 0.9) for box in boxes]
    rules = random_rules(120)
    frame = {
        "width": WIDTH,
        "height": HEIGHT,
        "faces": [{"number": n, "box": box} for n, box in enumerate(boxes.tolist())],
        "missed": [],
    }
    answers = ask_browser(frame, rules)

    def chosen(rule: str, most: int = 0) -> list[int]:
        kept = select_faces(faces, rule, height=HEIGHT, width=WIDTH, max_faces=most)
        return [next(n for n, face in enumerate(faces) if face is one) for one in kept]

    for rule, answer in zip(rules, answers, strict=True):
        try:
            parse_rule(rule)
        except ValueError:
            assert not answer["readable"], rule
            continue
        assert answer["readable"], rule
        assert (answer["all"], answer["some"]) == (chosen(rule), chosen(rule, MOST)), rule
        assert set(chosen(answer["toggled"])) == set(chosen(rule)) ^ {1}, rule


def test_in_every_frame_of_a_clip_a_text_means_the_same_in_the_browser() -> None:
    generator = torch.Generator().manual_seed(1)
    corners = torch.rand(4, 5, 2, generator=generator) * torch.tensor([WIDTH - 80, HEIGHT - 80])
    boxes = torch.cat([corners, corners + 10 + 70 * torch.rand(4, 5, 2, generator=generator)], 2)
    faces = [
        Face(box, torch.zeros(5, 2), 0.9, frame, track=track)
        for frame, own in enumerate(boxes)
        for track, box in enumerate(own)
        if (frame, track) not in {(0, 1), (2, 4), (3, 0)}
    ]
    size = {"height": HEIGHT, "width": WIDTH}
    faces = sort_faces(faces, "small to large", **size)
    areas, distances = face_areas(faces), face_distances(faces, **size)
    missed = missed_faces(faces)
    assert sum(map(len, missed.values())) == 1
    rules = ["all", "none", "largest", "centre", "0", "1,3", "2-4"]
    for index in range(4):
        frame = {
            **size,
            "faces": [
                {"number": face.number, "box": face.box.tolist(), "area": area, "fromMiddle": far}
                for face, area, far in zip(faces, areas, distances, strict=True)
                if face.image_index == index
            ],
            "missed": [
                {"number": faces[row].number, "area": areas[row], "fromMiddle": distances[row]}
                for row in missed.get(index, [])
            ],
        }
        for rule, answer in zip(rules, ask_browser(frame, rules), strict=True):
            for key, most in (("all", 0), ("some", MOST)):
                kept = select_faces(faces, rule, max_faces=most, **size)
                numbers = [face.number for face in kept if face.image_index == index]
                assert answer[key] == numbers, (rule, index)
