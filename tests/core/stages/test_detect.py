from __future__ import annotations

import math
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.checkpoints.detector import load_detector
from panini_core.faces import Face
from panini_core.images import read_image
from panini_core.models.face_detector import Detections, FaceDetector
from panini_core.stages import detect
from panini_core.stages.detect import choose_scales, detect_faces


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


FACES = {
    "group_six.jpg": 6,
    "four_women.png": 4,
    "group_four_small.jpg": 4,
    "old_two.png": 2,
    "old_portrait.png": 1,
    "no_face_found.png": 0,
}


@pytest.fixture(scope="module")
def bundled() -> FaceDetector:
    return load_detector("bundled")


@pytest.fixture(scope="module")
def photos(shared: Path) -> Path:
    return shared / "data/photos"


def load(path: Path) -> Tensor:
    return read_image(path).pixels[None]


def astronaut() -> Tensor:
    """One face of 85 px in a picture of 256 px, of scikit-image's astronaut."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's photographs")
    pixels = torch.from_numpy(data.astronaut()[:256, 96:352].copy())
    return pixels.movedim(-1, 0)[None] / 255


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    reach = math.ceil(3 * sigma)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    taps = (taps / taps.sum()).expand(3, 1, 1, -1)
    images = F.pad(images, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(images, taps, groups=3), taps.mT, groups=3)


def scaled(images: Tensor, scale: float) -> Tensor:
    size = [max(round(side * scale), 1) for side in images.shape[-2:]]
    return F.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)


LARGEST_CHART = 2**13  # px


def chart(height: int, width: int, count: int = 1) -> Tensor:
    """Images (count, 3, height, width) whose red tells x, and whose green tells y."""
    x = (torch.arange(width) + 0.5) / LARGEST_CHART
    y = (torch.arange(height) + 0.5) / LARGEST_CHART
    planes = [x.expand(height, -1), y[:, None].expand(-1, width), torch.zeros(height, width)]
    return torch.stack(planes).repeat(count, 1, 1, 1)


def read_chart(image: Tensor) -> tuple[float, float, float] | None:
    """The network px per px of the chart that an image shows, and where its corner lies, px; None
    of a turned one."""
    height, width = image.shape[-2:]
    first, last = width // 4, width - 1 - width // 4  # not at the border, where nothing grows
    row = height // 4
    (x0, x1), (other, _) = (image[0, [row, -1 - row]][:, [first, last]] * LARGEST_CHART).tolist()
    if x1 - x0 < 1e-3 or abs(other - x0) > 0.01 * (x1 - x0):
        return None
    scale = (last - first) / (x1 - x0)
    y = image[1, row, width // 2].item() * LARGEST_CHART
    return scale, x0 - (first + 0.5) / scale, y - (row + 0.5) / scale


class Stub:
    """Reports boxes, given in px of a chart, wherever it is shown them; keeps the sizes it saw.

    What of a face lies outside what it is shown it does not see.
    """

    device = torch.device("cpu")

    def __init__(self, *boxes: tuple[float, float, float, float], score: float = 0.9) -> None:
        self.rows = torch.tensor([[*box, score] for box in boxes]).view(-1, 5)
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        self.seen.append(tuple(images.shape))
        return [self._find(image, threshold) for image in images]

    def _find(self, image: Tensor, threshold: float) -> Detections:
        return self.show(self.rows, image, threshold, read_chart(image))

    @staticmethod
    def show(
        rows: Tensor, image: Tensor, threshold: float, view: tuple[float, float, float] | None
    ) -> Detections:
        scale, left, top = view or (1.0, 0.0, 0.0)
        rows = rows if view is not None else rows[:0]
        boxes = (rows[:, :4] - torch.tensor([left, top] * 2)) * scale
        landmarks = boxes[:, None, :2].repeat(1, 5, 1)
        size = torch.tensor([image.shape[-1], image.shape[-2]])
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = (middles[:, 0] > 0) & (middles[:, 0] < size[0])
        found = Detections(boxes, landmarks, rows[:, 4])
        return found.select(inside & (found.scores > threshold))


@pytest.mark.parametrize("name", FACES)
def test_finds_the_faces_of_photographs(name: str, photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / name)
    faces = detect_faces(bundled, image)
    assert len(faces) == FACES[name]
    for face in faces:
        assert 0.6 < face.score <= 1
        (x0, y0, x1, y1), eye, nose = face.box.tolist(), face.landmarks[0], face.landmarks[2]
        assert -0.1 * face.size < x0 < x1 < image.shape[-1] + 0.1 * face.size
        assert x0 < eye[0] < x1
        assert y0 < eye[1] < nose[1] < y1


def test_finds_the_family(photos: Path, bundled: FaceDetector) -> None:
    """Three people, and a knob that scores little more than the default threshold."""
    faces = detect_faces(bundled, load(photos / "family.png"))
    assert len(faces) == 4
    assert sum(face.score > 0.9 for face in faces) == 3


def test_facexlib_weights_find_the_same(photos: Path, shared: Path) -> None:
    detector = load_detector(shared / "data/weights/retinaface_mobile0.25.pth")
    for name in ("group_four_small.jpg", "old_two.png"):
        assert len(detect_faces(detector, load(photos / name))) == FACES[name]


def test_faces_are_sorted_by_image_then_left_to_right(photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / "group_four_small.jpg")
    batch = torch.cat([image, torch.zeros_like(image), image.flip(-1)])
    faces = detect_faces(bundled, batch)
    assert [face.image_index for face in faces] == [0] * 4 + [2] * 4
    assert [face.number for face in faces] == [0, 1, 2, 3] * 2
    for index in (0, 2):
        lefts = [face.box[0].item() for face in faces if face.image_index == index]
        assert lefts == sorted(lefts)


def test_a_batch_gives_what_its_images_give(photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / "group_four_small.jpg")
    alone = detect_faces(bundled, image)
    batch = detect_faces(bundled, torch.cat([image.flip(-1), image]))[4:]
    for one, other in zip(alone, batch, strict=True):
        torch.testing.assert_close(one.landmarks, other.landmarks, atol=0.02, rtol=0)


def test_faces_of_16_px_are_found(photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / "group_six.jpg")
    sizes = [face.size for face in detect_faces(bundled, image)]
    small = scaled(image, 16 / (sum(sizes) / len(sizes)))
    faces = detect_faces(bundled, small)
    assert len(faces) == 6
    assert 13 < sum(face.size for face in faces) / 6 < 19

    canvas = torch.full((1, 3, 900, 1400), 0.4)  # the same small faces in a larger picture
    canvas[..., 300 : 300 + small.shape[-2], 700 : 700 + small.shape[-1]] = small
    assert len(detect_faces(bundled, canvas)) == 6


def test_very_large_images_are_seen_whole_and_fine(photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / "group_six.jpg")
    large = F.interpolate(image, scale_factor=3.5, mode="bilinear")  # 4480 x 3101, faces of 480 px
    small = load(photos / "group_four_small.jpg")  # faces of 45 px
    large[..., :310, :491] = small
    faces = detect_faces(bundled, large)
    assert len(faces) == 10
    assert sum(face.size > 300 for face in faces) == 6
    expected = torch.stack([face.landmarks for face in detect_faces(bundled, small)])
    found = torch.stack([face.landmarks for face in faces if face.size < 100])
    assert (found - expected).abs().mean() < 3


def test_a_face_cut_by_the_border_is_found(photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / "old_two.png")
    face = detect_faces(bundled, image)[0]
    cut = int(face.landmarks[:2, 0].mean().item() - 0.2 * face.size)
    assert len(detect_faces(bundled, image[..., cut:])) == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_takes_every_float_type(dtype: torch.dtype, photos: Path, bundled: FaceDetector) -> None:
    image = load(photos / "group_four_small.jpg").to(dtype)
    before = image.clone()
    faces = detect_faces(bundled, image)
    assert len(faces) == 4
    assert faces[0].box.dtype == torch.float32
    assert torch.equal(image, before)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 3), (2, 5000)])
def test_odd_images_give_no_face(size: tuple[int, int], bundled: FaceDetector) -> None:
    assert detect_faces(bundled, torch.rand(2, 3, *size)) == []


def test_boxes_return_to_image_coordinates_at_every_size() -> None:
    for height, width in [(50, 80), (333, 511), (1200, 1999), (4001, 6007)]:
        expected = (0.25 * width, 0.5 * height, 0.3 * width, 0.6 * height)
        stub = Stub(expected)
        face, *others = detect_faces(stub, chart(height, width))
        assert not others
        torch.testing.assert_close(face.box, torch.tensor(expected), atol=0.2, rtol=1e-3)
        assert max(max(seen) for seen in stub.seen) <= 2560


def test_threshold_and_size_bound_what_is_returned() -> None:
    stub = Stub((50, 50, 100, 100), (250, 250, 450, 450), score=0.7)
    image = chart(500, 500)
    assert len(detect_faces(stub, image)) == 2
    assert len(detect_faces(stub, image, threshold=0.75)) == 0
    sizes = [face.size for face in detect_faces(stub, image, min_size=100)]
    assert sizes == pytest.approx([200], abs=0.1)
    sizes = [face.size for face in detect_faces(stub, image, max_size=100)]
    assert sizes == pytest.approx([50], abs=0.1)


class Counter(Stub):
    """Finds as many boxes as a chart's blue says, in twentieths."""

    def _find(self, image: Tensor, threshold: float) -> Detections:
        count = round(image[2, 0, 0].item() * 20)
        rows = torch.tensor([[60.0 * row, 0, 60 * row + 54, 54, 0.9] for row in range(count)])
        return self.show(rows.view(-1, 5), image, threshold, read_chart(image))


