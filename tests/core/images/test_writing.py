"""Picture files: exact round trips, kinds that are kept, and clear errors."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from panini_core.images import (
    ImageFile,
    ImageFileError,
    Metadata,
    check_writable,
    read_image,
    write_file,
    write_image,
)
from panini_core.models.value_range import from_network, to_network

ORIENTATION = 0x0112
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(*shape: int, bits: int = 8, seed: int = 0) -> np.ndarray:
    kind = np.uint16 if bits == 16 else np.uint8
    return np.random.default_rng(seed).integers(0, 2**bits, shape).astype(kind)


def from_array(array: np.ndarray, **options: object) -> ImageFile:
    """(H, W, C) integers as an ImageFile."""
    bits = 16 if array.dtype == np.uint16 else 8
    values = torch.from_numpy(array.astype(np.float32) / (2**bits - 1)).permute(2, 0, 1)
    grey = values.shape[0] <= 2
    return ImageFile(
        pixels=values[:1].expand(3, -1, -1) if grey else values[:3],
        alpha=values[-1:] if values.shape[0] in (2, 4) else None,
        bit_depth=bits,
        grey=grey,
        **options,  # type: ignore[arg-type]
    )


def to_array(image: ImageFile) -> np.ndarray:
    """The integers of all channels, (H, W, C)."""
    planes = [image.pixels[:1] if image.grey else image.pixels]
    if image.alpha is not None:
        planes.append(image.alpha)
    scale = 2**image.bit_depth - 1
    return (torch.cat(planes) * scale).round().to(torch.int64).permute(1, 2, 0).numpy()


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".bmp"])
def test_all_8bit_values_survive(tmp_path: Path, suffix: str) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    array = np.stack([values, values.T, values[::-1]], axis=-1)
    Image.fromarray(array).save(tmp_path / f"a{suffix}", lossless=True)
    image = read_image(tmp_path / f"a{suffix}")
    assert image.pixels.dtype == torch.float32
    assert image.bit_depth == 8
    write_image(tmp_path / f"b{suffix}", image)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / f"b{suffix}")), array)


@pytest.mark.parametrize(
    ("suffix", "channels"),  # Pillow does not open 16-bit TIFF of grey with alpha
    [(".png", 1), (".png", 2), (".png", 3), (".png", 4), (".tif", 1), (".tif", 3), (".tif", 4)],
)
def test_all_16bit_values_survive(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    array = np.stack([values, values.T, values[::-1], values[:, ::-1]][:channels], axis=-1)
    write_image(tmp_path / f"a{suffix}", from_array(array))
    image = read_image(tmp_path / f"a{suffix}")
    assert (image.bit_depth, image.grey) == (16, channels <= 2)
    np.testing.assert_array_equal(to_array(image), array)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16bit_files_agree_with_opencv_in_both_directions(tmp_path: Path, suffix: str) -> None:
    cv2 = pytest.importorskip("cv2")
    rgba = noise(9, 7, 4, bits=16)
    bgra = rgba[..., [2, 1, 0, 3]]
    for channels in (3, 4):
        theirs = tmp_path / f"theirs{channels}{suffix}"
        assert cv2.imwrite(str(theirs), bgra[..., :channels])
        np.testing.assert_array_equal(to_array(read_image(theirs)), rgba[..., :channels])
        ours = tmp_path / f"ours{channels}{suffix}"
        write_image(ours, from_array(rgba[..., :channels]))
        read_back = cv2.imread(str(ours), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(read_back, bgra[..., :channels])


def test_values_are_rounded_half_to_even_and_clamped(tmp_path: Path) -> None:
    levels = torch.tensor([-1.0, 0.5, 1.5, 2.5, 253.5, 254.5, 300.0]) / 255
    write_image(tmp_path / "a.png", ImageFile(pixels=levels.expand(3, 1, -1)))
    assert to_array(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 0, 2, 2, 254, 254, 255]


def test_nan_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="NaN"):
        write_image(tmp_path / "a.png", ImageFile(pixels=torch.full((3, 2, 2), float("nan"))))
    assert not list(tmp_path.iterdir())


@settings(deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
def test_network_range_round_trip(values: list[float]) -> None:
    images = torch.tensor(values)
    inside = to_network(images)
    assert inside.min() >= -1
    assert inside.max() <= 1
    torch.testing.assert_close(from_network(inside), images, atol=1e-6, rtol=0)


def test_from_network_clamps() -> None:
    assert from_network(torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])).tolist() == [0, 0, 0.5, 1, 1]


# --- kinds ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    suffix=st.sampled_from([".png", ".tif", ".webp"]),
    channels=st.sampled_from([1, 2, 3, 4]),
    bits=st.sampled_from([8, 16]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_read_write_read_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    channels: int,
    bits: int,
    height: int,
    width: int,
    seed: int,
) -> None:
    if suffix == ".webp":
        bits, channels = 8, max(channels, 3)
    if (suffix, channels, bits) == (".tif", 2, 16):
        channels = 4
    folder = tmp_path_factory.mktemp("kinds")
    array = noise(height, width, channels, bits=bits, seed=seed)
    write_image(folder / f"a{suffix}", from_array(array))
    first = read_image(folder / f"a{suffix}")
    np.testing.assert_array_equal(to_array(first)[..., :channels], array)
    write_image(folder / f"b{suffix}", first)
    assert (folder / f"a{suffix}").read_bytes() == (folder / f"b{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("name", "mode"), [("a.png", "L"), ("a.jpg", "L"), ("a.tif", "L"), ("a.png", "I;16")]
)
def test_grey_files_stay_grey(tmp_path: Path, name: str, mode: str) -> None:
    array = noise(8, 8, bits=16 if mode == "I;16" else 8)
    Image.fromarray(array).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.grey
    assert torch.equal(image.pixels[0], image.pixels[2])
    write_image(tmp_path / f"again-{name}", image)
    assert Image.open(tmp_path / f"again-{name}").mode == mode


def test_colours_below_full_transparency_are_kept(tmp_path: Path) -> None:
    array = noise(6, 6, 4)
    array[..., 3] = 0
    for name in ("a.png", "a.webp", "a.tif"):
        write_image(tmp_path / name, from_array(array))
        np.testing.assert_array_equal(to_array(read_image(tmp_path / name)), array)


@pytest.mark.parametrize(
    ("suffix", "bits"),
    [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8), (".webp", 8)],
)
def test_profile_exif_and_resolution_are_kept(tmp_path: Path, suffix: str, bits: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    Image.fromarray(noise(8, 6, 3)).save(
        tmp_path / "source.jpg", icc_profile=SRGB_PROFILE, exif=exif.tobytes(), dpi=(300, 150)
    )
    source = read_image(tmp_path / "source.jpg")
    array = noise(8, 6, 3, bits=bits)
    image = from_array(array, metadata=source.metadata)
    write_image(tmp_path / f"a{suffix}", image)

    again = read_image(tmp_path / f"a{suffix}")
    assert again.metadata.icc_profile == SRGB_PROFILE
    assert again.metadata.exif is not None
    kept = Image.Exif()
    kept.load(again.metadata.exif)
    assert kept[0x010F] == "A camera"
    assert kept.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    if suffix != ".webp":  # which has no field for it
        assert again.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    write_image(tmp_path / f"b{suffix}", again)  # what one format listed, it takes again
    assert read_image(tmp_path / f"b{suffix}").metadata == again.metadata


def test_a_tiffs_layout_does_not_travel_as_exif(tmp_path: Path) -> None:
    Image.fromarray(noise(8, 6, 3)).save(tmp_path / "a.tif", software="a scanner")
    image = read_image(tmp_path / "a.tif")
    assert image.metadata.exif is not None
    write_image(tmp_path / "b.png", image)
    assert dict(Image.open(tmp_path / "b.png").getexif()) == {0x0131: "a scanner"}


@pytest.mark.parametrize("bits", [8, 16])
def test_png_text_is_kept(tmp_path: Path, bits: int) -> None:
    text = (("workflow", '{"nodes": [1, "ä"]}'), ("parameters", "a portrait"))
    metadata = Metadata(text=text)
    write_image(tmp_path / "a.png", from_array(noise(4, 4, 3, bits=bits), metadata=metadata))
    assert read_image(tmp_path / "a.png").metadata.text == text


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_exif_orientation_is_applied_once(tmp_path: Path, orientation: int, bits: int) -> None:
    array = noise(5, 3, 3, bits=bits)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    metadata = Metadata(exif=exif.tobytes())
    write_image(tmp_path / "a.png", from_array(array, metadata=metadata))

    image = read_image(tmp_path / "a.png")
    turned = {
        1: array,
        2: array[:, ::-1],
        3: array[::-1, ::-1],
        4: array[::-1],
        5: array.transpose(1, 0, 2),
        6: np.rot90(array, -1),
        7: np.rot90(array, 2).transpose(1, 0, 2),
        8: np.rot90(array, 1),
    }[orientation]
    np.testing.assert_array_equal(to_array(image), turned)
    write_image(tmp_path / "b.png", image)
    assert Image.open(tmp_path / "b.png").getexif()[ORIENTATION] == 1
    np.testing.assert_array_equal(to_array(read_image(tmp_path / "b.png")), turned)


def test_webp_comes_back_with_or_without_loss_as_it_came(tmp_path: Path) -> None:
    picture = Image.fromarray(noise(16, 16, 3))
    picture.save(tmp_path / "lossless.webp", lossless=True)
    picture.save(tmp_path / "lossy.webp", quality=80)
    picture.save(tmp_path / "with-profile.webp", lossless=True, icc_profile=SRGB_PROFILE)
    for name, lossless in [("lossless", True), ("lossy", False), ("with-profile", True)]:
        image = read_image(tmp_path / f"{name}.webp")
        assert image.lossless is lossless
        write_image(tmp_path / "again.webp", image)
        assert read_image(tmp_path / "again.webp").lossless is lossless


def test_jpeg_keeps_full_chroma_at_quality_95(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", from_array(noise(16, 16, 3)))
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
        theirs = io.BytesIO()
        image.save(theirs, "JPEG", quality=95)
        assert image.quantization == Image.open(theirs).quantization  # type: ignore[attr-defined]


def test_palette_cmyk_and_one_bit_are_converted_with_a_note(tmp_path: Path) -> None:
    colour = Image.fromarray(noise(8, 8, 3))
    colour.convert("P").save(tmp_path / "palette.png")
    colour.convert("P").save(tmp_path / "palette.gif")
    colour.convert("CMYK").save(tmp_path / "cmyk.jpg")
    colour.convert("1").save(tmp_path / "bits.png")
    for name, word in [
        ("palette.png", "palette"),
        ("palette.gif", "palette"),
        ("cmyk.jpg", "CMYK"),
    ]:
        image = read_image(tmp_path / name)
        assert word in image.notes[0]
        assert not image.grey
    bits = read_image(tmp_path / "bits.png")
    assert bits.grey
    assert "1 bit" in bits.notes[0]
    assert bits.pixels.unique().tolist() == [0, 1]


def test_cmyk_without_a_profile_has_the_right_colours(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (220, 30, 40))
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    mean = read_image(tmp_path / "a.jpg").pixels.mean(dim=(1, 2)) * 255
    torch.testing.assert_close(mean, torch.tensor([220.0, 30.0, 40.0]), atol=4, rtol=0)


def test_a_cmyk_profile_is_not_kept_for_rgb_and_a_broken_one_does_no_harm(tmp_path: Path) -> None:
    picture = Image.fromarray(noise(16, 16, 3)).convert("CMYK")
    picture.save(tmp_path / "plain.tif")
    picture.save(tmp_path / "broken.tif", icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 200)
    plain, broken = (read_image(tmp_path / f"{name}.tif") for name in ("plain", "broken"))
    assert torch.equal(plain.pixels, broken.pixels)
    assert broken.metadata.icc_profile is None


def test_transparent_palette_and_colour_key_become_alpha(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "a.gif", transparency=0)
    image = read_image(tmp_path / "a.gif")
    assert image.alpha is not None
    assert image.alpha.flatten().tolist() == [0, 1]
    Image.new("RGB", (2, 2), (1, 2, 3)).save(tmp_path / "key.png", transparency=(1, 2, 3))
    keyed = read_image(tmp_path / "key.png")
    assert keyed.alpha is not None
    assert keyed.alpha.max() == 0


def test_the_first_of_several_pictures_is_used_with_a_note(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), (50 * index, 0, 0)) for index in range(1, 4)]
    for name in ("a.tif", "a.webp", "a.png", "a.gif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        image = read_image(tmp_path / name)
        assert "3 pictures" in image.notes[0], name
        assert image.pixels[0].unique().tolist() == pytest.approx([50 / 255])


def test_one_pixel_and_very_wide_pictures(tmp_path: Path) -> None:
    for width, height in [(1, 1), (30_000, 20)]:
        array = noise(height, width, 3)
        write_image(tmp_path / "a.png", from_array(array))
        image = read_image(tmp_path / "a.png")
        assert image.size == (width, height)
        np.testing.assert_array_equal(to_array(image), array)


# --- errors -----------------------------------------------------------------------------------


def complete_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(40, 40, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def enormous_png(width: int, height: int) -> bytes:
    """A file of a few bytes that claims to hold this many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"This is a text.\n", "not one"),
        (complete_png()[:20], "damaged"),
        (complete_png()[:-700], "damaged or cut off"),
        (enormous_png(30_000, 30_000), "30000x30000"),
        (enormous_png(100_000, 100_000), "more than twice"),
    ],
)
def test_unreadable_files_are_named_and_explained(
    tmp_path: Path, content: bytes | None, got: str
) -> None:
    path = tmp_path / "face.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageFileError) as caught:
        read_image(path)
    assert got in caught.value.got
    assert str(path) in str(caught.value)
    assert caught.value.expected
    assert caught.value.remedy.endswith(".")


