"""The kiosk's window: draws the state of `exam_station.flow` and tells what the person did."""
