"""Assets and installations: which container stood where, which device hung at what, with dates."""

from dataclasses import dataclass
from typing import Final

# What a reading may lie off its neighbours unless the installation says otherwise: more than a container fills or
# settles between two readings, less than the least fall that contracts call an emptying. [ppm]
JUMP_PPM: Final = 150_000


@dataclass(frozen=True, slots=True)
class Asset:
    """A container and where it stands, a vehicle, an inspector's tablet, a desk.

    Parameters
    ----------
    asset, zone, asset_class : str
        The zone is empty for what belongs to none.
    since_us, until_us : int
        Half open; `until_us` far in the future while it stands there. [us since 1970, UTC]
    """

    asset: str
    zone: str
    asset_class: str
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Installation:
    """The dated link between a device and an asset.

    Parameters
    ----------
    source, device, asset : str
    since_us, until_us : int
        Half open. [us since 1970, UTC]
    empty_mm, full_mm : int or None
        Distance read when the container is empty and when it is full, for devices that report a distance.
    full_at_ppm : int or None
        Fill at which this container counts as full, for terms that leave it to the installation.
    signed_city, signed_contractor : str
        Who signed the joint record.
    gateway : str
        Through which gateway it sends, where known: many devices silent behind one are the gateway's silence.
    working_input : int
        Digital input that tells whether the vehicle works (broom down), from 1; 0 where none does.
    is_working_high : bool
        Whether it works while the input is on, or while it is off.
    jump_ppm : int
        A reading that lies further off those before and after it than this is no fill: a lid, a strut, another echo.
    """

    source: str
    device: str
    asset: str
    since_us: int
    until_us: int
    empty_mm: int | None
    full_mm: int | None
    full_at_ppm: int | None
    signed_city: str
    signed_contractor: str
    gateway: str = ""
    working_input: int = 0
    is_working_high: bool = True
    jump_ppm: int = JUMP_PPM


@dataclass(frozen=True, slots=True)
class Register:
    """Assets and installations of a contract, as one revision."""

    assets: tuple[Asset, ...]
    installations: tuple[Installation, ...]
