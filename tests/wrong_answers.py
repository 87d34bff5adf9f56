"""Answers that students give, and a word of what the checks should tell them."""

import numpy as np


def truth(y, sigma):
    return np.tanh(y / sigma**2)


def slope(y, sigma):
    return (truth(y, sigma) - y) / sigma**2


def by_exponentials(y, sigma):
    one, other = np.exp(y / sigma**2), np.exp(-y / sigma**2)
    return (one - other) / (one + other)


def decibels(clean, estimate):
    return 10 * np.log10(1 / np.mean((clean - estimate) ** 2))


def through_zero(top, bottom):
    return top @ bottom / (bottom @ bottom)


def each_image(clean, estimate):
    return ((clean - estimate) ** 2).mean(axis=(1, 2, 3))


# an answer that students give, and a word of what they should be told
WRONG = [
    ("best_guess", lambda y, s: None, "Nothing"),
    ("best_guess", lambda y, s: y.mean(), "shape"),
    ("best_guess", lambda y, s: undefined(y), "NameError"),  # noqa: F821
    ("best_guess", by_exponentials, "not finite"),
    ("best_guess", lambda y, s: y, "leaves that range"),
    ("best_guess", lambda y, s: (truth(y, s) + 1) / 2, "mirror"),
    ("best_guess", lambda y, s: -truth(y, s), "falls"),
    ("best_guess", lambda y, s: np.sign(y), "decides"),
    ("best_guess", lambda y, s: np.tanh(y / s), "sigma = 1 only"),
    ("best_guess", lambda y, s: np.tanh(y), "sigma = 1 only"),
    ("best_guess", lambda y, s: np.tanh(y / (2 * s**2)), "differs"),
    ("best_guess", lambda y, s: np.clip(y, -1, 1), "differs"),
    ("score", lambda y, s: None, "Nothing"),
    ("score", lambda y, s: -slope(y, s), "sign"),
    ("score", lambda y, s: slope(y, s) * s, "sigma = 1 only"),
    ("score", lambda y, s: slope(y, s) * s**2, "sigma = 1 only"),
    ("score", truth, "not the slope"),
    ("psnr", lambda a, b: None, "Nothing"),
    ("psnr", lambda a, b: 10 * np.log10(1 / each_image(a, b)), "shape"),
    ("psnr", lambda a, b: -decibels(a, b), "sign"),
    ("psnr", lambda a, b: -10 * np.log(np.mean((a - b) ** 2)), "base 10"),
    ("psnr", lambda a, b: np.mean(-10 * np.log10(each_image(a, b))), "decibels never"),
    ("psnr", lambda a, b: -10 * np.log10(20 * np.mean((a - b) ** 2)), "over pixels, not its sum"),
    ("psnr", lambda a, b: -10 * np.log10(np.sum((a - b) ** 2)), "not a sum"),
    ("psnr", lambda a, b: decibels(a, b) / 2, "half"),
    ("psnr", lambda a, b: -10 * np.log10(np.mean(np.abs(a - b))), "absolute"),
    ("psnr", lambda a, b: 0.0, "by hand"),
    ("step_slope", lambda x, y, f: None, "Nothing"),
    ("step_slope", lambda x, y, f: -through_zero(x - y, f - y), "sign"),
    ("step_slope", lambda x, y, f: through_zero(f - y, x - y), "reverse"),
    ("step_slope", lambda x, y, f: np.polyfit(f - y, x - y, 1)[0], "no means"),
    ("step_slope", lambda x, y, f: np.corrcoef(f - y, x - y)[0, 1], "correlation"),
    ("step_slope", lambda x, y, f: through_zero(x, f - y), "not x"),
    ("step_slope", lambda x, y, f: 1.0, "Double"),
]


def weights(y, images, sigma, power=2.0):
    exponents = -((y - images) ** 2).sum((1, 2)) / (power * sigma**2)
    raw = np.exp(exponents - exponents.max())
    return raw / raw.sum()


def mixed(shares, images):
    return np.tensordot(shares, images, axes=1)


def memorizer(y, images, sigma, power=2.0):
    return mixed(weights(y, images, sigma, power), images)


def unnormalized(y, images, sigma):
    return mixed(np.exp(-((y - images) ** 2).sum((1, 2)) / (2 * sigma**2)), images)


def overflowing(y, images, sigma):
    raw = np.exp(-((y - images) ** 2).sum((1, 2)) / (2 * sigma**2))
    return mixed(raw / raw.sum(), images)


def by_lengths(y, images, sigma):
    raw = np.exp(-np.sqrt(((y - images) ** 2).sum((1, 2))) / (2 * sigma**2))
    return mixed(raw / raw.sum(), images)


def nearest(y, images, sigma):
    return images[((y - images) ** 2).sum((1, 2)).argmin()]


def rows(images, *, centred=True, unit=True):
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True) if centred else flat
    return flat / np.linalg.norm(flat, axis=1, keepdims=True) if unit else flat


def correlation(a, b):
    return (rows(a) * rows(b)).sum(1)


