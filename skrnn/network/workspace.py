"""Memory that is used again, because fresh memory costs as much as a step of a small net.

Nothing here is shared: a Workspace belongs to the thread that took it from a pool (a deque, whose
ends are safe to use from several threads), and gives it back.
"""

from math import prod

import numpy as np

from skrnn.kernels import matmul


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
        self._buffers, self._views, self._groups, self._kept = {}, {}, {}, {}
        #: Numbers there is memory for; scratch of products is left out.
        self.size = 0

    def array(self, name, *shape):
        """An uninitialised array of some shape; the last one of that name is overwritten."""
        view = self._views.get(name)
        if view is None or view.shape != shape:
            view = self._views[name] = self._cut(name, shape)
        return view

    def arrays(self, name, *shapes):
        """Several of them under one name, which takes no longer to look up than one."""
        last, views = self._groups.get(name, (None, None))
        if last != shapes:
            views = [self.array((name, i), *shape) for i, shape in enumerate(shapes)]
            self._groups[name] = shapes, views
        return views

    def kept(self, name, objects):
        """What was kept under a name, if it was made of these same objects; else None."""
        known, found = self._kept.get(name, ((), None))
        if len(known) != len(objects):
            return None
        for one, other in zip(known, objects, strict=True):
            if one is not other:
                return None
        return found

    def keep(self, name, objects, made):
        """Keep what was made of some objects, in the place of what was kept under that name."""
        self._kept[name] = objects, made
        return made

    def _cut(self, name, shape):
        """That memory in another shape, if there is enough of it."""
        buffer, size = self._buffers.get(name), prod(shape)
        if buffer is not None and buffer.size >= size:
            return buffer.reshape(-1)[:size].reshape(shape)
        self.size += size - (0 if buffer is None else buffer.size)
        buffer = self._buffers[name] = empty(shape, self.dtype)
        return buffer

    def scratch(self, n_rows):
        """Memory for products with so many rows; see :func:`skrnn.kernels.matmul.scratch`."""
        if n_rows not in self._views:
            self._views[n_rows] = matmul.scratch(n_rows, self.dtype)
        return self._views[n_rows]
