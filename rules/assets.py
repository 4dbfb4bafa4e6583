"""Assets and installations: which container stood where, and which device hung at it, with dates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asset:
    """A container and where it stands.

    Parameters
    ----------
    asset, zone, asset_class : str
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


@dataclass(frozen=True, slots=True)
class Register:
    """Assets and installations of a contract, as one revision."""

    assets: tuple[Asset, ...]
    installations: tuple[Installation, ...]
