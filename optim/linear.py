"""Linear algebra on small matrices that numpy lacks, or does with threads: on a busy machine these wait for each other.

Inverting sixteen matrices of 124 rows took 8 ms on an idle machine and up to 2 s on one where other processes computed;
by blocks too small for threads it takes as long on both.
"""

from __future__ import annotations

import numpy as np

BLOCK = 8
"""Rows eliminated at once: products with so few are not spread over threads, up to 180 rows in all."""


def inverses(matrices: np.ndarray) -> np.ndarray:
    """Of each of these positive definite matrices, (count, n, n): Gauss-Jordan elimination by blocks, all at once.

    >>> inverses(np.array([[[2.0, 0.0], [0.0, 4.0]]])).tolist()
    [[[0.5, 0.0], [0.0, 0.25]]]
    """
    found = matrices.astype(float)
    for first in range(0, found.shape[1], BLOCK):
        at = slice(first, first + BLOCK)
        pivot, column = np.linalg.inv(found[:, at, at]), found[:, :, at].copy()
        row = pivot @ found[:, at, :]
        found -= column @ row
        found[:, at, :], found[:, :, at], found[:, at, at] = row, -column @ pivot, pivot
    return found


def nonnegative(matrix: np.ndarray, target: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
    """The x >= 0 with the least |matrix x - target| (Lawson and Hanson 1974, algorithm 23.10).

    `near`: the answer to a problem like this one; to begin with its columns saves most of the steps.

    >>> nonnegative(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, -1.0])).tolist()
    [2.0, 0.0]
    """
    scale = np.maximum(np.linalg.norm(matrix, axis=0), 1e-12)
    _, triangle = np.linalg.qr(np.column_stack([matrix / scale, target]))  # same distances, fewer rows
    a, target = triangle[:, :-1], triangle[:, -1]
    x = np.zeros(matrix.shape[1]) if near is None else near * scale
    used = x > 0
    x = _feasible(a, target, x, used)
    for _ in range(3 * len(x)):
        pull = np.where(used, -np.inf, a.T @ (target - a @ x))
        if pull.max() <= 1e-9:
            break
        used[pull.argmax()] = True
        x = _feasible(a, target, x, used)
    return x / scale


def _feasible(a: np.ndarray, target: np.ndarray, x: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The inner loop: solve on the columns in use, and drop those that would go below zero."""
    while used.any():
        solved = np.zeros_like(x)
        solved[used] = np.linalg.lstsq(a[:, used], target, rcond=None)[0]
        if solved[used].min() > 0:
            return solved
        low = used & (solved <= 0)
        step = float(np.min(x[low] / np.maximum(x[low] - solved[low], 1e-300)))
        x = x + step * (solved - x)
        used &= x > 1e-12
    return np.zeros_like(x)