def test_truncated_jpeg_and_16bit_png_are_refused(tmp_path: Path) -> None:
    Image.fromarray(noise(64, 64, 3)).save(tmp_path / "a.jpg")
    write_image(tmp_path / "b.png", from_array(noise(64, 64, 3, bits=16)))
    for name in ("a.jpg", "b.png"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(ImageFileError, match="damaged or cut off"):
            read_image(tmp_path / name)


def test_a_folder_and_a_float_tiff_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="a folder"):
        read_image(tmp_path)
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageFileError, match="32-bit float"):
        read_image(tmp_path / "a.tif")


def test_pillows_own_size_limit_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(enormous_png(100_000, 100_000))
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageFileError):
        read_image(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS


def test_formats_refuse_what_they_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="16-bit"):
        check_writable(tmp_path / "a.jpg", from_array(noise(2, 2, 3, bits=16)))
    transparent = from_array(np.zeros((2, 2, 4), np.uint8))
    with pytest.raises(ImageFileError, match="transparency"):
        check_writable(tmp_path / "a.jpg", transparent)
    for name in ("a.gif", "a.xyz"):
        with pytest.raises(ImageFileError, match=r"\.png keeps everything"):
            write_image(tmp_path / name, transparent)
    opaque = from_array(np.full((2, 2, 4), 255, np.uint8))
    write_image(tmp_path / "a.jpg", opaque)
    assert read_image(tmp_path / "a.jpg").alpha is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_a_picture_too_wide_for_its_format(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="20000x1 px"):
        write_image(tmp_path / "a.webp", from_array(noise(1, 20_000, 3)))


def test_an_unwritable_place_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="folder exists"):
        write_file(tmp_path / "nowhere" / "a.png", b"data")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageFileError):
        write_file(tmp_path / "a.png", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((ImageFileError, KeyboardInterrupt)):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
