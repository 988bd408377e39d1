"""What all linear paths can do, whatever their inputs are."""

from dataclasses import fields, replace


class AffineMap:
    """Base of a frozen dataclass with `coefficients`, `intercepts` and `unit`, arrays.

    Its raw predictions are what the coefficients make of its inputs, plus intercepts (n_outputs,).
    `unit` (n_outputs,) is their unit, in those of a network without a path.
    """

    def scaled(self, factor):
        """The map with its raw predictions multiplied by a number, or one for each output."""
        coefficients, intercepts = self.coefficients * factor, self.intercepts * factor
        return replace(self, coefficients=coefficients, intercepts=intercepts)

    def in_share(self, share):
        """The map in a share, beside a recurrent part that has the rest."""
        return self.scaled(share)

    def within(self, sequences):
        """Sequences as the network is to read them."""
        return sequences

    def seeing(self, sequences):
        """The map of a model that is trained further on some sequences."""
        return self

    def in_unit(self, unit):
        """The map whose raw predictions are in another unit (n_outputs,)."""
        return replace(self.scaled(1.0 / unit), unit=unit)

    def to_state(self):
        """A dict of arrays and numbers."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
