"""The 80 % interval of P(correct): quantiles of a Beta given by its mean and its count."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from kt_models.protocol import INTERVAL_MASS

_N_ANGLES = 97
_N_COUNTS = 33
_MIN_COUNT, _MAX_COUNT = 0.5, 512.0
_FRACTION_STEPS = 200
_BISECTIONS = 30


def beta_interval(
    mean: NDArray[np.float64], count: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the central 80 % interval of Beta(mean * count, (1 - mean) * count), any shape.

    Read from a table with an error below .002; count is held within .5 and 512. The interval is
    widened where needed to contain the mean, which a very skewed Beta may leave outside.
    """
    lower = _lower(mean, count)
    upper = 1.0 - _lower(1.0 - mean, count)
    return np.minimum(lower, mean), np.maximum(upper, mean)


def _lower(mean: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    table = _quantile_table()
    angle = np.arcsin(np.sqrt(np.clip(mean, 0.0, 1.0))) * (2 / np.pi) * (_N_ANGLES - 1)
    log_count = np.log(np.clip(count, _MIN_COUNT, _MAX_COUNT) / _MIN_COUNT)
    row = log_count / np.log(_MAX_COUNT / _MIN_COUNT) * (_N_COUNTS - 1)
    i = np.minimum(row.astype(np.int64), _N_COUNTS - 2)
    j = np.minimum(angle.astype(np.int64), _N_ANGLES - 2)
    u, v = row - i, angle - j
    flat = i * _N_ANGLES + j
    low = table[flat] * (1 - v) + table[flat + 1] * v
    high = table[flat + _N_ANGLES] * (1 - v) + table[flat + _N_ANGLES + 1] * v
    return np.asarray(np.sin(low * (1 - u) + high * u) ** 2)


@cache
def _quantile_table() -> NDArray[np.float64]:
    """Return asin(sqrt(lower quantile)), flat (n_counts * n_angles,): smooth enough to blend."""
    angle = np.linspace(0, np.pi / 2, _N_ANGLES)[None, :]
    count = np.geomspace(_MIN_COUNT, _MAX_COUNT, _N_COUNTS)[:, None]
    mean = np.clip(np.sin(angle) ** 2, 1e-9, 1 - 1e-9)
    a, b = mean * count, (1 - mean) * count
    low, high = np.zeros(a.shape), np.full(a.shape, np.pi / 2)
    log_scale = log_gamma(a + b) - log_gamma(a) - log_gamma(b)
    target = (1 - INTERVAL_MASS) / 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_below = _beta_cdf(np.sin(middle) ** 2, a, b, log_scale) < target
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return ((low + high) / 2).ravel()


def _beta_cdf(
    x: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    log_scale: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the regularised incomplete beta function by its continued fraction.

    Source: Abramowitz and Stegun (1964), 26.5.8, evaluated by Lentz's method.
    """
    x = np.clip(x, 1e-300, 1 - 1e-16)
    is_mirrored = x > (a + 1) / (a + b + 2)
    xm = np.where(is_mirrored, 1 - x, x)
    am, bm = np.where(is_mirrored, b, a), np.where(is_mirrored, a, b)
    c = np.ones(x.shape)
    d = 1 / (1 - (am + bm) * xm / (am + 1))
    value = d.copy()
    for m in range(1, _FRACTION_STEPS + 1):
        for step in (
            m * (bm - m) * xm / ((am + 2 * m - 1) * (am + 2 * m)),
            -(am + m) * (am + bm + m) * xm / ((am + 2 * m) * (am + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + step * d)
            c = _away_from_zero(1 + step / c)
            value *= c * d
        if np.all(np.abs(c * d - 1) < 1e-10):
            break
    front = np.exp(log_scale + am * np.log(xm) + bm * np.log1p(-xm)) / am
    return np.asarray(np.where(is_mirrored, 1 - front * value, front * value))


def _away_from_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(values) < 1e-30, 1e-30, values)


def log_gamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log Gamma(x) for x > 0: Stirling's series after shifting x above 8."""
    shift = np.zeros(x.shape)
    for _ in range(8):
        is_small = x < 8
        shift = np.where(is_small, shift + np.log(x), shift)
        x = np.where(is_small, x + 1, x)
    series = 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5)
    return np.asarray((x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi) + series - shift)
