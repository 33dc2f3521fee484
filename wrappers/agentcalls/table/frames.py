"""Arrow tables as data frames of pandas and polars; a missing package is an error before anything is sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Any], Any]


def pandas_maker() -> Maker:
    """A function from a `pyarrow.Table` to a `pandas.DataFrame`; it uses the table up.

    Any value of a column may be missing, so integers and booleans have the nullable types of pandas. By itself, pandas
    would take floats: a duration would be 42.0, and True 1.0.
    """
    pd, pa = need("pandas"), need("pyarrow")
    kinds = {
        pa.string(): pd.StringDtype("pyarrow"),
        pa.int64(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }

    def make(table: Any) -> Any:
        # Each column of the table is freed as it is converted.
        return table.to_pandas(types_mapper=kinds.get, self_destruct=True, split_blocks=True)

    return make


def polars_maker() -> Maker:
    """A function from a `pyarrow.Table` to a `polars.DataFrame`."""
    need("pyarrow")
    return cast("Maker", partial(need("polars").from_arrow, rechunk=False))
