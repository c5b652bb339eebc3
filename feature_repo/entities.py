"""What features are kept by. The join key is the entity column of the warehouse's view tables."""

from feast import Entity, ValueType

route = Entity(
    name="route", join_keys=["route"], value_type=ValueType.STRING, description="Origin and destination: EWR-SFO."
)
carrier = Entity(
    name="carrier", join_keys=["carrier"], value_type=ValueType.STRING, description="Two-character carrier code: UA."
)
airport = Entity(
    name="airport",
    join_keys=["airport"],
    value_type=ValueType.STRING,
    description="Three-letter airport code; a flight joins it once as origin and once as destination.",
)
aircraft = Entity(
    name="aircraft", join_keys=["aircraft"], value_type=ValueType.STRING, description="Tail number: N14228."
)
origin_hour = Entity(
    name="origin_hour",
    join_keys=["origin_hour"],
    value_type=ValueType.STRING,
    description="Origin and local scheduled hour: EWR-07.",
)
