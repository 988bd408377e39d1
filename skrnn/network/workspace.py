"""Memory that is used again, because fresh memory costs as much as a step of a small net.

Nothing here is shared: a Workspace belongs to the thread that took it from a pool (a deque, whose
ends are safe to use from several threads), and gives it back.
"""

from math import prod

import numpy as np

from skrnn.kernels import matmul

# Shapes in which memory is remembered, at most.
_MOST_VIEWS = 128
# Things that are kept under a name, at most: those of the full and of the last minibatch. More
# would hold the memory of weights that are no longer those of any model.
_MOST_KEPT = 2


def empty(shape, dtype):
    """An array whose rows, if they fill whole registers, do not straddle two lines of the cache."""
    size, line = prod(shape) * np.dtype(dtype).itemsize, 64
    memory = np.empty(size + line, np.uint8)
    first = -memory.ctypes.data % line
    return memory[first : first + size].view(dtype).reshape(shape)


def cut(numbers, shapes):
    """Arrays of some shapes, one after the other in memory."""
    arrays, first = [], 0
    for shape in shapes:
        stop = first + prod(shape)
        arrays.append(numbers[first:stop].reshape(shape))
        first = stop
    return arrays


class Workspace:
    """Arrays by name for one thread.

    Parameters
    ----------
    dtype : numpy dtype
    """

    def __init__(self, dtype):
        self.dtype = dtype
        self._buffers, self._views, self._groups = {}, {}, {}
        self._kept, self._scratch = {}, {}
        #: Numbers there is memory for; scratch of products is left out.
        self.size = 0

    def array(self, name, *shape):
        """An uninitialised array of some shape; the last one of that name is overwritten."""
        view = self._views.get((name, shape))
        if view is None:
            view = self._cut(name, shape)
        return view

    def arrays(self, name, *shapes):
        """Several of them under one name, which takes no longer to look up than one."""
        views = self._groups.get((name, shapes))
        if views is None:
            views = [self.array((name, i), *shape) for i, shape in enumerate(shapes)]
            self._groups[name, shapes] = views
        return views

    def kept(self, name, objects):
        """What was kept under a name, if it was made of these same objects; else None."""
        known = self._kept.get(name)
        found = known and known.get(tuple(map(id, objects)))
        return found and found[1]

    def keep(self, name, objects, made):
        """Keep what was made of some objects, and the last thing that was kept under that name."""
        known = self._kept.setdefault(name, {})
        if len(known) >= _MOST_KEPT:
            del known[next(iter(known))]
        known[tuple(map(id, objects))] = objects, made
        return made

    def _cut(self, name, shape):
        """Memory in another shape: that of the name, if there is enough of it."""
        if len(self._views) >= _MOST_VIEWS:
            self._forget_views()
        buffer, size = self._buffers.get(name), prod(shape)
        if buffer is None or buffer.size < size:
            if buffer is not None:
                self._forget_views()  # or smaller ones would stay in the memory there was
                self.size -= buffer.size
            buffer = self._buffers[name] = empty(shape, self.dtype)
            self.size += size
        view = self._views[name, shape] = buffer.reshape(-1)[:size].reshape(shape)
        return view

    def _forget_views(self):
        self._views.clear()
        self._groups.clear()
        self._kept.clear()

    def scratch(self, n_rows):
        """Memory for products with so many rows; see :func:`skrnn.kernels.matmul.scratch`."""
        if n_rows not in self._scratch:
            self._scratch[n_rows] = matmul.scratch(n_rows, self.dtype)
        return self._scratch[n_rows]
