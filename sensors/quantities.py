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


@dataclass(frozen=True, slots=True)
class Word:
    """Something observed that is a name, not a number.

    Parameters
    ----------
    name : str
        Column name.
    said : str
        Name in a message.
    pattern : str
        Regular expression that the whole word fulfils. Printable ASCII: what looks alike is alike.
    meaning : str
        One sentence.
    """

    name: str
    said: str
    pattern: str
    meaning: str


# Names that people gave: of points, cases, containers, zones.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}"

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

BATTERY_SHARE = Quantity("battery_pct", "battery_pct", "%", 1, 0, 100, "Charge of the device's battery, as it says.")
ECHO_1, ECHO_2, ECHO_3, ECHO_4 = (
    Quantity(f"echo_{n}_mm", f"echo_{n}_mm", "mm", 1, 0, 20_000, f"Distance by echo {n} of one measurement.")
    for n in (1, 2, 3, 4)
)
TILTED = Quantity("tilted", "tilted", "code", 1, 0, 1, "Whether the device says that it hangs askew: 1 yes, 0 no.")
ALARM = Quantity("alarm", "alarm", "code", 1, 0, 65_535, "Alarm or event bits, as the device's maker numbers them.")

# LwM2M 6042: the device itself rejects the measurement, with certainty or with probability.
REJECTED_QUALITY_CODES = (1, 2)

LATITUDE = Quantity(
    "latitude_e7", "latitude", "deg", 10_000_000, -900_000_000, 900_000_000, "Degrees north of the equator, WGS84."
)
LONGITUDE = Quantity(
    "longitude_e7",
    "longitude",
    "deg",
    10_000_000,
    -1_800_000_000,
    1_800_000_000,
    "Degrees east of Greenwich, WGS84.",
)
# 100 m/s is no road vehicle: what says more has jumped.
SPEED = Quantity("speed_mmps", "speed_mps", "m/s", 1_000, 0, 100_000, "Speed over ground.")
COURSE = Quantity("course_cdeg", "course_deg", "deg", 100, 0, 36_000, "Direction of movement, clockwise from north.")
ACCURACY = Quantity(
    "accuracy_mm",
    "accuracy_m",
    "m",
    1_000,
    0,
    100_000_000,
    "Radius in which the true position lies, as the device says.",
)
INPUTS = Quantity(
    "inputs",
    "inputs",
    "bits",
    1,
    0,
    65_535,
    "Digital inputs as bits, the first input is 1; what each means, the installation says.",
)
IGNITION = Quantity("ignition", "ignition", "code", 1, 0, 1, "Whether the vehicle's ignition is on: 1 yes, 0 no.")
HDOP = Quantity("hdop_c", "hdop", "1", 100, 0, 100_000, "Horizontal dilution of precision, as the receiver says.")
SATELLITES = Quantity("satellites", "satellites", "1", 1, 0, 200, "Satellites used for the position.")
WEIGHT = Quantity("weight_g", "weight_kg", "kg", 1_000, 0, 2_000_000_000, "Weight lifted or weighed.")
VERSION = Quantity("version", "version", "1", 1, 1, 10_000, "Which version of the document this is, from 1.")
LIFTS = Quantity("lifts", "lifts", "1", 1, 0, 1_000_000, "Containers lifted, as declared.")
COUNT = Quantity("count", "count", "1", 1, 0, 1_000_000, "How many were there.")
STATE = Quantity("state", "state", "code", 1, 0, 1, "Whether the signal is on: 1 yes, 0 no.")

ZONE = Word("zone", "zone", NAME_PATTERN, "Contract zone, as the speaker knows it.")
CONTAINER = Word("container", "container", NAME_PATTERN, "Container, by its tag or its name.")
POINT = Word("point", "point", NAME_PATTERN, "Point of the sampling plan, or the place inspected.")
GRADE = Word("grade", "grade", r"[A-Za-z0-9+-]{1,8}", "Grade given, as the scale writes it.")
PLAN = Word("plan", "plan", r"[0-9]{4}-[0-9]{2}", "Month of the sampling plan followed; not said off plan.")
CASE = Word("case", "case", NAME_PATTERN, "Number of the complaint or work order.")
STEP = Word(
    "step",
    "step",
    r"opened|responded|resolved|confirmed|reopened|withdrawn",
    "What happened to the case.",
)
PRIORITY = Word("priority", "priority", r"[a-z0-9-]{1,32}", "Priority of the case.")
REPORT = Word("report", "report", r"[a-z0-9-]{1,64}", "Which report.")
DAY = Word("day", "day", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "Local day that is reported on.")
PLACE = Word("place", "place", NAME_PATTERN, "Where, by name.")
STREAM = Word("stream", "stream", r"[a-z0-9-]{1,32}", "Kind of waste.")
TICKET = Word("ticket", "ticket", NAME_PATTERN, "Number of the weighbridge ticket.")
SIGNAL = Word("signal", "signal", r"[a-z0-9-]{1,32}", "Which signal: water, pump, brush, compactor.")
PHOTO = Word("photo_sha256", "photo_sha256", r"[0-9a-f]{64}", "Digest of a photo.")