def test_many_images_are_seen_few_at_a_time_and_counted() -> None:
    counts = [index % 4 for index in range(50)]
    images = chart(400, 600, 50)
    images[:, 2] = torch.tensor(counts)[:, None, None] / 20
    detector, progress = Counter(), list[tuple[int, int]]()
    faces = detect_faces(detector, images, on_image=lambda *step: progress.append(step))
    assert [sum(face.image_index == index for face in faces) for index in range(50)] == counts
    assert [face.image_index for face in faces] == sorted(face.image_index for face in faces)
    views = [shape for shape in detector.seen if shape[-1] != shape[-2]]  # no closer looks
    assert max(shape[0] for shape in views) < 10  # a fine view of 50 images: 48 Mpx
    assert [total for _, total in progress] == [50] * len(progress)
    done = [done for done, _ in progress]
    assert len(done) > 5 and done == sorted(set(done)) and done[-1] == 50


def test_a_callback_may_stop_the_search() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    detector = Counter()
    with pytest.raises(KeyboardInterrupt):
        detect_faces(detector, chart(400, 600, 50), on_image=stop)
    assert sum(shape[0] for shape in detector.seen) < 50


class Scripted(Stub):
    """Other boxes, in shares of a chart of 640 px, at the coarse, the fine and the overview scale;
    closer looks show nothing."""

    def __init__(self, *answers: list[list[float]]) -> None:
        super().__init__()
        share = torch.tensor([640.0] * 4 + [1.0])
        self.answers = {
            scale: torch.tensor(rows).view(-1, 5) * share
            for scale, rows in zip((1.0, 2.0, 0.25), answers, strict=True)
        }

    def _find(self, image: Tensor, threshold: float) -> Detections:
        about, left, top = read_chart(image) or (0.0, 0.0, 0.0)
        scale = next((scale for scale in self.answers if abs(about / scale - 1) < 0.01), None)
        if scale is None:
            return self.show(self.rows, image, threshold, None)
        view = (scale, float(round(left)), float(round(top)))
        found = self.show(self.answers[scale], image, 0, view).merge_overlaps()
        return found.select(found.scores > threshold)


