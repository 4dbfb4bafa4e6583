"""Observed properties: what a number means, its unit, its range, how finely it is kept.

A closed list. A reading's columns are whole numbers in the unit of resolution (millimetres, millivolts, parts
per million), so that what a device said is kept exactly and the same bytes come out on every machine. A value
outside the range is no measurement of that property and is rejected; a value inside it is never clamped.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """One observed property.

    Parameters
    ----------
    name : str
        Column name, unit last.
    said : str
        Name in a message, in the unit that people use.
    unit : str
        Unit in a message.
    scale : int
        Stored units in one unit of a message: 1 000 for volts kept as millivolts.
    minimum, maximum : int
        Smallest and largest stored value, both allowed. [stored unit]
    meaning : str
        One sentence.
    """

    name: str
    said: str
    unit: str
    scale: int
    minimum: int
    maximum: int
    meaning: str


# Reasons for the limits: an ultrasonic or radar level sensor sees 15 m at most; fill beyond the calibrated
# span is common (waste above the rim, a container lighter than when calibrated) and must stay visible.
DISTANCE = Quantity("distance_mm", "distance_mm", "mm", 1, 0, 20_000, "Distance from the sensor to the waste.")
FILL = Quantity(
    "fill_ppm",
    "fill_ratio",
    "1",
    1_000_000,
    -1_000_000,
    3_000_000,
    "Share of the container that is full, from a device that says only that.",
)
BATTERY = Quantity("battery_mv", "battery_v", "V", 1_000, 0, 60_000, "Voltage of the device's battery.")
TEMPERATURE = Quantity(
    "temperature_mdegc",
    "temperature_degc",
    "degC",
    1_000,
    -60_000,
    200_000,
    "Temperature in the container; above some 70 degC it burns.",
)
TILT = Quantity("tilt_deg", "tilt_deg", "deg", 1, 0, 180, "Angle between the sensor's axis and the plumb line.")
QUALITY = Quantity(
    "quality_code",
    "quality",
    "code",
    1,
    0,
    15,
    "Measurement quality as the device said it, by LwM2M resource 6042: 1 and 2 rejected by the device, "
    "3 suspicious, 4 accepted, 0 or nothing unchecked.",
)

# LwM2M 6042: the device itself rejects the measurement, with certainty or with probability.
REJECTED_QUALITY_CODES = (1, 2)
