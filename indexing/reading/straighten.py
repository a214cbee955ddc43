"""A picture of a page made ready for OCR: upright, of even light, large enough."""

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

LONGEST_SIDE, SHORTEST_SIDE = 4000, 1200  # pixels
TRIED_SIDE = 600  # pixels of the small copy on which angles are tried
MOST_DEGREES, STEP = 8.0, 0.5
FINE_STEP = 0.1
LEAST_DEGREES = 0.25  # less does not trouble tesseract
EVEN = 0.04  # of the picture: the light changes over longer stretches than letters
UNEVEN = 24  # of 255: how much the light varies where shadows are evened out
DARK = 110  # of 255: white letters on black


def prepared(picture: Image.Image) -> Image.Image:
    """Return a grey picture, its light evened out, its lines level."""
    grey = sized(picture.convert("L"))
    if np.median(np.asarray(grey.resize((64, 64)))) < DARK:
        grey = ImageOps.invert(grey) if is_negative(grey) else grey
    return level(ImageOps.autocontrast(evened(grey), cutoff=1))


def sized(picture: Image.Image) -> Image.Image:
    """Return a picture that is neither too large for the memory nor too small to read."""
    longest, factor = max(picture.size), 1.0
    if longest > LONGEST_SIDE:
        factor = LONGEST_SIDE / longest
    elif longest < SHORTEST_SIDE:
        factor = min(3.0, SHORTEST_SIDE / max(longest, 1))
    return picture if factor == 1.0 else picture.resize([max(1, round(side * factor)) for side in picture.size])


def is_negative(picture: Image.Image) -> bool:
    """Tell white letters on black from a dark photograph of a page: most of it is as dark as can be."""
    return bool(np.mean(np.asarray(picture.resize((128, 128))) < DARK / 2) > 0.6)


def evened(picture: Image.Image) -> Image.Image:
    """Take shadows away: the paper's brightness around each place becomes white."""
    small = picture.resize([max(1, side // 8) for side in picture.size])
    paper = small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(EVEN * max(small.size)))
    if np.ptp(np.percentile(np.asarray(paper), (5, 95))) < UNEVEN:
        return picture
    shade = ImageOps.invert(paper.resize(picture.size))
    return ImageChops.add(picture, shade)


def level(picture: Image.Image) -> Image.Image:
    """Turn a picture so that its lines are level."""
    degrees = skew(picture)
    if abs(degrees) < LEAST_DEGREES:
        return picture
    return picture.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def skew(picture: Image.Image) -> float:
    """Return by how many degrees a page has to be turned: where its lines and the gaps between them differ most."""
    factor = TRIED_SIDE / max(*picture.size, 1)
    small = ImageOps.invert(picture.resize([max(1, round(side * factor)) for side in picture.size]))

    def sharpness(degrees: float) -> float:
        turned = small.rotate(degrees, resample=Image.Resampling.BILINEAR)
        rows = np.asarray(turned, dtype=np.float32).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    coarse = max(np.arange(-MOST_DEGREES, MOST_DEGREES + STEP, STEP), key=sharpness)
    best = max(np.arange(coarse - STEP, coarse + STEP + FINE_STEP, FINE_STEP), key=sharpness)
    return float(best) if sharpness(float(best)) > 1.1 * sharpness(0.0) else 0.0