CANVAS = chart(640, 640)
FAINT = 0.08  # of what the coarse scale hints at, too weak to be a witness


def test_a_part_of_a_better_larger_face_is_not_a_face() -> None:
    whole, part = [0.2, 0.2, 0.4, 0.4, 0.95], [0.22, 0.22, 0.24, 0.24, 0.7]
    faces = detect_faces(Scripted([whole], [part], []), CANVAS)
    assert [face.size for face in faces] == pytest.approx([128])
    hint = [*part[:4], FAINT]
    faces = detect_faces(Scripted([hint], [part], [whole]), CANVAS)
    assert [face.size for face in faces] == pytest.approx([128])


def test_what_should_show_at_both_scales_but_does_not_is_no_face() -> None:
    small, large = [0.1, 0.1, 0.12, 0.12, 0.7], [0.5, 0.5, 0.6, 0.6, 0.7]
    hints = [[*small[:4], FAINT], [*large[:4], FAINT]]
    assert len(detect_faces(Scripted(hints, [small], []), CANVAS)) == 1
    assert len(detect_faces(Scripted(hints, [large], []), CANVAS)) == 0
    weak = [*large[:4], 0.4]  # too weak to be found alone, but a witness
    assert len(detect_faces(Scripted([weak], [large], []), CANVAS)) == 1
    assert len(detect_faces(Scripted([weak], [], []), CANVAS)) == 0