def one_mean(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (rows(a, centred=False) * rows(b, centred=False)).sum(1)


def found(alike):
    return np.mean(alike.argmax(1) == np.arange(len(alike)))


def table(a, b, **how):
    return rows(a, **how) @ rows(b, **how).T


def apart(a, b):
    return ((a - b) ** 2).mean()


def product(a, b, best):
    return ((a - best) * (b - best)).mean()


def kept(y, basis, factors):
    return basis @ (factors * (basis.T @ y))


def oracle(c, sigma):
    return c**2 / (c**2 + sigma**2)


def decibel_slope(sigmas, mse):
    return np.polyfit(-20 * np.log10(sigmas), -10 * np.log10(mse), 1)[0]


def inside(v, tangents):
    return tangents @ coordinates(v, tangents)


def coordinates(v, tangents):
    return np.linalg.lstsq(tangents, v, rcond=None)[0]


def unit_columns(v, tangents):
    unit = tangents / np.linalg.norm(tangents, axis=0)
    return unit @ (unit.T @ v)


def left(clean, estimate, sigma):
    return ((clean - estimate) ** 2).sum((1, 2, 3)).mean() / sigma**2


WRONG += [
    ("memorizer", lambda y, x, s: None, "Nothing"),
    ("memorizer", weights, "shape"),
    ("memorizer", nearest, "prefers an average"),
    ("memorizer", lambda y, x, s: x.mean(0), "count alike"),
    ("memorizer", unnormalized, "add up to one"),
    ("memorizer", lambda y, x, s: memorizer(y, x, s, 1), "exponent of the Gaussian"),
    ("memorizer", by_lengths, "squared distance"),
    ("memorizer", lambda y, x, s: memorizer(y, x, s, 72), "sum over pixels"),
    ("memorizer", lambda y, x, s: memorizer(y, x, 1), "sigma = 1 only"),
    ("memorizer", lambda y, x, s: memorizer(y, x, s) if s > 0.1 else x.mean(0), "weak noise"),
    ("memorizer", overflowing, "Which factor cancels"),
    ("memorizer", lambda y, x, s: y, "two images"),
    ("gap", lambda a, b: None, "Nothing"),
    ("gap", lambda a, b: 10 * np.log10(a.mean() / b.mean()), "positive"),
    ("gap", lambda a, b: 10 * np.log(b.mean() / a.mean()), "base 10"),
    ("gap", lambda a, b: np.mean(10 * np.log10(b / a)), "first"),
    ("gap", lambda a, b: b.mean() - a.mean(), "difference of errors"),
    ("gap", lambda a, b: 20 * np.log10(b.mean() / a.mean()), "not 20"),
    ("gap", lambda a, b: 5 * np.log10(b.mean() / a.mean()), "not 5"),
    ("gap", lambda a, b: 0.0, "10 dB"),
    ("correlation", lambda a, b: None, "Nothing"),
    ("correlation", lambda a, b: correlation(a, b).mean(), "shape"),
    ("correlation", lambda a, b: np.diag(table(a, b, centred=False)), "as they are"),
    ("correlation", one_mean, "of its own"),
    ("correlation", lambda a, b: np.diag(table(a, b, unit=False)), "both lengths"),
    ("correlation", lambda a, b: np.diag(table(a, b, unit=False)) / 25, "covariance"),
    ("correlation", lambda a, b: 1 - correlation(a, b), "distance"),
    ("correlation", lambda a, b: np.zeros(len(a)), "negative"),
    ("retrieval", lambda a, b: None, "Nothing"),
    ("retrieval", lambda a, b: 8 * found(table(a, b)), "fraction is asked for"),
    ("retrieval", lambda a, b: 1 - found(table(a, b)), "not found"),
    ("retrieval", lambda a, b: found(-table(a, b)), "least alike"),
    ("retrieval", lambda a, b: found(table(a, b, unit=False)), "brightest"),
    ("retrieval", lambda a, b: found(-((a[:, None] - b) ** 2).sum((2, 3))), "distances"),
    ("retrieval", lambda a, b: 1.0, "Not all"),
    ("retrieval", lambda a, b: 0.123, "table"),
    ("variance", lambda a, b: None, "Nothing"),
    ("variance", lambda a, b: (a - b) ** 2 / 2, "shape"),
    ("variance", lambda a, b: apart(a, b), "twice the variance"),
    ("variance", lambda a, b: np.sqrt(apart(a, b) / 2), "standard deviation"),
    ("variance", lambda a, b: np.sqrt(apart(a, b)) / 2, "standard deviation"),
    ("variance", lambda a, b: apart(a, b) / 4, "Once too often"),
    ("variance", lambda a, b: 25 * apart(a, b) / 2, "not their sum"),
    ("variance", lambda a, b: ((a - b) ** 2).sum() / 2, "not the sum"),
    ("variance", lambda a, b: 4 * apart(a, b), "images, not their sum"),
    ("variance", lambda a, b: (a - b).var() / 2, "Subtract no mean"),
    ("variance", lambda a, b: np.abs(a - b).mean() / 2, "absolute"),
    ("variance", lambda a, b: 1.0, "0.02"),
    ("bias_squared", lambda a, b, f: None, "Nothing"),
    ("bias_squared", lambda a, b, f: apart(a, f), "its variance"),
    ("bias_squared", lambda a, b, f: apart(b, f), "its variance"),
    ("bias_squared", lambda a, b, f: (apart(a, f) + apart(b, f)) / 2, "their variance"),
    ("bias_squared", lambda a, b, f: apart((a + b) / 2, f), "half their variance"),
    ("bias_squared", lambda a, b, f: ((a + b) / 2 - f).mean() ** 2, "both signs"),
    ("bias_squared", lambda a, b, f: 25 * product(a, b, f), "not their sum"),
    ("bias_squared", lambda a, b, f: (a * b).mean(), "best denoiser first"),
    ("bias_squared", lambda a, b, f: 0.0, "nothing to do with each other"),
    ("shrink", lambda y, e, a: None, "Nothing"),
    ("shrink", lambda y, e, a: kept(y, e.T, a), "columns"),
    ("shrink", lambda y, e, a: a * (e.T @ y), "Go back"),
    ("shrink", lambda y, e, a: a * y, "shrinks pixels"),
    ("shrink", lambda y, e, a: e @ (e.T @ y), "that is y again"),
    ("shrink", lambda y, e, a: kept(y, e, 1 - a), "removes what should be kept"),
    ("shrink", lambda y, e, a: 0 * y, "one vector"),
    ("oracle_factors", lambda c, s: None, "Nothing"),
    ("oracle_factors", lambda c, s: 1 - oracle(c, s), "removed"),
    ("oracle_factors", lambda c, s: c**2 / (c**2 + s), "sigma enters squared"),
    ("oracle_factors", lambda c, s: np.abs(c) / (np.abs(c) + s), "both enter squared"),
    ("oracle_factors", lambda c, s: np.where(np.abs(c) > s, 1, 0), "keeps or kills"),
    ("oracle_factors", lambda c, s: 1 - s**2 / np.maximum(c**2, 1e-300), "negative"),
    ("oracle_factors", lambda c, s: np.clip(1 - s**2 / (c**2 + 1e-300), 0, 1), "Close"),
    ("oracle_factors", lambda c, s: np.ones(4), "fair"),
    ("effective_dimension", lambda j: None, "Nothing"),
    ("effective_dimension", np.diag, "shape"),
    ("effective_dimension", np.linalg.matrix_rank, "not quite lost"),
    ("effective_dimension", lambda j: (j**2).sum(), "squares"),
    ("effective_dimension", np.linalg.norm, "length"),
    ("effective_dimension", lambda j: np.linalg.svd(j)[1].sum(), "never negative"),
    ("effective_dimension", np.sum, "all entries"),
    ("effective_dimension", np.linalg.det, "product"),
    ("effective_dimension", lambda j: np.trace(j) / 9, "share"),
    ("effective_dimension", lambda j: 3, "projection"),
    ("psnr_slope", lambda s, e: None, "Nothing"),
    ("psnr_slope", lambda s, e: np.polyfit(-10 * np.log10(s), -10 * np.log10(e), 1)[0], "sigma^2"),
    ("psnr_slope", lambda s, e: decibel_slope(s, e**2), "sigma^2"),
    ("psnr_slope", lambda s, e: decibel_slope(s, np.sqrt(e)), "squared already"),
    ("psnr_slope", lambda s, e: decibel_slope(1 / s, e), "less of both"),
    ("psnr_slope", lambda s, e: 1 / decibel_slope(s, e), "slope of which on which"),
    ("psnr_slope", lambda s, e: through_zero(np.log10(e), 2 * np.log10(s)), "need not go"),
    ("psnr_slope", lambda s, e: decibel_slope(s[[0, -1]], e[[0, -1]]), "fit them all"),
    ("psnr_slope", lambda s, e: np.polyfit(s**2, e, 1)[0], "decibels"),
    ("psnr_slope", lambda s, e: 1.0, "has slope 1"),
    ("project", lambda v, t: None, "Nothing"),
    ("project", lambda v, t: t @ (t.T @ v), "these are neither"),
    ("project", unit_columns, "no right angles"),
    ("project", lambda v, t: v - inside(v, t), "outside"),
    ("project", coordinates, "vector that they make"),
    ("project", lambda v, t: np.linalg.qr(t)[0].T @ v, "vector that they make"),
    ("project", lambda v, t: v, "Project twice"),
    ("dimensions_left", lambda x, f, s: None, "Nothing"),
    ("dimensions_left", lambda x, f, s: left(x, f, s) / 36, "share of noise"),
    ("dimensions_left", lambda x, f, s: 7 * left(x, f, s), "not their sum"),
    ("dimensions_left", lambda x, f, s: s * left(x, f, s), "sigma enters squared"),
    ("dimensions_left", lambda x, f, s: s**2 * left(x, f, s), "energy of the noise"),
    ("dimensions_left", lambda x, f, s: 36 - left(x, f, s), "removed"),
    ("dimensions_left", lambda x, f, s: np.sqrt(left(x, f, s)), "length"),
    ("dimensions_left", lambda x, f, s: 36.0, "nothing is denoised"),
]