def test_the_overview_adds_large_faces_only() -> None:
    large, small = [0.2, 0.2, 0.6, 0.6, 0.9], [0.8, 0.8, 0.9, 0.9, 0.9]
    unsure = [0.5, 0.5, 0.9, 0.9, 0.7]
    faces = detect_faces(Scripted([], [], [large, small, unsure]), CANVAS)
    assert [face.size for face in faces] == pytest.approx([0.4 * 640])


@pytest.mark.parametrize("score", [0.3, 0.7, 0.95])
def test_where_the_overview_is_sure_and_the_face_is_not_clear_the_overview_places_it(
    score: float,
) -> None:
    large, shifted = [0.2, 0.2, 0.6, 0.6, 0.9], [0.22, 0.2, 0.62, 0.6, score]
    for threshold in (0.1, 0.6, 0.8):
        (face,) = detect_faces(Scripted([shifted], [], [large]), CANVAS, threshold=threshold)
        assert face.box[0].item() == pytest.approx(128)
        assert face.score == pytest.approx(max(score, 0.9))


def test_a_clear_face_keeps_its_place_and_has_the_higher_score() -> None:
    clear = [0.22, 0.2, 0.62, 0.6, 0.985]
    for surer in (0.9, 0.995):
        overview = [[0.2, 0.2, 0.6, 0.6, surer]]
        (face,) = detect_faces(Scripted([clear], [], overview), CANVAS)
        assert face.box[0].item() == pytest.approx(0.22 * 640)
        assert face.score == pytest.approx(max(surer, 0.985))


def test_a_box_of_the_overview_across_a_sure_face_is_none() -> None:
    sure, across = [0.2, 0.2, 0.5, 0.5, 0.9], [0.35, 0.2, 0.65, 0.5, 0.99]
    assert len(detect_faces(Scripted([sure], [], [across]), CANVAS)) == 1
    assert len(detect_faces(Scripted([], [], [across]), CANVAS)) == 1


# --- thresholds ---------------------------------------------------------------------------------


def assert_a_lower_threshold_only_adds(low: list[Face], high: list[Face], threshold: float) -> None:
    kept = [face for face in low if face.score > threshold]
    assert [face.score for face in kept] == pytest.approx([face.score for face in high])
    for one, other in zip(kept, high, strict=True):
        torch.testing.assert_close(one.box, other.box, atol=1e-2, rtol=0)
        torch.testing.assert_close(one.landmarks, other.landmarks, atol=1e-2, rtol=0)


# One face and what may be confused with it: a part of it, what lies across it, its neighbour.
looks = st.lists(
    st.tuples(
        st.sampled_from([(0.3, 0.2), (0.3, 0.2), (0.35, 0.08), (0.42, 0.2), (0.51, 0.2)]),
        st.floats(-0.02, 0.02),
        st.floats(0.9, 1.1),
        st.floats(0.01, 1.0),
    ).map(lambda one: square(one[0][0] + one[1], one[0][1] * one[2], one[3])),
    max_size=4,
)


def square(place: float, side: float, score: float) -> list[float]:
    return [place, place, place + side, place + side, score]


def take_as_found(_: FaceDetector, __: Tensor, found: Detections) -> tuple[Detections, Tensor]:
    return found, torch.ones(len(found), dtype=torch.bool)


@settings(deadline=None, max_examples=100)
@given(coarse=looks, fine=looks, overview=looks, low=st.floats(0.02, 0.99), gap=st.floats(0, 0.9))
def test_a_lower_threshold_adds_faces_and_moves_none(
    coarse: list[list[float]],
    fine: list[list[float]],
    overview: list[list[float]],
    low: float,
    gap: float,
) -> None:
    detector = Scripted(coarse, fine, overview)
    high = min(low + gap, 1.0)
    with patch.object(detect, "look_again", take_as_found):  # nothing is turned here
        assert_a_lower_threshold_only_adds(
            detect_faces(detector, CANVAS, threshold=low),
            detect_faces(detector, CANVAS, threshold=high),
            high,
        )


@settings(deadline=None, max_examples=4)
@example(blur=7.125, low=0.125, high=0.5)  # a weak face, which the overview confirmed
@given(blur=st.floats(0, 14), low=st.floats(0.05, 0.5), high=st.floats(0.5, 0.99))
def test_blurred_photographs_keep_their_sure_faces_at_every_threshold(
    blur: float, low: float, high: float, bundled: FaceDetector
) -> None:
    image = gaussian_blur(astronaut(), blur)
    assert_a_lower_threshold_only_adds(
        detect_faces(bundled, image, threshold=low),
        detect_faces(bundled, image, threshold=high),
        high,
    )


def test_degraded_faces_are_placed_alike_at_every_threshold(
    shared: Path, bundled: FaceDetector
) -> None:
    """Two of them are surely seen in the overview only, and weakly elsewhere at their own size."""
    for name in ("005", "019", "029"):
        image = load(shared / f"data/eval/degraded/{name}.png")
        everything = detect_faces(bundled, image, threshold=0.1)
        assert any(face.score > 0.9 for face in everything)
        for threshold in (0.3, 0.6, 0.9):
            assert_a_lower_threshold_only_adds(
                everything, detect_faces(bundled, image, threshold=threshold), threshold
            )


def test_badly_blurred_faces_are_found(shared: Path, bundled: FaceDetector) -> None:
    names = ("002", "005", "011", "013", "019", "029", "032")
    paths = [shared / f"data/eval/degraded/{name}.png" for name in names]
    faces = detect_faces(bundled, torch.cat([load(path) for path in paths]))
    assert [face.image_index for face in faces] == list(range(len(names)))
    assert all(280 < face.size < 450 for face in faces)


def test_scales() -> None:
    assert choose_scales(40, 20, 0) == (4, 4, 4)  # tiny: enlarged
    assert choose_scales(100, 50, 0) == (1.6, 4, 4)
    assert choose_scales(900, 1280, 0) == (0.125, 0.5, 2)
    overview, coarse, fine = choose_scales(4000, 6000, 0)
    assert (overview * 6000, coarse * 6000, fine * 6000) == pytest.approx((160, 640, 2560))
    assert choose_scales(4000, 6000, 0, 6000)[2] == 1
    assert choose_scales(900, 1280, min_size=80) == (0.125, 0.5, 0.5)  # no small face is wanted
    assert choose_scales(900, 1280, 0, max_side=320) == (0.125, 0.25, 0.25)


def test_the_detector_sees_finite_pixels_only() -> None:
    class Careful(Stub):
        def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
            assert images.isfinite().all()
            return super().__call__(images, threshold)

    image = torch.rand(1, 3, 90, 120)
    image[..., 30] = torch.nan
    image[..., 60] = torch.inf
    assert detect_faces(Careful(), image) == []


@pytest.mark.parametrize("images", [torch.zeros(3, 8, 8), torch.zeros(1, 4, 8, 8)])
def test_other_shapes_are_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        detect_faces(Stub(), images)


@pytest.mark.parametrize("shape", [(1, 3, 0, 8), (1, 3, 8, 0), (0, 3, 0, 0)])
def test_images_without_pixels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 1 x 1 px"):
        detect_faces(Stub(), torch.zeros(shape))


def test_no_images_have_no_faces(bundled: FaceDetector) -> None:
    for height, width in ((64, 64), (33, 470), (1080, 1920)):
        assert detect_faces(bundled, torch.zeros(0, 3, height, width)) == []


def test_bytes_and_wrong_thresholds_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        detect_faces(Stub(), torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match="threshold"):
        detect_faces(Stub(), torch.zeros(1, 3, 8, 8), threshold=60)
